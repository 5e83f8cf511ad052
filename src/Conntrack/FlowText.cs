using System.Buffers;

namespace TwinTrack.Conntrack;

/// <summary>Flows as the lines that conntrack(8) and conntrackd(8) print, without newline.</summary>
public static class FlowText
{
    /// <summary>Bytes that any flow fits into, as long as labels are not shown.</summary>
    public const int MaxLength = 1536;

    /// <summary>Labels that a flow can carry.</summary>
    internal const int LabelBitCount = 128;

    private const ulong NanosecondsPerSecond = 1_000_000_000;

    /// <summary>Writes one line, growing the buffer as needed.</summary>
    public static void Write(IBufferWriter<byte> output, in PackedFlow flow, in FlowTextStyle style)
    {
        const int usual = 1024;
        for (int size = usual; ; size *= 2)
        {
            LineWriter line = new(output.GetSpan(size));
            Write(ref line, in flow, in style);
            if (line.IsFull) continue;

            output.Advance(line.Length);
            return;
        }
    }

    /// <summary>Writes one line.</summary>
    public static void Write(ref LineWriter line, in PackedFlow flow, in FlowTextStyle style)
    {
        WriteEvent(ref line, EventTime(in flow, in style), in style);
        WriteProtocol(ref line, in flow, in style);

        WriteTuple(ref line, in flow.Original, flow.Has(FlowFields.Original), "zone-orig="u8);
        WriteCounters(ref line, flow.Has(FlowFields.CountersOriginal), in flow.CountersOriginal, in style);
        bool hasStatus = flow.Has(FlowFields.Status);
        if (hasStatus && (flow.Status & FlowStatus.SeenReply) == FlowStatus.None) line.Write("[UNREPLIED] "u8);

        WriteTuple(ref line, in flow.Reply, flow.Has(FlowFields.Reply), "zone-reply="u8);
        WriteCounters(ref line, flow.Has(FlowFields.CountersReply), in flow.CountersReply, in style);
        if (hasStatus) line.Write(StatusWord(flow.Status));

        WriteMetadata(ref line, in flow, in style);
        line.RemoveLast((byte)' ');
    }

    /// <summary>Seconds from the start of the flow to its end, or to now while it lives.</summary>
    /// <remarks>Only for a flow with <see cref="FlowFields.TimestampStart"/>; a clock that went back gives 0.</remarks>
    internal static ulong LifeSeconds(in PackedFlow flow, ulong now)
    {
        ulong end = flow.Has(FlowFields.TimestampStop) ? flow.TimestampStop : now;
        return end > flow.TimestampStart ? (end - flow.TimestampStart) / NanosecondsPerSecond : 0;
    }

    /// <summary>When the flow was reported, in nanoseconds since the epoch.</summary>
    internal static ulong EventTime(in PackedFlow flow, in FlowTextStyle style) =>
        flow.Has(FlowFields.TimestampEvent) ? flow.TimestampEvent : style.Now;

    /// <summary>Writes when and what, for an event.</summary>
    /// <param name="line">Takes the text.</param>
    /// <param name="time">Nanoseconds since the epoch.</param>
    /// <param name="style">What to show.</param>
    internal static void WriteEvent(ref LineWriter line, ulong time, in FlowTextStyle style)
    {
        if (style.Shows(FlowTextParts.EventTime))
        {
            line.Write((byte)'[');
            line.WriteRight(time / NanosecondsPerSecond, 8, (byte)'0');
            line.Write((byte)'.');
            line.WriteRight(time % NanosecondsPerSecond / 1000, 6, (byte)'0');
            line.Write("]\t"u8);
        }

        if (style.Shows(FlowTextParts.New)) line.Write("    [NEW] "u8);
        else if (style.Shows(FlowTextParts.Update)) line.Write(" [UPDATE] "u8);
        else if (style.Shows(FlowTextParts.Destroy)) line.Write("[DESTROY] "u8);
    }

