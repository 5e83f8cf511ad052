using System.Buffers.Binary;
using TwinTrack.Conntrack;
using TwinTrack.Replication.Caches;

namespace TwinTrack.Replication.Wire;

/// <summary>Flows as attributes of a peer's message.</summary>
internal static partial class FlowMessage
{
    /// <summary>No flow message of ours is longer; buffers for one message have this size.</summary>
    public const int MaxSize = 512;

    private const int AttributeCount = 33;
    private const int HelperLimit = 16;      // length field: at most 11 characters and a terminator are accepted
    private const int LabelLimit = 1028;     // length field: 1024 bytes of labels
    private const int LabelBytes = 16;       // what the kernel has

    // The length field a receiver demands; 0: variable, see TryRead.
    private static ReadOnlySpan<byte> Lengths =>
    [
        12, 36, 5, 8, 5, 8, 8, 8, 12, 36, 5, 8, 8, 8, 6, 6, 28, 5, 8, 8, 5, 5, 5, 5, 6, 5, 5, 0, 0, 20, 20, 16, 6,
    ];

    /// <summary>Writes the attributes of a flow in the original's order.</summary>
    /// <returns>Bytes written, a multiple of 4.</returns>
    public static int Write(in PackedFlow flow, SyncOptions options, Span<byte> body)
    {
        var writer = new PeerWriter(body);
        ref readonly FlowTuple tuple = ref flow.Original;
        WriteAddresses(ref writer, in tuple, FlowAttribute.IPv4, FlowAttribute.IPv6);
        FlowStatus status = flow.Has(FlowFields.Status) ? flow.Status : FlowStatus.None;
        writer.AddUInt32(FlowAttribute.Status, (uint)status);
        writer.AddByte(FlowAttribute.Protocol, tuple.Protocol);
        if (KernelFlow.HasPorts(tuple.Protocol))
            writer.AddPorts(FlowAttribute.Ports, tuple.SourcePort, tuple.DestinationPort);
        if (HasTcpState(in flow)) writer.AddByte(FlowAttribute.TcpState, flow.TcpState);
        WriteProtocol(ref writer, in flow, options);
        if (IsTimeoutSent(in flow, options)) writer.AddUInt32(FlowAttribute.Timeout, flow.Timeout);
        if (flow.Has(FlowFields.Mark)) writer.AddUInt32(FlowAttribute.Mark, flow.Mark);
        if (flow.Has(FlowFields.Master)) WriteMaster(ref writer, in flow.Master);
        WriteTranslatedAddresses(ref writer, in flow);
        WriteTail(ref writer, in flow, options);
        return writer.Length;
    }

    /// <summary>Writes the attributes of a flow that <see cref="DenseFlow"/> has no shorter form for.</summary>
    public static void WriteRest(ref PeerWriter writer, in PackedFlow flow, SyncOptions options)
    {
        WriteProtocol(ref writer, in flow, options);
        if (flow.Has(FlowFields.Master)) WriteMaster(ref writer, in flow.Master);
        WriteTail(ref writer, in flow, options);
    }

    /// <summary>Writes what tells a flow from others with its addresses, protocol and ports.</summary>
    public static void WriteEndRest(ref PeerWriter writer, in PackedFlow flow, SyncOptions options)
    {
        ref readonly FlowTuple tuple = ref flow.Original;
        if (tuple.Protocol is IpProtocol.Icmp or IpProtocol.IcmpV6 && tuple.Has(TupleParts.IcmpTypeCode))
            WriteIcmp(ref writer, in tuple, options);
        WriteZones(ref writer, in flow);
    }

    /// <summary>Whether the message tells the state of a TCP flow.</summary>
    public static bool HasTcpState(in PackedFlow flow) =>
        flow.Original.Protocol == IpProtocol.Tcp && flow.Has(FlowFields.TcpState);

    /// <summary>
    /// Whether the message tells the timeout: a node with a fixed commit timeout sends none, so that its peers need
    /// not track the change.
    /// </summary>
    public static bool IsTimeoutSent(in PackedFlow flow, SyncOptions options) =>
        flow.Has(FlowFields.Timeout) && options.CommitTimeoutSeconds is null;

