using System.Buffers;

namespace TwinTrack.Conntrack;

/// <summary>Flows as the XML elements that conntrack(8) and conntrackd(8) print, without newline.</summary>
/// <remarks>The caller writes the declaration and the root element, if it wants them.</remarks>
public static class FlowXml
{
    /// <summary>Bytes that any flow fits into, as long as labels are not shown.</summary>
    /// <remarks>A security context of 256 quotation marks takes 1536 of them.</remarks>
    public const int MaxLength = 4096;

    // Any of them makes the "independent" part appear, even if it stays empty.
    private const FlowFields IndependentFields =
        FlowFields.TcpState | FlowFields.SctpState | FlowFields.DccpState | FlowFields.Status | FlowFields.Timeout
        | FlowFields.Mark | FlowFields.Labels | FlowFields.SecurityMark | FlowFields.SecurityContext | FlowFields.Zone
        | FlowFields.Use | FlowFields.Id | FlowFields.TimestampStart | FlowFields.TimestampStop;

    /// <summary>Writes one element, growing the buffer as needed.</summary>
    public static void Write(IBufferWriter<byte> output, in PackedFlow flow, in FlowTextStyle style)
    {
        const int usual = 2048;
        for (int size = usual; ; size *= 2)
        {
            LineWriter line = new(output.GetSpan(size));
            Write(ref line, in flow, in style);
            if (line.IsFull) continue;

            output.Advance(line.Length);
            return;
        }
    }

    /// <summary>Writes one element.</summary>
    public static void Write(ref LineWriter line, in PackedFlow flow, in FlowTextStyle style)
    {
        line.Write(FlowTag(in style));
        bool hasCounters = style.Shows(FlowTextParts.Counters) && flow.Has(FlowFields.CountersOriginal);

        line.Write("<meta direction=\"original\">"u8);
        WriteTuple(ref line, in flow.Original, flow.Has(FlowFields.Original));
        if (hasCounters) WriteCounters(ref line, in flow.CountersOriginal, isKnown: true);

        line.Write("</meta><meta direction=\"reply\">"u8);
        WriteTuple(ref line, in flow.Reply, flow.Has(FlowFields.Reply));
        if (hasCounters) WriteCounters(ref line, in flow.CountersReply, flow.Has(FlowFields.CountersReply));
        line.Write("</meta>"u8);

        if ((flow.Fields & IndependentFields) != FlowFields.None) WriteIndependent(ref line, in flow, in style);
        if (style.Shows(FlowTextParts.EventTime)) WriteWhen(ref line, FlowText.EventTime(in flow, in style));
        if (flow.Has(FlowFields.Helper)) WriteName(ref line, "helper"u8, NameText.Of(flow.Helper));
        line.Write("</flow>"u8);
    }

    /// <summary>Writes <c>&lt;name&gt;number&lt;/name&gt;</c>.</summary>
    internal static void WriteNumber(ref LineWriter line, scoped ReadOnlySpan<byte> name, ulong value)
    {
        Open(ref line, name);
        line.WriteNumber(value);
        Close(ref line, name);
    }

    /// <summary>Writes <c>&lt;name&gt;text&lt;/name&gt;</c>, the text escaped.</summary>
    internal static void WriteName(ref LineWriter line, scoped ReadOnlySpan<byte> name, scoped ReadOnlySpan<byte> text)
    {
        Open(ref line, name);
        line.WriteXmlName(text);
        Close(ref line, name);
    }

    /// <summary>Writes <c>&lt;src&gt;</c> and <c>&lt;dst&gt;</c>, which are empty when the family is unknown.</summary>
    internal static void WriteAddresses(ref LineWriter line, in FlowTuple tuple, byte family)
    {
        line.Write("<src>"u8);
        line.WriteAddress(FlowText.SourceOf(in tuple), family);
        line.Write("</src><dst>"u8);
        line.WriteAddress(FlowText.DestinationOf(in tuple), family);
        line.Write("</dst>"u8);
    }

