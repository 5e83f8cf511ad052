using System.Text;
using TwinTrack.Conntrack;
using TwinTrack.Daemon.Control;
using TwinTrack.Replication;
using TwinTrack.Tests;
using Xunit;

namespace TwinTrack.Daemon.Tests.Control;

public sealed class FlowListingTests
{
    private const string External = "outputs/alarm-multicast/e-ct-node2.out";

    [Fact]
    public void An_external_entry_of_ALARM_tells_when_it_expires()
    {
        string recorded = GoldenFiles.Read(External).Split('\n').First(line =>
            line.Contains("ESTABLISHED", StringComparison.Ordinal)
            && line.Contains("dport=21 ", StringComparison.Ordinal));
        ushort port = ushort.Parse(After(recorded, "sport="));
        uint expires = uint.Parse(After(recorded, "[expires in "));
        uint age = uint.Parse(After(recorded, "[active since "));

        FlowListing listing = new(
            OneFlow(port, new EntryTimes(age, 20 - expires)), new FlowTextStyle(FlowTextParts.None), false, 20);
        Assert.Equal(recorded + "\n", Text(listing));
    }

    [Fact]
    public void An_entry_that_is_late_expires_in_less_than_nothing()
    {
        FlowListing listing = new(
            OneFlow(1, new EntryTimes(30, 22)), new FlowTextStyle(FlowTextParts.None), false, 20);
        Assert.EndsWith(" [expires in -2s] [active since 30s]\n", Text(listing), StringComparison.Ordinal);
    }

    [Fact]
    public void Elements_have_no_times()
    {
        FlowListing listing = new(OneFlow(1, new EntryTimes(30, 22)), new FlowTextStyle(FlowTextParts.Id), true, 20);
        Assert.EndsWith("<helper>ftp</helper></flow>\n", Text(listing), StringComparison.Ordinal);
    }

    private static FlowReader OneFlow(ushort port, EntryTimes entryTimes) =>
        (ref ulong cursor, Instant now, ref PackedFlow flow, out EntryTimes times) =>
        {
            times = entryTimes;
            flow.Clear();
            _ = Address.TryParse("10.82.0.2", out flow.Original.Source, out flow.Original.Family);
            _ = Address.TryParse("10.82.1.2", out flow.Original.Destination, out flow.Original.Family);
            flow.Original.Protocol = IpProtocol.Tcp;
            flow.Original.SourcePort = port;
            flow.Original.DestinationPort = 21;
            flow.Original.Parts = TupleParts.Addresses | TupleParts.Protocol | TupleParts.Ports;
            flow.TcpState = (byte)TcpState.Established;
            flow.Status = FlowStatus.Assured | FlowStatus.SeenReply;
            Encoding.UTF8.GetBytes("ftp", flow.Helper);
            flow.Fields = FlowFields.Original | FlowFields.TcpState | FlowFields.Status | FlowFields.Helper;
            return cursor++ == 0;
        };

    private static string After(string line, string prefix)
    {
        int start = line.IndexOf(prefix, StringComparison.Ordinal) + prefix.Length;
        return new string([.. line.Skip(start).TakeWhile(char.IsAsciiDigit)]);
    }

    private static string Text(FlowListing listing)
    {
        byte[] slice = new byte[ControlServer.SliceSize];
        Assert.Equal(AnswerState.End, listing.Fill(default, slice, out int written));
        return Encoding.UTF8.GetString(slice, 0, written);
    }
}
