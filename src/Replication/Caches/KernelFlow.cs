using TwinTrack.Conntrack;

namespace TwinTrack.Replication.Caches;

/// <summary>Turns what a peer told of a flow into what the kernel needs to create it.</summary>
internal static class KernelFlow
{
    private const uint UnknownTimeoutSeconds = 60;
    private const uint ShortSeconds = 60;

    /// <summary>Completes an external entry in place: reply tuple, status, life left, TCP window handling.</summary>
    /// <param name="flow">The entry as it was received.</param>
    /// <param name="options">The configuration.</param>
    /// <param name="silence">For how long its peer has not spoken of it, or not at all.</param>
    public static void Complete(ref PackedFlow flow, SyncOptions options, FlowSilence silence)
    {
        AddPorts(ref flow.Original);
        Mirror(in flow.Original, ref flow.Reply);
        FlowStatus status = flow.Has(FlowFields.Status) ? flow.Status : FlowStatus.None;
        flow.Status = (status & ~(FlowStatus.Expected | FlowStatus.Dying)) | FlowStatus.Confirmed;
        flow.Fields |= FlowFields.Original | FlowFields.Reply | FlowFields.Status;
        SetTimeout(ref flow, options, silence);
        if (flow.Has(FlowFields.TcpState) && !options.TcpWindowTracking) BeLiberal(ref flow);
        else if (IsScaled(in flow)) FlagScales(ref flow);
        if (flow.Has(FlowFields.SynProxy) && flow.SynProxy == default) flow.Fields &= ~FlowFields.SynProxy;
        if (flow.Has(FlowFields.Master)) AddPorts(ref flow.Master);

        // Only these protocols have ports that NAT can rewrite.
        if (flow.Original.Protocol is not (IpProtocol.Tcp or IpProtocol.Udp or IpProtocol.UdpLite
            or IpProtocol.Sctp or IpProtocol.Dccp))
        {
            flow.Fields &= ~(FlowFields.SourceNatPort | FlowFields.DestinationNatPort);
        }

        // A port without an address is a translation of the port alone: to the address that is there already.
        if (flow.Has(FlowFields.SourceNatPort) && !flow.Has(FlowFields.SourceNat))
            SetNat(ref flow.SourceNat, flow.Original.Source, ref flow.Fields, FlowFields.SourceNat);
        if (flow.Has(FlowFields.DestinationNatPort) && !flow.Has(FlowFields.DestinationNat))
            SetNat(ref flow.DestinationNat, flow.Original.Destination, ref flow.Fields, FlowFields.DestinationNat);
    }

    /// <summary>Completes an external entry to what the kernel made of it when it was committed.</summary>
    public static void CompleteAdopted(ref PackedFlow flow, SyncOptions options, FlowSilence silence)
    {
        Complete(ref flow, options, silence);
        if (flow.Has(FlowFields.SourceNat)) flow.Reply.Destination = flow.SourceNat.First;
        if (flow.Has(FlowFields.SourceNatPort)) flow.Reply.DestinationPort = flow.SourceNat.FirstPort;
        if (flow.Has(FlowFields.DestinationNat)) flow.Reply.Source = flow.DestinationNat.First;
        if (flow.Has(FlowFields.DestinationNatPort)) flow.Reply.SourcePort = flow.DestinationNat.FirstPort;
        flow.Fields &= ~(FlowFields.SourceNat | FlowFields.DestinationNat | FlowFields.SourceNatPort
            | FlowFields.DestinationNatPort);
    }

    /// <summary>Completes what a peer told for a change of a flow that the kernel has.</summary>
    /// <remarks>Of a living flow the kernel changes neither translation, nor master, nor helper.</remarks>
    public static void CompleteUpdate(ref PackedFlow flow, SyncOptions options, FlowSilence silence)
    {
        bool hasTimeout = flow.Has(FlowFields.Timeout);
        bool hasStatus = flow.Has(FlowFields.Status);
        Complete(ref flow, options, silence);
        flow.Status &= ~(FlowStatus.SourceNat | FlowStatus.DestinationNat);
        flow.Fields &= ~(FlowFields.Reply | FlowFields.Master | FlowFields.Helper | FlowFields.SourceNat
            | FlowFields.DestinationNat | FlowFields.SourceNatPort | FlowFields.DestinationNatPort);
        if (!hasTimeout) flow.Fields &= ~FlowFields.Timeout;
        if (!hasStatus) flow.Fields &= ~FlowFields.Status;
    }

    /// <summary>Whether the flow waits for its master to be created first.</summary>
    public static bool IsRelated(FlowFields fields) => (fields & FlowFields.Master) != 0;

    private static void SetNat(ref NatRange range, Address address, ref FlowFields fields, FlowFields field)
    {
        range.First = range.Last = address;
        fields |= field;
    }

    /// <summary>Whether a flow cannot be alive any more: its owner has been silent for longer than it lives.</summary>
    public static bool IsOver(FlowFields fields, uint timeout, FlowSilence silence) =>
        (fields & FlowFields.Timeout) != 0 && timeout > 0 && silence.OfOwner > timeout;