    /// <summary>Writes the ports or keys; nothing for other protocols (the original leaves out ICMP ids too).</summary>
    internal static void WritePorts(ref LineWriter line, in FlowTuple tuple, byte protocol)
    {
        switch (protocol)
        {
            case IpProtocol.Tcp or IpProtocol.Udp or IpProtocol.UdpLite or IpProtocol.Sctp or IpProtocol.Dccp:
                WriteNumber(ref line, "sport"u8, FlowText.SourcePort(in tuple));
                WriteNumber(ref line, "dport"u8, FlowText.DestinationPort(in tuple));
                break;
            case IpProtocol.Gre:
                line.Write("<srckey>0x"u8);
                line.WriteHex(FlowText.SourcePort(in tuple));
                line.Write("</srckey><dstkey>0x"u8);
                line.WriteHex(FlowText.DestinationPort(in tuple));
                line.Write("</dstkey>"u8);
                break;
        }
    }

    /// <summary>Opens the layer 3 or layer 4 element.</summary>
    internal static void OpenLayer(ref LineWriter line, byte layer, byte number, scoped ReadOnlySpan<byte> name)
    {
        line.Write("<layer"u8);
        line.Write((byte)('0' + layer));
        line.Write(" protonum=\""u8);
        line.WriteNumber((uint)number);
        line.Write("\" protoname=\""u8);
        line.Write(name);
        line.Write("\">"u8);
    }

    /// <summary>Writes when something was reported, in local time.</summary>
    internal static void WriteWhen(ref LineWriter line, ulong nanoseconds)
    {
        DateTime time = LineWriter.ToLocal(nanoseconds);
        line.Write("<when>"u8);
        WriteNumber(ref line, "hour"u8, (uint)time.Hour);
        WriteTwoDigits(ref line, "min"u8, time.Minute);
        WriteTwoDigits(ref line, "sec"u8, time.Second);
        WriteNumber(ref line, "wday"u8, (uint)time.DayOfWeek + 1);
        WriteNumber(ref line, "day"u8, (uint)time.Day);
        WriteNumber(ref line, "month"u8, (uint)time.Month);
        WriteNumber(ref line, "year"u8, (uint)time.Year);
        line.Write("</when>"u8);
    }

    /// <summary>The opening tag, which tells the kind of an event.</summary>
    internal static ReadOnlySpan<byte> FlowTag(in FlowTextStyle style)
    {
        if (style.Shows(FlowTextParts.New)) return "<flow type=\"new\">"u8;
        if (style.Shows(FlowTextParts.Update)) return "<flow type=\"update\">"u8;
        return style.Shows(FlowTextParts.Destroy) ? "<flow type=\"destroy\">"u8 : "<flow>"u8;
    }

    private static void WriteTuple(ref LineWriter line, in FlowTuple tuple, bool isKnown)
    {
        bool hasAddress = isKnown && (tuple.Parts & TupleParts.Addresses) != TupleParts.None;
        byte family = hasAddress ? tuple.Family : AddressFamily.Unspecified;
        byte protocol = isKnown && tuple.Has(TupleParts.Protocol) ? tuple.Protocol : (byte)0;

        OpenLayer(ref line, 3, family, FlowNames.Family(family));
        WriteAddresses(ref line, in tuple, family);
        line.Write("</layer3>"u8);
        OpenLayer(ref line, 4, protocol, FlowNames.Protocol(protocol));
        WritePorts(ref line, in tuple, protocol);
        line.Write("</layer4>"u8);
        if (isKnown && tuple.Has(TupleParts.Zone)) WriteNumber(ref line, "zone"u8, tuple.Zone);
    }

    private static void WriteCounters(ref LineWriter line, in FlowCounters counters, bool isKnown)
    {
        line.Write("<counters>"u8);
        WriteNumber(ref line, "packets"u8, isKnown ? counters.Packets : 0);
        WriteNumber(ref line, "bytes"u8, isKnown ? counters.Bytes : 0);
        line.Write("</counters>"u8);
    }

