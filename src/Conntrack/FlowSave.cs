namespace TwinTrack.Conntrack;

/// <summary>Flows as the command lines of conntrack(8) that make, change or delete them, without newline.</summary>
/// <remarks>
/// What such a line cannot say is lost: mark, labels, helper, counters, master, the flags of TCP. Verification tags of
/// SCTP are the numbers on the wire.
/// </remarks>
public static class FlowSave
{
    /// <summary>Bytes that any flow fits into.</summary>
    public const int MaxLength = 768;

    private static ReadOnlySpan<FlowStatus> SavedStatus =>
        [FlowStatus.Expected, FlowStatus.SeenReply, FlowStatus.Assured, FlowStatus.FixedTimeout];

    /// <summary>Writes one line.</summary>
    /// <param name="line">Takes the text.</param>
    /// <param name="flow">The flow; what is unknown is left out.</param>
    /// <param name="command">What the line does: <c>-A</c>, <c>-U</c> or <c>-D</c>.</param>
    public static void Write(ref LineWriter line, in PackedFlow flow, scoped ReadOnlySpan<byte> command)
    {
        line.Write(command);
        if (flow.Has(FlowFields.Timeout)) WriteNumber(ref line, " -t "u8, flow.Timeout);
        if (flow.Has(FlowFields.Status)) WriteStatus(ref line, flow.Status);
        if (flow.Has(FlowFields.SecurityMark)) WriteNumber(ref line, " -c "u8, flow.SecurityMark);
        if (flow.Has(FlowFields.Zone)) WriteNumber(ref line, " -w "u8, flow.Zone);
        if (flow.Original.Has(TupleParts.Zone)) WriteNumber(ref line, " --orig-zone "u8, flow.Original.Zone);
        if (flow.Reply.Has(TupleParts.Zone)) WriteNumber(ref line, " --reply-zone "u8, flow.Reply.Zone);

        byte family = flow.Original.Family;
        if (flow.Original.Has(TupleParts.Source)) WriteAddress(ref line, " -s "u8, flow.Original.Source, family);
        if (flow.Original.Has(TupleParts.Destination))
            WriteAddress(ref line, " -d "u8, flow.Original.Destination, family);
        WriteReply(ref line, in flow, family);
        if (flow.Original.Has(TupleParts.Protocol)) WriteProtocol(ref line, in flow, flow.Original.Protocol);
    }

    private static void WriteReply(ref LineWriter line, in PackedFlow flow, byte family)
    {
        if (flow.Reply.Has(TupleParts.Source))
        {
            bool isTranslated = NatState.IsDestinationTranslated(in flow);
            WriteAddress(ref line, isTranslated ? " -g "u8 : " -r "u8, flow.Reply.Source, family);
        }

        if (flow.Reply.Has(TupleParts.Destination))
        {
            bool isTranslated = NatState.IsSourceTranslated(in flow);
            WriteAddress(ref line, isTranslated ? " -n "u8 : " -q "u8, flow.Reply.Destination, family);
        }
    }

    private static void WriteStatus(ref LineWriter line, FlowStatus status)
    {
        line.Write(" -u "u8);
        ReadOnlySpan<byte> separator = default;
        foreach (FlowStatus bit in SavedStatus)
        {
            if ((status & bit) == FlowStatus.None) continue;
            line.Write(separator);
            line.Write(NameOf(bit));
            separator = ","u8;
        }

        if (separator.IsEmpty) line.Write("UNSET"u8);
    }

    private static ReadOnlySpan<byte> NameOf(FlowStatus bit) => bit switch
    {
        FlowStatus.Expected => "EXPECTED"u8,
        FlowStatus.SeenReply => "SEEN_REPLY"u8,
        FlowStatus.Assured => "ASSURED"u8,
        _ => "FIXED_TIMEOUT"u8,
    };

    private static void WriteProtocol(ref LineWriter line, in PackedFlow flow, byte protocol)
    {
        line.Write(" -p "u8);
        switch (protocol)
        {
            case IpProtocol.Tcp or IpProtocol.Udp or IpProtocol.UdpLite or IpProtocol.Sctp or IpProtocol.Dccp:
                line.Write(FlowNames.Protocol(protocol));
                WritePorts(ref line, in flow, " --sport "u8, " --dport "u8, " --reply-port-"u8);
                break;
            case IpProtocol.Gre:
                line.Write("gre"u8);
                WritePorts(ref line, in flow, " --srckey "u8, " --dstkey "u8, " --reply-key-"u8);
                break;
            case IpProtocol.Icmp:
                WriteIcmp(ref line, in flow.Original, "icmp"u8);
                break;
            case IpProtocol.IcmpV6:
                WriteIcmp(ref line, in flow.Original, "icmpv6"u8);
                break;
            default:
                line.WriteNumber((uint)protocol);
                break;
        }

        ReadOnlySpan<byte> state = FlowNames.State(in flow);
        if (!state.IsEmpty)
        {
            line.Write(" --state "u8);
            line.Write(state);
        }

        if (flow.Has(FlowFields.SctpTagOriginal)) WriteNumber(ref line, " --orig-vtag "u8, flow.SctpTagOriginal);
        if (flow.Has(FlowFields.SctpTagReply)) WriteNumber(ref line, " --reply-vtag "u8, flow.SctpTagReply);
        if (flow.Has(FlowFields.DccpRole)) line.Write(flow.DccpRole == 0 ? " --role client"u8 : " --role server"u8);
    }

    private static void WritePorts(
        ref LineWriter line,
        in PackedFlow flow,
        scoped ReadOnlySpan<byte> source,
        scoped ReadOnlySpan<byte> destination,
        scoped ReadOnlySpan<byte> reply)
    {
        if (flow.Original.Has(TupleParts.SourcePort)) WriteNumber(ref line, source, flow.Original.SourcePort);
        if (flow.Original.Has(TupleParts.DestinationPort))
            WriteNumber(ref line, destination, flow.Original.DestinationPort);
        if (flow.Reply.Has(TupleParts.SourcePort))
        {
            line.Write(reply);
            WriteNumber(ref line, "src "u8, flow.Reply.SourcePort);
        }

        if (!flow.Reply.Has(TupleParts.DestinationPort)) return;
        line.Write(reply);
        WriteNumber(ref line, "dst "u8, flow.Reply.DestinationPort);
    }

    private static void WriteIcmp(ref LineWriter line, in FlowTuple tuple, scoped ReadOnlySpan<byte> name)
    {
        line.Write(name);
        if (tuple.Has(TupleParts.IcmpTypeCode))
        {
            WriteNumber(ref line, " --"u8, name, "-type "u8, tuple.IcmpType);
            WriteNumber(ref line, " --"u8, name, "-code "u8, tuple.IcmpCode);
        }

        if (tuple.Has(TupleParts.IcmpId)) WriteNumber(ref line, " --"u8, name, "-id "u8, tuple.IcmpId);
    }

    private static void WriteNumber(
        ref LineWriter line,
        scoped ReadOnlySpan<byte> start,
        scoped ReadOnlySpan<byte> name,
        scoped ReadOnlySpan<byte> end,
        uint value)
    {
        line.Write(start);
        line.Write(name);
        WriteNumber(ref line, end, value);
    }

    private static void WriteNumber(ref LineWriter line, scoped ReadOnlySpan<byte> prefix, uint value)
    {
        line.Write(prefix);
        line.WriteNumber(value);
    }

    private static void WriteAddress(
        ref LineWriter line, scoped ReadOnlySpan<byte> prefix, Address address, byte family)
    {
        line.Write(prefix);
        line.WriteAddress(address, family);
    }
}