    // Of a stream that goes on the kernel refreshes the timer without an event: while its owner speaks, a flow that is
    // not called ended has up to its whole life left. It gets a minute of that at least.
    private static void SetTimeout(ref PackedFlow flow, SyncOptions options, FlowSilence silence)
    {
        uint received = flow.Has(FlowFields.Timeout) ? flow.Timeout : 0;
        long left = (long)received - silence.OfFlow;
        long atLeast = Math.Min(ShortSeconds, (long)received - silence.OfOwner);
        if (options.CommitTimeoutSeconds is { } fixedSeconds) flow.Timeout = fixedSeconds;
        else if (received == 0) flow.Timeout = UnknownTimeoutSeconds;
        else flow.Timeout = (uint)Math.Max(1, Math.Max(left, atLeast));
        flow.Fields |= FlowFields.Timeout;
    }

    // The state of the window is not replicated: without this, the first segments of a recovered flow are invalid.
    private static void BeLiberal(ref PackedFlow flow)
    {
        flow.TcpFlagsOriginal = flow.TcpFlagsOriginalMask = (byte)TcpFlags.BeLiberal;
        flow.TcpFlagsReply = flow.TcpFlagsReplyMask = (byte)TcpFlags.BeLiberal;
        flow.Fields |= FlowFields.TcpFlagsOriginal | FlowFields.TcpFlagsReply;
    }

    private static bool IsScaled(in PackedFlow flow) =>
        flow.Has(FlowFields.TcpWindowScaleOriginal | FlowFields.TcpWindowScaleReply)
        && (flow.TcpWindowScaleOriginal | flow.TcpWindowScaleReply) != 0;

    // Without the flag in both directions the kernel ignores the scales, and takes scaled windows for tiny ones.
    private static void FlagScales(ref PackedFlow flow)
    {
        flow.TcpFlagsOriginal = flow.TcpFlagsOriginalMask = (byte)TcpFlags.WindowScale;
        flow.TcpFlagsReply = flow.TcpFlagsReplyMask = (byte)TcpFlags.WindowScale;
        flow.Fields |= FlowFields.TcpFlagsOriginal | FlowFields.TcpFlagsReply;
    }

    // A tracker of these protocols refuses a tuple without ports; a peer may have left them out.
    private static void AddPorts(ref FlowTuple tuple)
    {
        if (!HasPorts(tuple.Protocol)) return;
        if (!tuple.Has(TupleParts.SourcePort)) tuple.SourcePort = 0;
        if (!tuple.Has(TupleParts.DestinationPort)) tuple.DestinationPort = 0;
        tuple.Parts |= TupleParts.Ports;
    }

    /// <summary>Whether flows of the protocol are told apart by two ports or keys.</summary>
    public static bool HasPorts(byte protocol) => protocol is IpProtocol.Tcp or IpProtocol.Udp or IpProtocol.UdpLite
        or IpProtocol.Sctp or IpProtocol.Dccp or IpProtocol.Gre;

    private static void Mirror(in FlowTuple original, ref FlowTuple reply)
    {
        (bool hasZone, ushort zone) = (reply.Has(TupleParts.Zone), reply.Zone);
        reply = original;
        reply.Source = original.Destination;
        reply.Destination = original.Source;
        reply.SourcePort = original.DestinationPort;
        reply.DestinationPort = original.SourcePort;
        reply.Parts &= ~TupleParts.Zone;
        if (hasZone) reply.Parts |= TupleParts.Zone;
        reply.Zone = zone;
        if (original.Has(TupleParts.IcmpTypeCode)) reply.IcmpType = AnsweringType(original.Protocol, original.IcmpType);
    }

    /// <summary>The ICMP type that answers, RFC 792, RFC 950, RFC 4443, RFC 4620; 255 where there is none.</summary>
    private static byte AnsweringType(byte protocol, byte type) => (protocol, type) switch
    {
        (IpProtocol.Icmp, 8) => 0,
        (IpProtocol.Icmp, 0) => 8,
        (IpProtocol.Icmp, 13) => 14,
        (IpProtocol.Icmp, 14) => 13,
        (IpProtocol.Icmp, 15) => 16,
        (IpProtocol.Icmp, 16) => 15,
        (IpProtocol.Icmp, 17) => 18,
        (IpProtocol.Icmp, 18) => 17,
        (IpProtocol.IcmpV6, 128) => 129,
        (IpProtocol.IcmpV6, 129) => 128,
        (IpProtocol.IcmpV6, 139) => 140,
        (IpProtocol.IcmpV6, 140) => 139,
        _ => 255,
    };
}

/// <summary>What was not said of a flow.</summary>
/// <param name="OfFlow">Seconds since its peer last spoke of it.</param>
/// <param name="OfOwner">Seconds since that peer last spoke of anything.</param>
internal readonly record struct FlowSilence(uint OfFlow, uint OfOwner);