    /// <summary>Writes only what a receiver finds a flow by: enough to tell its end.</summary>
    /// <returns>Bytes written, a multiple of 4.</returns>
    public static int WriteEnd(in PackedFlow flow, SyncOptions options, Span<byte> body)
    {
        var writer = new PeerWriter(body);
        ref readonly FlowTuple tuple = ref flow.Original;
        WriteAddresses(ref writer, in tuple, FlowAttribute.IPv4, FlowAttribute.IPv6);
        writer.AddByte(FlowAttribute.Protocol, tuple.Protocol);
        if (KernelFlow.HasPorts(tuple.Protocol))
            writer.AddPorts(FlowAttribute.Ports, tuple.SourcePort, tuple.DestinationPort);
        WriteEndRest(ref writer, in flow, options);
        return writer.Length;
    }

    /// <summary>Reads the attributes of a flow; a refusal leaves the flow unusable but changes nothing else.</summary>
    /// <remarks>
    /// Addresses and protocol are required; the original stores such a message and trips over it later.
    /// </remarks>
    public static bool TryRead(ReadOnlySpan<byte> body, SyncOptions options, ref PackedFlow flow)
    {
        Clear(ref flow);
        return TryReadAttributes(body, options, ref flow)
            && flow.Original.Has(TupleParts.Addresses | TupleParts.Protocol);
    }

    /// <summary>Empties a flow before it is read.</summary>
    public static void Clear(ref PackedFlow flow)
    {
        flow.Clear();
        flow.Original.Protocol = 0;
        flow.Original.IcmpCode = 0;   // has no presence bit of its own
    }

    /// <summary>Reads attributes, whichever there are.</summary>
    public static bool TryReadAttributes(ReadOnlySpan<byte> attributes, SyncOptions options, ref PackedFlow flow)
    {
        var reader = new PeerAttributeReader(attributes);
        while (reader.MoveNext())
        {
            int length = reader.Value.Length + 4;
            if (reader.Number >= AttributeCount || !HasValidLength(reader.Number, length)) return false;
            ReadAttribute((FlowAttribute)reader.Number, reader.Value, options.PeersAreLittleEndian, ref flow);
        }

        if (!reader.IsMalformed && PeerTrailer.TryRead(reader.Rest, out PeerTrailer trailer))
            ReadTrailer(trailer, ref flow);
        return !reader.IsMalformed;
    }

    private static void WriteZones(ref PeerWriter writer, in PackedFlow flow)
    {
        ref readonly FlowTuple tuple = ref flow.Original;
        if (flow.Has(FlowFields.Zone)) writer.AddUInt16(FlowAttribute.Zone, flow.Zone);
        if (tuple.Has(TupleParts.Zone)) new PeerTrailer(ZoneScope.Original, tuple.Zone).Write(ref writer);
        else if (flow.Reply.Has(TupleParts.Zone)) new PeerTrailer(ZoneScope.Reply, flow.Reply.Zone).Write(ref writer);
    }

    private static void ReadTrailer(PeerTrailer trailer, ref PackedFlow flow)
    {
        switch (trailer.Scope)
        {
            case ZoneScope.Original:
                flow.Original.Zone = trailer.Zone;
                flow.Original.Parts |= TupleParts.Zone;
                break;
            case ZoneScope.Reply:
                flow.Reply.Zone = trailer.Zone;
                flow.Reply.Parts |= TupleParts.Zone;
                break;
        }
    }

    private static bool HasValidLength(ushort number, int length) => (FlowAttribute)number switch
    {
        FlowAttribute.Helper => length <= HelperLimit,
        FlowAttribute.Labels => length <= LabelLimit,
        _ => length == Lengths[number],
    };

    private static void WriteAddresses(
        ref PeerWriter writer, in FlowTuple tuple, FlowAttribute forIPv4, FlowAttribute forIPv6)
    {
        if (tuple.Family == AddressFamily.IPv4)
        {
            Span<byte> pair = writer.Add(forIPv4, 8);
            tuple.Source.Write(pair, AddressFamily.IPv4);
            tuple.Destination.Write(pair[4..], AddressFamily.IPv4);
        }
        else
        {
            Span<byte> pair = writer.Add(forIPv6, 32);
            tuple.Source.Write(pair, AddressFamily.IPv6);
            tuple.Destination.Write(pair[16..], AddressFamily.IPv6);
        }
    }

