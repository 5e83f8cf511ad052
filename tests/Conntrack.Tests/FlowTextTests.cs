using System.Buffers;
using System.Globalization;
using System.Runtime.InteropServices;
using System.Text;
using System.Text.RegularExpressions;
using TwinTrack.Tests;
using Xunit;

namespace TwinTrack.Conntrack.Tests;

public sealed partial class FlowTextTests
{
    private const FlowTextParts KernelTable = FlowTextParts.Timeout | FlowTextParts.Counters | FlowTextParts.Use;

    public static TheoryData<string> CacheListings => [.. Listings().Where(path => !IsLive(path))];

    public static TheoryData<string> KernelListings =>
    [
        .. Listings().Where(IsLive),
        .. GoldenFiles.Below("outputs", "kernel-table-*.txt"),
    ];

    [Theory]
    [MemberData(nameof(CacheListings))]
    public void Each_line_of_a_recorded_cache_listing_is_reproduced(string path)
    {
        foreach (string line in Lines(path))
        {
            string flow = Times().Replace(line, "");
            PackedFlow read = FlowReading.FromLine(flow);
            Assert.Equal(flow, Text(in read));
        }
    }

    [Theory]
    [MemberData(nameof(KernelListings))]
    public void Each_line_of_a_recorded_kernel_table_is_reproduced(string path)
    {
        foreach (string line in Lines(path))
        {
            PackedFlow read = FlowReading.FromLine(line);
            Assert.Equal(line, Text(in read, new FlowTextStyle(KernelTable)));
        }
    }

    [Fact]
    public void Each_line_of_the_recorded_statistics_log_is_reproduced()
    {
        foreach (string line in Lines(Path.Combine("outputs", "stats-mode", "stats.log")))
        {
            string flow = line[(line.IndexOf('\t', StringComparison.Ordinal) + 1)..];
            PackedFlow read = FlowReading.FromLine(flow);
            Assert.Equal(flow, Text(in read, new FlowTextStyle(FlowTextParts.Counters)));
        }
    }

    [Fact]
    public void A_cache_line_hides_timeout_counters_use_and_id()
    {
        PackedFlow flow = Tcp();
        Assert.Equal(
            "tcp      6 ESTABLISHED src=10.0.0.1 dst=192.0.2.1 sport=1000 dport=80 "
            + "src=192.0.2.1 dst=10.0.0.1 sport=80 dport=1000 [ASSURED] mark=42",
            Text(in flow));
    }

    [Fact]
    public void Every_part_has_its_place()
    {
        PackedFlow flow = Tcp();
        flow.Original.Zone = 7;
        flow.Original.Parts |= TupleParts.Zone;
        flow.Reply.Zone = 8;
        flow.Reply.Parts |= TupleParts.Zone;
        flow.Status = FlowStatus.Assured | FlowStatus.Offload;
        flow.SecurityMark = 3;
        Encoding.UTF8.GetBytes("system_u:object_r:x", flow.SecurityContext);
        flow.SecurityContextLength = 19;
        flow.Zone = 9;
        Encoding.UTF8.GetBytes("ftp", flow.Helper);
        flow.TimestampStart = 1_000_000_000_000_000_000;
        flow.Labels = new LabelBits(1UL << 1 | 1UL << 40, 1UL << 63);
        flow.Fields |= FlowFields.SecurityMark | FlowFields.SecurityContext | FlowFields.Zone | FlowFields.Helper
            | FlowFields.TimestampStart | FlowFields.Labels;
        byte[]?[] names = new byte[]?[128];
        names[0] = "unset"u8.ToArray();
        names[1] = "alpha"u8.ToArray();
        names[127] = "last"u8.ToArray();

        FlowTextStyle style = new(
            KernelTable | FlowTextParts.Id | FlowTextParts.Family | FlowTextParts.New | FlowTextParts.EventTime,
            1_000_000_012_345_678_901,
            names);
        Assert.Equal(
            "[1000000012.345678]\t    [NEW] ipv4     2 tcp      6 431999 ESTABLISHED "
            + "src=10.0.0.1 dst=192.0.2.1 sport=1000 dport=80 zone-orig=7 packets=4 bytes=223 [UNREPLIED] "
            + "src=192.0.2.1 dst=10.0.0.1 sport=80 dport=1000 zone-reply=8 packets=3 bytes=176 [OFFLOAD] mark=42 "
            + "secmark=3 secctx=system_u:object_r:x zone=9 delta-time=12 helper=ftp use=1 id=99 labels=alpha,last",
            Text(in flow, in style));
    }