    /// <summary>Writes ports, keys, or ICMP type, code and id, each followed by a blank.</summary>
    internal static void WritePorts(ref LineWriter line, in FlowTuple tuple, byte protocol)
    {
        switch (protocol)
        {
            case IpProtocol.Tcp or IpProtocol.Udp or IpProtocol.UdpLite or IpProtocol.Sctp or IpProtocol.Dccp:
                WriteNumber(ref line, "sport="u8, SourcePort(in tuple));
                WriteNumber(ref line, "dport="u8, DestinationPort(in tuple));
                break;
            case IpProtocol.Gre:
                WriteHex(ref line, "srckey=0x"u8, SourcePort(in tuple));
                WriteHex(ref line, "dstkey=0x"u8, DestinationPort(in tuple));
                break;
            case IpProtocol.Icmp or IpProtocol.IcmpV6:
                bool hasType = tuple.Has(TupleParts.IcmpTypeCode);
                WriteNumber(ref line, "type="u8, hasType ? tuple.IcmpType : 0u);
                WriteNumber(ref line, "code="u8, hasType ? tuple.IcmpCode : 0u);
                WriteNumber(ref line, "id="u8, tuple.Has(TupleParts.IcmpId) ? tuple.IcmpId : 0u);
                break;
        }
    }

    /// <summary>The port or key, 0 when unknown.</summary>
    internal static uint SourcePort(in FlowTuple tuple) => tuple.Has(TupleParts.SourcePort) ? tuple.SourcePort : 0u;

    /// <summary>The port or key, 0 when unknown.</summary>
    internal static uint DestinationPort(in FlowTuple tuple) =>
        tuple.Has(TupleParts.DestinationPort) ? tuple.DestinationPort : 0u;

    /// <summary>The address, zero when unknown.</summary>
    internal static Address SourceOf(in FlowTuple tuple) => tuple.Has(TupleParts.Source) ? tuple.Source : default;

    /// <summary>The address, zero when unknown.</summary>
    internal static Address DestinationOf(in FlowTuple tuple) =>
        tuple.Has(TupleParts.Destination) ? tuple.Destination : default;

    private static void WriteProtocol(ref LineWriter line, in PackedFlow flow, in FlowTextStyle style)
    {
        if (style.Shows(FlowTextParts.Family))
        {
            byte family = flow.Original.Parts != TupleParts.None ? flow.Original.Family : AddressFamily.Unspecified;
            line.WriteLeft(FlowNames.Family(family), 8);
            WriteNumber(ref line, " "u8, family);
        }

        byte protocol = flow.Original.Has(TupleParts.Protocol) ? flow.Original.Protocol : (byte)0;
        line.WriteLeft(FlowNames.Protocol(protocol), 8);
        WriteNumber(ref line, " "u8, protocol);
        if (style.Shows(FlowTextParts.Timeout) && flow.Has(FlowFields.Timeout))
        {
            WriteNumber(ref line, default, flow.Timeout);
        }

        ReadOnlySpan<byte> state = FlowNames.State(in flow);
        if (state.IsEmpty) return;
        line.Write(state);
        line.Write((byte)' ');
    }

    private static void WriteTuple(
        ref LineWriter line, in FlowTuple tuple, bool isKnown, scoped ReadOnlySpan<byte> zonePrefix)
    {
        if (!isKnown) return;
        if ((tuple.Parts & TupleParts.Addresses) != TupleParts.None)
        {
            line.Write("src="u8);
            line.WriteAddress(SourceOf(in tuple), tuple.Family);
            line.Write(" dst="u8);
            line.WriteAddress(DestinationOf(in tuple), tuple.Family);
            line.Write((byte)' ');
        }

        if (tuple.Has(TupleParts.Protocol)) WritePorts(ref line, in tuple, tuple.Protocol);
        if (tuple.Has(TupleParts.Zone)) WriteNumber(ref line, zonePrefix, tuple.Zone);
    }

