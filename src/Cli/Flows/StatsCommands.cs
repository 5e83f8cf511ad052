using System.Globalization;
using System.Text;
using TwinTrack.Cli.Output;
using TwinTrack.Conntrack;
using TwinTrack.Conntrack.Kernel;
using TwinTrack.Netlink;

namespace TwinTrack.Cli.Flows;

/// <summary>-C and -S: what the kernel counts.</summary>
internal static class StatsCommands
{
    private const string CountFile = "/proc/sys/net/netfilter/nf_conntrack_count";
    private const string StatsFile = "/proc/net/stat/nf_conntrack";

    // enum ctattr_stats_cpu, from 1 on
    private static readonly string[] _flowNames =
    [
        "searched", "found", "new", "invalid", "ignore", "delete", "delete_list", "insert", "insert_failed", "drop",
        "early_drop", "error", "search_restart", "clash_resolve", "chaintoolong", "unknown1", "unknown2", "unknown3",
        "unknown4",
    ];

    // enum ctattr_expect_stats, from 1 on
    private static readonly string[] _expectationNames = ["expect_new", "expect_create", "expect_delete"];

    /// <summary>-C.</summary>
    public static int Count(Session session, Request request)
    {
        NetlinkError error = session.Client.Count(out TableSize size);
        if (error.IsSuccess)
        {
            WriteLine(
                session.Output,
                IsJson(request)
                    ? $"{{\"entries\":{size.Entries},\"limit\":{size.Limit}}}"
                    : size.Entries.ToString(CultureInfo.InvariantCulture));
            return ExitCode.Success;
        }

        // Without privileges the number can be had, too; the status tells that it came another way.
        if (!FileText.TryRead(CountFile, out ReadOnlySpan<byte> text))
            throw new ToolException($"Can't open {CountFile}", ExitCode.Failure);
        if (!uint.TryParse(text.Trim("\n "u8), out uint count))
            throw new ToolException($"Can't read {CountFile}", ExitCode.Failure);
        WriteLine(session.Output, count.ToString(CultureInfo.InvariantCulture));
        throw Session.Failure(request, error);
    }

    /// <summary>-S.</summary>
    public static int Stats(Session session, Request request)
    {
        using var client = new NetlinkClient(NetlinkProtocol.Netfilter);
        bool isExpect = request.Table == TableId.Expect;
        client.Writer.Clear();
        client.Writer.Begin(
            isExpect ? NetfilterSubsystem.Expectation : NetfilterSubsystem.Conntrack,
            isExpect ? ExpectationMessageType.GetStatsCpu : ConntrackMessage.GetStatsCpu,
            MessageFlags.Request | MessageFlags.Dump,
            client.NextSequence,
            AddressFamily.Unspecified);
        client.Writer.End();

        NetlinkError error = client.Start();
        while (error.IsSuccess && client.Wait() == ReplyState.Message)
        {
            WriteCpu(
                session.Output, client.Message, isExpect ? _expectationNames : _flowNames, IsJson(request));
        }

        if (error.IsSuccess) error = client.Result;
        if (error.IsSuccess) return ExitCode.Success;

        WriteFile(session.Output);
        throw Session.Failure(request, error);
    }

    private static bool IsJson(Request request) => request.Output == OutputKind.Json;

    private static void WriteCpu(ByteOutput output, ReadOnlySpan<byte> message, string[] names, bool isJson)
    {
        if (!NetfilterHeader.TryRead(message, out NetfilterHeader header, out ReadOnlySpan<byte> attributes)) return;

        var line = new StringBuilder();
        line.Append(isJson ? $"{{\"cpu\":{header.Resource}" : $"cpu={header.Resource,-4}\t");
        for (int type = 1; type <= names.Length; type++)
        {
            var reader = new AttributeReader(attributes);
            while (reader.MoveNext())
            {
                if (reader.Type != type) continue;
                string name = names[type - 1];
                uint value = reader.ReadUInt32();
                line.Append(isJson ? $",\"{name}\":{value}" : $"{name}={value} ");
            }
        }

        if (isJson) line.Append('}');
        WriteLine(output, line.ToString());
    }

    // One line of names, then one line of hexadecimal numbers for each CPU.
    private static void WriteFile(ByteOutput output)
    {
        if (!FileText.TryRead(StatsFile, out ReadOnlySpan<byte> rest))
            throw new ToolException("Can't open /proc interface", ExitCode.Failure);

        FileText.TryTakeLine(ref rest, out ReadOnlySpan<byte> header);
        for (int cpu = 0; FileText.TryTakeLine(ref rest, out ReadOnlySpan<byte> numbers); cpu++)
        {
            var line = new StringBuilder();
            line.Append($"cpu={cpu,-4}\t");
            ReadOnlySpan<byte> names = header;
            while (FileText.TryTakeWord(ref names, out ReadOnlySpan<byte> name)
                && FileText.TryTakeWord(ref numbers, out ReadOnlySpan<byte> number))
            {
                _ = uint.TryParse(number, NumberStyles.HexNumber, CultureInfo.InvariantCulture, out uint value);
                line.Append($"{Encoding.ASCII.GetString(name)}={value} ");
            }

            WriteLine(output, line.ToString());
        }
    }

    private static void WriteLine(ByteOutput output, string text)
    {
        output.Write(text);
        output.Write("\n"u8);
    }
}
