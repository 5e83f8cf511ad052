using System.Text;
using TwinTrack.Conntrack;
using TwinTrack.Conntrack.Tests;

namespace TwinTrack.Interop.Tests;

/// <summary>A flow of a kernel's dump as names and values, so that two can be compared and losses be named.</summary>
/// <remarks>Id, use count, counters and times belong to the one kernel and are left out.</remarks>
internal static class FlowAttributes
{
    public const string Original = "original";
    public const string Reply = "reply";
    public const string OriginalZone = "zone of the original direction";
    public const string ReplyZone = "zone of the reply direction";
    public const string Zone = "zone";
    public const string Status = "status";
    public const string Timeout = "timeout";
    public const string OriginalScale = "window scale, original";
    public const string ReplyScale = "window scale, reply";
    public const string OriginalFlags = "TCP flags, original";
    public const string OriginalTag = "SCTP tag, original";
    public const string ReplyFlags = "TCP flags, reply";

    /// <summary>Takes a flow apart.</summary>
    public static Dictionary<string, string> Of(in PackedFlow flow)
    {
        var values = new Dictionary<string, string>(StringComparer.Ordinal)
        {
            [Original] = Text(in flow.Original),
            [Reply] = Text(in flow.Reply),
            [Status] = flow.Status.ToString(),
            [Timeout] = flow.Timeout.ToString(),
        };
        if (flow.Original.Has(TupleParts.Zone)) values[OriginalZone] = flow.Original.Zone.ToString();
        if (flow.Reply.Has(TupleParts.Zone)) values[ReplyZone] = flow.Reply.Zone.ToString();
        if (flow.Has(FlowFields.Master)) values["master"] = Text(in flow.Master);
        Add(values, in flow, FlowFields.Mark, "mark", flow.Mark);
        Add(values, in flow, FlowFields.Zone, Zone, flow.Zone);
        Add(values, in flow, FlowFields.TcpState, "TCP state", (TcpState)flow.TcpState);
        Add(values, in flow, FlowFields.TcpWindowScaleOriginal, OriginalScale, flow.TcpWindowScaleOriginal);
        Add(values, in flow, FlowFields.TcpWindowScaleReply, ReplyScale, flow.TcpWindowScaleReply);
        Add(values, in flow, FlowFields.TcpFlagsOriginal, OriginalFlags, (TcpFlags)flow.TcpFlagsOriginal);
        Add(values, in flow, FlowFields.TcpFlagsReply, ReplyFlags, (TcpFlags)flow.TcpFlagsReply);
        Add(values, in flow, FlowFields.SctpState, "SCTP state", (SctpState)flow.SctpState);
        Add(values, in flow, FlowFields.SctpTagOriginal, OriginalTag, flow.SctpTagOriginal);
        Add(values, in flow, FlowFields.SctpTagReply, "SCTP tag, reply", flow.SctpTagReply);
        if (flow.Has(FlowFields.Helper)) values["helper"] = Flows.HelperName(in flow);
        Add(values, in flow, FlowFields.Labels, "labels", $"{flow.Labels.Second:x16}{flow.Labels.First:x16}");
        Add(values, in flow, FlowFields.SequenceOriginal, "sequence adjustment, original", flow.SequenceOriginal);
        Add(values, in flow, FlowFields.SequenceReply, "sequence adjustment, reply", flow.SequenceReply);
        Add(values, in flow, FlowFields.SynProxy, "synproxy", flow.SynProxy);
        return values;
    }

    private static void Add<T>(
        Dictionary<string, string> values, in PackedFlow flow, FlowFields field, string name, T value)
        where T : notnull
    {
        if (flow.Has(field)) values[name] = value.ToString()!;
    }

    private static string Text(in FlowTuple tuple)
    {
        Span<byte> buffer = stackalloc byte[FlowText.MaxLength];
        PackedFlow flow = default;
        flow.Fields = FlowFields.Original;
        flow.Original = tuple;
        flow.Original.Parts &= ~TupleParts.Zone;
        var line = new LineWriter(buffer);
        FlowText.Write(ref line, in flow, default);
        return Encoding.ASCII.GetString(line.Written);
    }
}