    [Theory]
    [InlineData(FlowTextParts.New, "    [NEW] ")]
    [InlineData(FlowTextParts.Update, " [UPDATE] ")]
    [InlineData(FlowTextParts.Destroy, "[DESTROY] ")]
    public void An_event_is_named_in_nine_columns(FlowTextParts kind, string expected)
    {
        PackedFlow flow = Tcp();
        Assert.StartsWith(expected + "tcp ", Text(in flow, new FlowTextStyle(kind)), StringComparison.Ordinal);
    }

    [Theory]
    [InlineData(IpProtocol.UdpLite, "udplite  136 src=10.0.0.1 dst=192.0.2.1 sport=1000 dport=80")]
    [InlineData(IpProtocol.Gre, "gre      47 src=10.0.0.1 dst=192.0.2.1 srckey=0x3e8 dstkey=0x50")]
    [InlineData(IpProtocol.Icmp, "icmp     1 src=10.0.0.1 dst=192.0.2.1 type=8 code=3 id=77")]
    [InlineData(IpProtocol.IcmpV6, "icmpv6   58 src=10.0.0.1 dst=192.0.2.1 type=8 code=3 id=77")]
    [InlineData(IpProtocol.Sctp, "sctp     132 COOKIE_ECHOED src=10.0.0.1 dst=192.0.2.1 sport=1000 dport=80")]
    [InlineData(IpProtocol.Dccp, "dccp     33 PARTOPEN src=10.0.0.1 dst=192.0.2.1 sport=1000 dport=80")]
    [InlineData(50, "unknown  50 src=10.0.0.1 dst=192.0.2.1")]
    public void Each_protocol_has_its_own_keys(byte protocol, string expected)
    {
        PackedFlow flow = default;
        flow.Original = Tcp().Original;
        flow.Original.Protocol = protocol;
        flow.Original.IcmpType = 8;
        flow.Original.IcmpCode = 3;
        flow.Original.IcmpId = 77;
        flow.Original.Parts |= TupleParts.IcmpId | TupleParts.IcmpTypeCode;
        flow.SctpState = (byte)SctpState.CookieEchoed;
        flow.DccpState = (byte)DccpState.PartOpen;
        flow.Fields = FlowFields.Original;
        if (protocol == IpProtocol.Sctp) flow.Fields |= FlowFields.SctpState;
        if (protocol == IpProtocol.Dccp) flow.Fields |= FlowFields.DccpState;

        Assert.Equal(expected, Text(in flow));
    }

    [Theory]
    [InlineData(FlowStatus.SeenReply | FlowStatus.Assured, " [ASSURED]")]
    [InlineData(FlowStatus.SeenReply | FlowStatus.Assured | FlowStatus.Offload, " [OFFLOAD]")]
    [InlineData(FlowStatus.SeenReply | FlowStatus.Offload | FlowStatus.HardwareOffload, " [HW_OFFLOAD]")]
    [InlineData(FlowStatus.SeenReply, "")]
    [InlineData(FlowStatus.None, " [UNREPLIED]")]
    public void The_first_status_that_holds_is_shown(FlowStatus status, string expected)
    {
        PackedFlow flow = Tcp();
        flow.Status = status;
        flow.Fields = FlowFields.Original | FlowFields.Status;
        Assert.EndsWith("dport=80" + expected, Text(in flow), StringComparison.Ordinal);
    }

    [Fact]
    public void A_number_without_a_state_name_is_none()
    {
        PackedFlow flow = Tcp();
        flow.TcpState = 200;
        Assert.StartsWith("tcp      6 NONE src=", Text(in flow), StringComparison.Ordinal);
    }

    [Fact]
    public void Labels_without_names_leave_the_bare_word()
    {
        PackedFlow flow = Tcp();
        flow.Labels = new LabelBits(4, 0);
        flow.Fields |= FlowFields.Labels;
        FlowTextStyle style = new(FlowTextParts.None, 0, []);
        Assert.EndsWith(" mark=42 labels", Text(in flow, in style), StringComparison.Ordinal);
    }

    [Fact]
    public void A_name_from_outside_cannot_forge_a_line()
    {
        PackedFlow flow = Tcp();
        Encoding.UTF8.GetBytes("f\n\u001b[2Jé", flow.Helper);
        flow.Fields |= FlowFields.Helper;
        Assert.EndsWith(" helper=f??[2Jé", Text(in flow), StringComparison.Ordinal);
        flow.Helper[0] = 0xff;
        Assert.EndsWith(" helper=???[2J??", Text(in flow), StringComparison.Ordinal);
    }