    private static void WriteCounters(
        ref LineWriter line, bool isKnown, in FlowCounters counters, in FlowTextStyle style)
    {
        if (!isKnown || !style.Shows(FlowTextParts.Counters)) return;
        WriteNumber(ref line, "packets="u8, counters.Packets);
        WriteNumber(ref line, "bytes="u8, counters.Bytes);
    }

    private static ReadOnlySpan<byte> StatusWord(FlowStatus status)
    {
        if ((status & FlowStatus.HardwareOffload) != FlowStatus.None) return "[HW_OFFLOAD] "u8;
        if ((status & FlowStatus.Offload) != FlowStatus.None) return "[OFFLOAD] "u8;
        return (status & FlowStatus.Assured) != FlowStatus.None ? "[ASSURED] "u8 : default;
    }

    private static void WriteMetadata(ref LineWriter line, in PackedFlow flow, in FlowTextStyle style)
    {
        if (flow.Has(FlowFields.Mark)) WriteNumber(ref line, "mark="u8, flow.Mark);
        if (flow.Has(FlowFields.SecurityMark)) WriteNumber(ref line, "secmark="u8, flow.SecurityMark);
        if (flow.Has(FlowFields.SecurityContext))
        {
            WriteName(ref line, "secctx="u8, flow.SecurityContext[..flow.SecurityContextLength]);
        }

        if (flow.Has(FlowFields.Zone)) WriteNumber(ref line, "zone="u8, flow.Zone);
        if (flow.Has(FlowFields.TimestampStart))
        {
            WriteNumber(ref line, "delta-time="u8, LifeSeconds(in flow, style.Now));
        }

        if (style.Shows(FlowTextParts.KernelTimes)) WriteKernelTimes(ref line, in flow);
        if (flow.Has(FlowFields.Helper)) WriteName(ref line, "helper="u8, NameText.Of(flow.Helper));
        if (style.Shows(FlowTextParts.Use) && flow.Has(FlowFields.Use)) WriteNumber(ref line, "use="u8, flow.Use);
        if (style.Shows(FlowTextParts.Id) && flow.Has(FlowFields.Id)) WriteNumber(ref line, "id="u8, flow.Id);
        if (style.LabelNames is { } names && flow.Has(FlowFields.Labels)) WriteLabels(ref line, in flow.Labels, names);
    }

    private static void WriteKernelTimes(ref LineWriter line, in PackedFlow flow)
    {
        if (flow.Has(FlowFields.TimestampStart)) WriteTime(ref line, "[start="u8, flow.TimestampStart);
        if (flow.Has(FlowFields.TimestampStop)) WriteTime(ref line, "[stop="u8, flow.TimestampStop);
    }

    // Without a named bit the original prints the word alone; scripts may look for it.
    private static void WriteLabels(ref LineWriter line, in LabelBits labels, IReadOnlyList<byte[]?> names)
    {
        line.Write("labels"u8);
        byte separator = (byte)'=';
        for (int bit = 0; bit < LabelBitCount && bit < names.Count; bit++)
        {
            if (names[bit] is not { } name || !labels.Has(bit)) continue;
            line.Write(separator);
            line.WriteName(name);
            separator = (byte)',';
        }

        line.Write((byte)' ');
    }

    private static void WriteTime(ref LineWriter line, scoped ReadOnlySpan<byte> prefix, ulong nanoseconds)
    {
        line.Write(prefix);
        line.WriteLocalTime(nanoseconds);
        line.Write("] "u8);
    }

    private static void WriteName(ref LineWriter line, scoped ReadOnlySpan<byte> prefix, scoped ReadOnlySpan<byte> name)
    {
        line.Write(prefix);
        line.WriteName(name);
        line.Write((byte)' ');
    }

    private static void WriteNumber(ref LineWriter line, scoped ReadOnlySpan<byte> prefix, ulong value)
    {
        line.Write(prefix);
        line.WriteNumber(value);
        line.Write((byte)' ');
    }

    private static void WriteHex(ref LineWriter line, scoped ReadOnlySpan<byte> prefix, uint value)
    {
        line.Write(prefix);
        line.WriteHex(value);
        line.Write((byte)' ');
    }
}