    private static void WriteIndependent(ref LineWriter line, in PackedFlow flow, in FlowTextStyle style)
    {
        line.Write("<meta direction=\"independent\">"u8);
        ReadOnlySpan<byte> state = FlowNames.State(in flow);
        if (!state.IsEmpty) WriteName(ref line, "state"u8, state);
        if (style.Shows(FlowTextParts.Timeout) && flow.Has(FlowFields.Timeout))
        {
            WriteNumber(ref line, "timeout"u8, flow.Timeout);
        }

        if (flow.Has(FlowFields.Mark)) WriteNumber(ref line, "mark"u8, flow.Mark);
        if (style.LabelNames is { } names && flow.Has(FlowFields.Labels)) WriteLabels(ref line, in flow.Labels, names);
        if (flow.Has(FlowFields.SecurityMark)) WriteNumber(ref line, "secmark"u8, flow.SecurityMark);
        if (flow.Has(FlowFields.SecurityContext))
        {
            WriteName(ref line, "secctx"u8, flow.SecurityContext[..flow.SecurityContextLength]);
        }

        if (flow.Has(FlowFields.Zone)) WriteNumber(ref line, "zone"u8, flow.Zone);
        if (style.Shows(FlowTextParts.Use) && flow.Has(FlowFields.Use)) WriteNumber(ref line, "use"u8, flow.Use);
        if (style.Shows(FlowTextParts.Id) && flow.Has(FlowFields.Id)) WriteNumber(ref line, "id"u8, flow.Id);
        if (flow.Has(FlowFields.Status)) WriteStatus(ref line, flow.Status);
        WriteTimes(ref line, in flow, in style);
        line.Write("</meta>"u8);
    }

    private static void WriteStatus(ref LineWriter line, FlowStatus status)
    {
        if ((status & FlowStatus.Assured) != FlowStatus.None) line.Write("<assured/>"u8);
        if ((status & FlowStatus.SeenReply) == FlowStatus.None) line.Write("<unreplied/>"u8);
    }

    private static void WriteTimes(ref LineWriter line, in PackedFlow flow, in FlowTextStyle style)
    {
        bool hasStart = flow.Has(FlowFields.TimestampStart);
        bool hasStop = flow.Has(FlowFields.TimestampStop);
        if (style.Shows(FlowTextParts.KernelTimes) && (hasStart || hasStop))
        {
            line.Write("<timestamp>"u8);
            if (hasStart) WriteNumber(ref line, "start"u8, flow.TimestampStart);
            if (hasStop) WriteNumber(ref line, "stop"u8, flow.TimestampStop);
            line.Write("</timestamp>"u8);
        }

        if (hasStart) WriteNumber(ref line, "deltatime"u8, FlowText.LifeSeconds(in flow, style.Now));
    }

    private static void WriteLabels(ref LineWriter line, in LabelBits labels, IReadOnlyList<byte[]?> names)
    {
        line.Write("<labels>"u8);
        for (int bit = 0; bit < FlowText.LabelBitCount && bit < names.Count; bit++)
        {
            if (names[bit] is { } name && labels.Has(bit)) WriteName(ref line, "label"u8, name);
        }

        line.Write("</labels>"u8);
    }

    private static void WriteTwoDigits(ref LineWriter line, scoped ReadOnlySpan<byte> name, int value)
    {
        Open(ref line, name);
        line.WriteRight((ulong)value, 2, (byte)'0');
        Close(ref line, name);
    }

    private static void Open(ref LineWriter line, scoped ReadOnlySpan<byte> name)
    {
        line.Write((byte)'<');
        line.Write(name);
        line.Write((byte)'>');
    }

    private static void Close(ref LineWriter line, scoped ReadOnlySpan<byte> name)
    {
        line.Write("</"u8);
        line.Write(name);
        line.Write((byte)'>');
    }
}