    [Fact]
    public void Kernel_times_are_local_and_padded_like_ctime()
    {
        PackedFlow flow = Tcp();
        flow.TimestampStart = 1_636_000_000_000_000_000;
        flow.TimestampStop = 1_636_000_003_900_000_000;
        flow.Fields |= FlowFields.TimestampStart | FlowFields.TimestampStop;
        string text = Text(in flow, new FlowTextStyle(FlowTextParts.KernelTimes));
        DateTime start = DateTimeOffset.FromUnixTimeSeconds(1_636_000_000).LocalDateTime;
        string day = start.Day.ToString(CultureInfo.InvariantCulture).PadLeft(2);
        Assert.Contains(
            start.ToString("' delta-time=3 [start='ddd MMM ", CultureInfo.InvariantCulture) + day
            + start.ToString(" HH:mm:ss yyyy'] [stop='", CultureInfo.InvariantCulture),
            text,
            StringComparison.Ordinal);
    }

    [Fact]
    public void A_buffer_too_short_by_a_byte_is_noticed()
    {
        PackedFlow flow = Tcp();
        FlowTextStyle style = new(FlowTextParts.None);
        int length = Encoding.UTF8.GetByteCount(Text(in flow, in style));
        for (int size = 0; size <= length + 1; size++)
        {
            LineWriter line = new(new byte[size]);
            FlowText.Write(ref line, in flow, in style);
            Assert.Equal(size < length + 1, line.IsFull); // one more for the blank that is taken back
        }
    }

    [Fact]
    public void The_longest_flow_fits_the_promised_length()
    {
        PackedFlow flow = default;
        flow.Fields = (FlowFields)ulong.MaxValue;
        Span<byte> bytes = MemoryMarshal.AsBytes(new Span<PackedFlow>(ref flow));
        bytes.Fill(0xff);
        foreach (ref FlowTuple tuple in MemoryMarshal.CreateSpan(ref flow.Original, 2))
        {
            tuple.Family = AddressFamily.IPv6;
            tuple.Protocol = IpProtocol.Dccp;
        }

        flow.SecurityContextLength = 256;
        flow.TimestampStart = 0;
        ((Span<byte>)flow.SecurityContext).Fill((byte)'"');
        ((Span<byte>)flow.Helper).Fill((byte)'"');
        flow.Status = FlowStatus.HardwareOffload;
        FlowTextStyle style = new((FlowTextParts)int.MaxValue, ulong.MaxValue);

        LineWriter text = new(new byte[FlowText.MaxLength]);
        FlowText.Write(ref text, in flow, in style);
        Assert.False(text.IsFull);
        LineWriter xml = new(new byte[FlowXml.MaxLength]);
        FlowXml.Write(ref xml, in flow, in style);
        Assert.False(xml.IsFull);
        Assert.InRange(xml.Length, 2500, FlowXml.MaxLength);
    }

    [Fact]
    public void Writing_a_line_allocates_nothing()
    {
        PackedFlow flow = Tcp();
        FlowTextStyle style = new(KernelTable);
        byte[] buffer = new byte[1024];
        WriteMany(ref flow, in style, buffer, 100);
        long before = GC.GetAllocatedBytesForCurrentThread();
        WriteMany(ref flow, in style, buffer, 100);
        Assert.Equal(before, GC.GetAllocatedBytesForCurrentThread());
    }

    private static void WriteMany(ref PackedFlow flow, in FlowTextStyle style, byte[] buffer, int count)
    {
        for (int i = 0; i < count; i++)
        {
            LineWriter line = new(buffer);
            FlowText.Write(ref line, in flow, in style);
            FlowXml.Write(ref line, in flow, in style);
        }
    }

    private static PackedFlow Tcp() => FlowReading.FromLine(
        "tcp 6 431999 ESTABLISHED src=10.0.0.1 dst=192.0.2.1 sport=1000 dport=80 packets=4 bytes=223 "
        + "src=192.0.2.1 dst=10.0.0.1 sport=80 dport=1000 packets=3 bytes=176 [ASSURED] mark=42 use=1 id=99");

    private static IEnumerable<string> Listings() => GoldenFiles.Below("outputs", "i*.out", "e*.out")
        .Where(path => !path.Contains("xml", StringComparison.Ordinal)
            && !path.Contains("exp", StringComparison.Ordinal));

    // Without internal cache, -i shows the kernel's table.
    private static bool IsLive(string path) => path.Contains("cacheless", StringComparison.Ordinal);

    [GeneratedRegex(@"( \[expires in \d+s\])? \[active since \d+s\]$", RegexOptions.ExplicitCapture, 1000)]
    private static partial Regex Times();

    private static string[] Lines(string path) =>
        GoldenFiles.Read(path).Split('\n', StringSplitOptions.RemoveEmptyEntries);

    private static string Text(in PackedFlow flow) => Text(in flow, new FlowTextStyle(FlowTextParts.None));

    private static string Text(in PackedFlow flow, in FlowTextStyle style)
    {
        ArrayBufferWriter<byte> output = new();
        FlowText.Write(output, in flow, in style);
        return Encoding.UTF8.GetString(output.WrittenSpan);
    }
}