    // What the protocol adds to its ports and, of TCP, its state.
    private static void WriteProtocol(ref PeerWriter writer, in PackedFlow flow, SyncOptions options)
    {
        ref readonly FlowTuple tuple = ref flow.Original;
        switch (tuple.Protocol)
        {
            case IpProtocol.Tcp when flow.Has(FlowFields.TcpState) && options.TcpWindowTracking:
                WriteScales(ref writer, in flow);
                break;
            case IpProtocol.Sctp when flow.Has(FlowFields.SctpState):
                WriteSctp(ref writer, in flow);
                break;
            case IpProtocol.Dccp when flow.Has(FlowFields.DccpState):
                writer.AddByte(FlowAttribute.DccpState, flow.DccpState);
                writer.AddByte(FlowAttribute.DccpRole, flow.DccpRole);
                break;
            case IpProtocol.Icmp or IpProtocol.IcmpV6 when tuple.Has(TupleParts.IcmpTypeCode):
                WriteIcmp(ref writer, in tuple, options);
                break;
        }
    }

    private static void WriteTail(ref PeerWriter writer, in PackedFlow flow, SyncOptions options)
    {
        if (flow.Has(FlowFields.Reply)) WriteTranslatedPorts(ref writer, in flow, options);
        if (flow.Has(FlowFields.SequenceOriginal | FlowFields.SequenceReply)) WriteSequences(ref writer, in flow);
        if (flow.Has(FlowFields.Helper)) WriteHelper(ref writer, in flow);
        if (flow.Has(FlowFields.Labels) && !flow.Labels.IsEmpty) WriteLabels(ref writer, flow.Labels);
        if (flow.Has(FlowFields.SynProxy)) WriteSynProxy(ref writer, flow.SynProxy);
        WriteZones(ref writer, in flow);
    }

    private static void WriteIcmp(ref PeerWriter writer, in FlowTuple tuple, SyncOptions options)
    {
        writer.AddByte(FlowAttribute.IcmpType, tuple.IcmpType);
        writer.AddByte(FlowAttribute.IcmpCode, tuple.IcmpCode);
        writer.AddSwapped(FlowAttribute.IcmpId, tuple.IcmpId, options.PeersAreLittleEndian);
    }

    private static void WriteScales(ref PeerWriter writer, in PackedFlow flow)
    {
        if (flow.Has(FlowFields.TcpWindowScaleOriginal))
            writer.AddByte(FlowAttribute.TcpWindowScaleOriginal, flow.TcpWindowScaleOriginal);
        if (flow.Has(FlowFields.TcpWindowScaleReply))
            writer.AddByte(FlowAttribute.TcpWindowScaleReply, flow.TcpWindowScaleReply);
    }

    private static void WriteSctp(ref PeerWriter writer, in PackedFlow flow)
    {
        writer.AddByte(FlowAttribute.SctpState, flow.SctpState);
        writer.AddUInt32(
            FlowAttribute.SctpTagOriginal, flow.Has(FlowFields.SctpTagOriginal) ? flow.SctpTagOriginal : 0);
        writer.AddUInt32(FlowAttribute.SctpTagReply, flow.Has(FlowFields.SctpTagReply) ? flow.SctpTagReply : 0);
    }

    private static void WriteMaster(ref PeerWriter writer, in FlowTuple master)
    {
        WriteAddresses(ref writer, in master, FlowAttribute.MasterIPv4, FlowAttribute.MasterIPv6);
        writer.AddByte(FlowAttribute.MasterProtocol, master.Protocol);
        if (master.Has(TupleParts.Ports))
            writer.AddPorts(FlowAttribute.MasterPorts, master.SourcePort, master.DestinationPort);
    }

    /// <summary>Whether the source is translated to another address.</summary>
    public static bool IsSourceTranslated(in PackedFlow flow) =>
        IsDone(in flow, FlowStatus.SourceNatDone) && flow.Reply.Destination != flow.Original.Source;

    /// <summary>Whether the destination is translated to another address.</summary>
    public static bool IsDestinationTranslated(in PackedFlow flow) =>
        IsDone(in flow, FlowStatus.DestinationNatDone) && flow.Reply.Source != flow.Original.Destination;

