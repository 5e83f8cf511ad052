using System.Buffers.Binary;
using TwinTrack.Conntrack;
using TwinTrack.Replication.Caches;

namespace TwinTrack.Replication.Wire;

/// <summary>Flows as attributes of a peer's message.</summary>
internal static class FlowMessage
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
        WriteProtocol(ref writer, in flow, options);

        // A node with a fixed commit timeout sends none, so that its peers need not track the change.
        if (flow.Has(FlowFields.Timeout) && options.CommitTimeoutSeconds is null)
            writer.AddUInt32(FlowAttribute.Timeout, flow.Timeout);
        if (flow.Has(FlowFields.Mark)) writer.AddUInt32(FlowAttribute.Mark, flow.Mark);
        if (flow.Has(FlowFields.Master)) WriteMaster(ref writer, in flow.Master);
        if (flow.Has(FlowFields.Reply)) WriteNat(ref writer, in flow, options);
        if (flow.Has(FlowFields.SequenceOriginal | FlowFields.SequenceReply)) WriteSequences(ref writer, in flow);
        if (flow.Has(FlowFields.Helper)) WriteHelper(ref writer, in flow);
        if (flow.Has(FlowFields.Labels) && !flow.Labels.IsEmpty) WriteLabels(ref writer, flow.Labels);
        if (flow.Has(FlowFields.SynProxy)) WriteSynProxy(ref writer, flow.SynProxy);
        WriteZones(ref writer, in flow);
        return writer.Length;
    }

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
        else if (tuple.Protocol is IpProtocol.Icmp or IpProtocol.IcmpV6 && tuple.Has(TupleParts.IcmpTypeCode))
            WriteIcmp(ref writer, in tuple, options);
        WriteZones(ref writer, in flow);
        return writer.Length;
    }

    /// <summary>Reads the attributes of a flow; a refusal leaves the flow unusable but changes nothing else.</summary>
    /// <remarks>
    /// Addresses and protocol are required; the original stores such a message and trips over it later.
    /// </remarks>
    public static bool TryRead(ReadOnlySpan<byte> body, SyncOptions options, ref PackedFlow flow)
    {
        flow.Clear();
        flow.Original.Protocol = 0;
        flow.Original.IcmpCode = 0;   // has no presence bit of its own
        var reader = new PeerAttributeReader(body);
        while (reader.MoveNext())
        {
            int length = reader.Value.Length + 4;
            if (reader.Number >= AttributeCount || !HasValidLength(reader.Number, length)) return false;
            ReadAttribute((FlowAttribute)reader.Number, reader.Value, options.PeersAreLittleEndian, ref flow);
        }

        if (!reader.IsMalformed && PeerTrailer.TryRead(reader.Rest, out PeerTrailer trailer))
            ReadTrailer(trailer, ref flow);
        return !reader.IsMalformed && flow.Original.Has(TupleParts.Addresses | TupleParts.Protocol);
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

    private static void WriteProtocol(ref PeerWriter writer, in PackedFlow flow, SyncOptions options)
    {
        ref readonly FlowTuple tuple = ref flow.Original;
        switch (tuple.Protocol)
        {
            case IpProtocol.Tcp:
                writer.AddPorts(FlowAttribute.Ports, tuple.SourcePort, tuple.DestinationPort);
                if (flow.Has(FlowFields.TcpState)) WriteTcp(ref writer, in flow, options);
                break;
            case IpProtocol.Sctp:
                writer.AddPorts(FlowAttribute.Ports, tuple.SourcePort, tuple.DestinationPort);
                if (flow.Has(FlowFields.SctpState)) WriteSctp(ref writer, in flow);
                break;
            case IpProtocol.Dccp:
                writer.AddPorts(FlowAttribute.Ports, tuple.SourcePort, tuple.DestinationPort);
                if (flow.Has(FlowFields.DccpState))
                {
                    writer.AddByte(FlowAttribute.DccpState, flow.DccpState);
                    writer.AddByte(FlowAttribute.DccpRole, flow.DccpRole);
                }

                break;
            case IpProtocol.Udp or IpProtocol.UdpLite or IpProtocol.Gre:
                // The original leaves the keys of GRE and the ports of UDP-Lite out; its receiver takes them.
                writer.AddPorts(FlowAttribute.Ports, tuple.SourcePort, tuple.DestinationPort);
                break;
            case IpProtocol.Icmp or IpProtocol.IcmpV6 when tuple.Has(TupleParts.IcmpTypeCode):
                WriteIcmp(ref writer, in tuple, options);
                break;
        }
    }

    private static void WriteIcmp(ref PeerWriter writer, in FlowTuple tuple, SyncOptions options)
    {
        writer.AddByte(FlowAttribute.IcmpType, tuple.IcmpType);
        writer.AddByte(FlowAttribute.IcmpCode, tuple.IcmpCode);
        writer.AddSwapped(FlowAttribute.IcmpId, tuple.IcmpId, options.PeersAreLittleEndian);
    }

    private static void WriteTcp(ref PeerWriter writer, in PackedFlow flow, SyncOptions options)
    {
        writer.AddByte(FlowAttribute.TcpState, flow.TcpState);
        if (!options.TcpWindowTracking) return;
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

    // The kernel sets both "done" bits on every flow that met the NAT hooks: only the comparison tells translation.
    private static void WriteNat(ref PeerWriter writer, in PackedFlow flow, SyncOptions options)
    {
        ref readonly FlowTuple original = ref flow.Original;
        ref readonly FlowTuple reply = ref flow.Reply;
        bool isIPv4 = original.Family == AddressFamily.IPv4;
        int size = isIPv4 ? 4 : 16;
        bool known = flow.Has(FlowFields.Status);
        bool source = !known || (flow.Status & FlowStatus.SourceNatDone) != 0;
        bool destination = !known || (flow.Status & FlowStatus.DestinationNatDone) != 0;

        if (source && reply.Destination != original.Source)
        {
            FlowAttribute number = isIPv4 ? FlowAttribute.SourceNatIPv4 : FlowAttribute.SourceNatIPv6;
            reply.Destination.Write(writer.Add(number, size), original.Family);
        }

        if (destination && reply.Source != original.Destination)
        {
            FlowAttribute number = isIPv4 ? FlowAttribute.DestinationNatIPv4 : FlowAttribute.DestinationNatIPv6;
            reply.Source.Write(writer.Add(number, size), original.Family);
        }

        // For ICMP the original compares identifier with type and sends zeros that its receiver ignores: left out.
        if (!original.Has(TupleParts.Ports) || !reply.Has(TupleParts.Ports)) return;
        if (source && reply.DestinationPort != original.SourcePort)
            writer.AddSwapped(FlowAttribute.SourceNatPort, reply.DestinationPort, options.PeersAreLittleEndian);
        if (destination && reply.SourcePort != original.DestinationPort)
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

    private static void ReadAttribute(FlowAttribute number, ReadOnlySpan<byte> value, bool swapped, ref PackedFlow flow)
    {
        switch (number)
        {
            case FlowAttribute.IPv4 or FlowAttribute.IPv6:
                PeerValue.ReadAddresses(value, ref flow.Original);
                flow.Fields |= FlowFields.Original;
                break;
            case FlowAttribute.Protocol:
                flow.Original.Protocol = value[0];
                flow.Original.Parts |= TupleParts.Protocol;
                break;
            case FlowAttribute.Ports:
                PeerValue.ReadPorts(value, ref flow.Original);
                break;
            case FlowAttribute.MasterIPv4 or FlowAttribute.MasterIPv6:
                PeerValue.ReadAddresses(value, ref flow.Master);
                flow.Fields |= FlowFields.Master;
                break;
            case FlowAttribute.MasterProtocol:
                flow.Master.Protocol = value[0];
                flow.Master.Parts |= TupleParts.Protocol;
                break;
            case FlowAttribute.MasterPorts:
                PeerValue.ReadPorts(value, ref flow.Master);
                break;
            case FlowAttribute.IcmpType:
                flow.Original.IcmpType = value[0];
                flow.Original.Parts |= TupleParts.IcmpTypeCode;
                break;
            case FlowAttribute.IcmpCode:
                flow.Original.IcmpCode = value[0];
                break;
            case FlowAttribute.IcmpId:
                flow.Original.IcmpId = ReadSwapped(value, swapped);
                flow.Original.Parts |= TupleParts.IcmpId;
                break;
            case FlowAttribute.SourceNatIPv4 or FlowAttribute.SourceNatIPv6:
                flow.SourceNat.First = flow.SourceNat.Last = Address.Read(value);
                flow.Fields |= FlowFields.SourceNat;
                break;
            case FlowAttribute.DestinationNatIPv4 or FlowAttribute.DestinationNatIPv6:
                flow.DestinationNat.First = flow.DestinationNat.Last = Address.Read(value);
                flow.Fields |= FlowFields.DestinationNat;
                break;
            case FlowAttribute.SourceNatPort:
                flow.SourceNat.FirstPort = flow.SourceNat.LastPort = ReadSwapped(value, swapped);
                flow.Fields |= FlowFields.SourceNatPort;
                break;
            case FlowAttribute.DestinationNatPort:
                flow.DestinationNat.FirstPort = flow.DestinationNat.LastPort = ReadSwapped(value, swapped);
                flow.Fields |= FlowFields.DestinationNatPort;
                break;
            default:
                ReadScalar(number, value, ref flow);
                break;
        }
    }

    private static void ReadScalar(FlowAttribute number, ReadOnlySpan<byte> value, ref PackedFlow flow)
    {
        switch (number)
        {
            case FlowAttribute.Status:
                flow.Status = (FlowStatus)BinaryPrimitives.ReadUInt32BigEndian(value);
                flow.Fields |= FlowFields.Status;
                break;
            case FlowAttribute.Timeout:
                flow.Timeout = BinaryPrimitives.ReadUInt32BigEndian(value);
                flow.Fields |= FlowFields.Timeout;
                break;
            case FlowAttribute.Mark:
                flow.Mark = BinaryPrimitives.ReadUInt32BigEndian(value);
                flow.Fields |= FlowFields.Mark;
                break;
            case FlowAttribute.Zone:
                flow.Zone = BinaryPrimitives.ReadUInt16BigEndian(value);
                flow.Fields |= FlowFields.Zone;
                break;
            case FlowAttribute.TcpState:
                flow.TcpState = value[0];
                flow.Fields |= FlowFields.TcpState;
                break;
            case FlowAttribute.TcpWindowScaleOriginal:
                flow.TcpWindowScaleOriginal = value[0];
                flow.Fields |= FlowFields.TcpWindowScaleOriginal;
                break;
            case FlowAttribute.TcpWindowScaleReply:
                flow.TcpWindowScaleReply = value[0];
                flow.Fields |= FlowFields.TcpWindowScaleReply;
                break;
            case FlowAttribute.SctpState:
                flow.SctpState = value[0];
                flow.Fields |= FlowFields.SctpState;
                break;
            case FlowAttribute.SctpTagOriginal:
                flow.SctpTagOriginal = BinaryPrimitives.ReadUInt32BigEndian(value);
                flow.Fields |= FlowFields.SctpTagOriginal;
                break;
            case FlowAttribute.SctpTagReply:
                flow.SctpTagReply = BinaryPrimitives.ReadUInt32BigEndian(value);
                flow.Fields |= FlowFields.SctpTagReply;
                break;
            case FlowAttribute.DccpState:
                flow.DccpState = value[0];
                flow.Fields |= FlowFields.DccpState;
                break;
            case FlowAttribute.DccpRole:
                flow.DccpRole = value[0];
                flow.Fields |= FlowFields.DccpRole;
                break;
            case FlowAttribute.SequenceAdjustment:
                flow.SequenceOriginal = ReadSequence(value);
                flow.SequenceReply = ReadSequence(value[12..]);
                flow.Fields |= FlowFields.SequenceOriginal | FlowFields.SequenceReply;
                break;
            case FlowAttribute.Helper:
                if (PeerValue.ReadName(value, flow.Helper)) flow.Fields |= FlowFields.Helper;
                break;
            case FlowAttribute.Labels:
                ReadLabels(value, ref flow);
                break;
            case FlowAttribute.SynProxy:
                flow.SynProxy = new SynProxyState(
                    InitialSequence: BinaryPrimitives.ReadUInt32BigEndian(value[4..]),
                    InitialTimestamp: BinaryPrimitives.ReadUInt32BigEndian(value),
                    TimestampOffset: BinaryPrimitives.ReadUInt32BigEndian(value[8..]));
                flow.Fields |= FlowFields.SynProxy;
                break;
        }
    }

    private static ushort ReadSwapped(ReadOnlySpan<byte> value, bool littleEndian) =>
        littleEndian ? BinaryPrimitives.ReadUInt16LittleEndian(value) : BinaryPrimitives.ReadUInt16BigEndian(value);

    private static SequenceAdjustment ReadSequence(ReadOnlySpan<byte> three) => new(
        BinaryPrimitives.ReadUInt32BigEndian(three),
        BinaryPrimitives.ReadInt32BigEndian(three[4..]),
        BinaryPrimitives.ReadInt32BigEndian(three[8..]));

    // Bits beyond those the kernel can hold are dropped: it would refuse them, and the flow with them.
    private static void ReadLabels(ReadOnlySpan<byte> value, ref PackedFlow flow)
    {
        if (value.IsEmpty || value.Length % 4 != 0) return;

        Span<uint> words = stackalloc uint[LabelBytes / 4];
        words.Clear();
        for (int word = 0; word < Math.Min(value.Length / 4, words.Length); word++)
            words[word] = BinaryPrimitives.ReadUInt32BigEndian(value[(4 * word)..]);
        flow.Labels = new LabelBits(words[0] | ((ulong)words[1] << 32), words[2] | ((ulong)words[3] << 32));
        flow.Fields |= FlowFields.Labels;
    }
}
