using System.Globalization;
using TwinTrack.Cli.Output;
using TwinTrack.Conntrack.Kernel;

namespace TwinTrack.Cli.Flows;

/// <summary>Lists a large table over two sockets at once: the kernel's share of the work is nearly all of it.</summary>
/// <remarks>
/// One asks for assured flows, the other for the rest, so that no flow comes twice. One that becomes assured between
/// the two may come twice or not at all, as one that moves in the table may in a single listing.
/// </remarks>
internal sealed class PartedList(ByteOutput output, Request request)
{
    // Both walk all buckets of the table, which takes longer than reading this many flows.
    private const int LeastFlows = 50_000;

    private readonly Lock _gate = new();
    private int _otherCount;
    private ToolException? _otherError;

    /// <summary>Whether the listing is large, may be parted, and a second processor has time.</summary>
    public static bool Fits(Session session, Request request)
    {
        bool isFramed = (request.Output & OutputKind.Xml) != OutputKind.None;
        if (request.Sockets == 1 || request.Table != TableId.Conntrack || isFramed) return false;
        if (request.HasAny(OptionId.Status, OptionId.Zero)) return false;
        if (request.Sockets > 1) return true;
        return Environment.ProcessorCount > 1 && session.Client.Count(out TableSize size).IsSuccess
            && size.Entries >= LeastFlows && IsIdle();
    }

    /// <summary>Lists.</summary>
    /// <returns>How many flows were shown.</returns>
    public int Run()
    {
        var other = new Thread(RunOther);
        other.Start();
        int count;
        var own = new ByteOutput(Libc.StandardOutput, gate: _gate);
        try
        {
            count = FlowCommands.List(own, request, TableHalf.Assured);
        }
        finally
        {
            own.Flush();
            other.Join();
        }

        output.Fail(own.Error);
        return _otherError is null ? count + _otherCount : throw _otherError;
    }

    private void RunOther()
    {
        var own = new ByteOutput(Libc.StandardOutput, gate: _gate);
        try
        {
            _otherCount = FlowCommands.List(own, request, TableHalf.Others);
        }
        catch (ToolException e)
        {
            _otherError = e;
        }

        own.Flush();
    }

    // Processes that wait for a processor: with all of them busy, parting costs more than it gains.
    private static bool IsIdle()
    {
        if (!FileText.TryRead("/proc/loadavg", out ReadOnlySpan<byte> text)) return true;

        return FileText.TryTakeWord(ref text, out ReadOnlySpan<byte> load)
            && double.TryParse(load, NumberStyles.AllowDecimalPoint, CultureInfo.InvariantCulture, out double waiting)
            && waiting < Environment.ProcessorCount - 0.5;
    }
}