    // The kernel sets both "done" bits on every flow that met the NAT hooks: only the comparison tells translation.
    private static bool IsDone(in PackedFlow flow, FlowStatus done) =>
        flow.Has(FlowFields.Reply) && (!flow.Has(FlowFields.Status) || (flow.Status & done) != 0);

    private static void WriteTranslatedAddresses(ref PeerWriter writer, in PackedFlow flow)
    {
        byte family = flow.Original.Family;
        bool isIPv4 = family == AddressFamily.IPv4;
        int size = isIPv4 ? 4 : 16;
        if (IsSourceTranslated(in flow))
        {
            FlowAttribute number = isIPv4 ? FlowAttribute.SourceNatIPv4 : FlowAttribute.SourceNatIPv6;
            flow.Reply.Destination.Write(writer.Add(number, size), family);
        }

        if (IsDestinationTranslated(in flow))
        {
            FlowAttribute number = isIPv4 ? FlowAttribute.DestinationNatIPv4 : FlowAttribute.DestinationNatIPv6;
            flow.Reply.Source.Write(writer.Add(number, size), family);
        }
    }

    private static void WriteTranslatedPorts(ref PeerWriter writer, in PackedFlow flow, SyncOptions options)
    {
        ref readonly FlowTuple original = ref flow.Original;
        ref readonly FlowTuple reply = ref flow.Reply;

        // For ICMP the original compares identifier with type and sends zeros that its receiver ignores: left out.
        if (!original.Has(TupleParts.Ports) || !reply.Has(TupleParts.Ports)) return;
        if (IsDone(in flow, FlowStatus.SourceNatDone) && reply.DestinationPort != original.SourcePort)
            writer.AddSwapped(FlowAttribute.SourceNatPort, reply.DestinationPort, options.PeersAreLittleEndian);
        if (IsDone(in flow, FlowStatus.DestinationNatDone) && reply.SourcePort != original.DestinationPort)
            writer.AddSwapped(FlowAttribute.DestinationNatPort, reply.SourcePort, options.PeersAreLittleEndian);
    }

    private static void WriteSequences(ref PeerWriter writer, in PackedFlow flow)
    {
        Span<byte> six = writer.Add(FlowAttribute.SequenceAdjustment, 24);
        WriteSequence(six, flow.SequenceOriginal);
        WriteSequence(six[12..], flow.SequenceReply);
    }

    private static void WriteSequence(Span<byte> three, SequenceAdjustment adjustment)
    {
        BinaryPrimitives.WriteUInt32BigEndian(three, adjustment.CorrectionPosition);
        BinaryPrimitives.WriteInt32BigEndian(three[4..], adjustment.OffsetBefore);
        BinaryPrimitives.WriteInt32BigEndian(three[8..], adjustment.OffsetAfter);
    }

    // A name the peer would refuse, and with it the whole message, is left out.
    private static void WriteHelper(ref PeerWriter writer, in PackedFlow flow)
    {
        ReadOnlySpan<byte> padded = flow.Helper;
        int length = padded.IndexOf((byte)0);
        if (length <= 0 || 4 + length + 1 > HelperLimit) return;
        padded[..(length + 1)].CopyTo(writer.Add(FlowAttribute.Helper, length + 1));
    }

    private static void WriteLabels(ref PeerWriter writer, LabelBits labels)
    {
        Span<byte> words = writer.Add(FlowAttribute.Labels, LabelBytes);
        BinaryPrimitives.WriteUInt32BigEndian(words, (uint)labels.First);
        BinaryPrimitives.WriteUInt32BigEndian(words[4..], (uint)(labels.First >> 32));
        BinaryPrimitives.WriteUInt32BigEndian(words[8..], (uint)labels.Second);
        BinaryPrimitives.WriteUInt32BigEndian(words[12..], (uint)(labels.Second >> 32));
    }

    private static void WriteSynProxy(ref PeerWriter writer, SynProxyState state)
    {
        Span<byte> three = writer.Add(FlowAttribute.SynProxy, 12);
        BinaryPrimitives.WriteUInt32BigEndian(three, state.InitialTimestamp);
        BinaryPrimitives.WriteUInt32BigEndian(three[4..], state.InitialSequence);
        BinaryPrimitives.WriteUInt32BigEndian(three[8..], state.TimestampOffset);
    }
}
