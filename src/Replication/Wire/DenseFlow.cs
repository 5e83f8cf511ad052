using TwinTrack.Conntrack;
using TwinTrack.Replication.Caches;

namespace TwinTrack.Replication.Wire;

/// <summary>Flows as two of ours tell them to each other: the same content in half of the bytes or less.</summary>
/// <remarks>
/// The header is that of every message, with <see cref="PeerHeader.DenseVersion"/>. Behind it, without padding:
/// <code>
/// 0  which of the parts below are there (8 bits)
/// 1  protocol
/// 2  source and destination address, 4 or 16 bytes each
///    source and destination port, or key
///    status               numbers: 7 bits a byte, the lowest first; the top bit says that another byte follows
///    TCP state (8 bits)
///    timeout in seconds   number
///    mark                 number
///    address the source is translated to
///    address the destination is translated to
///    what else there is, as in a message of version 1
/// </code>
/// The end of a flow has addresses, protocol, ports, and what else tells it from others.
/// </remarks>
internal static class DenseFlow
{
    [Flags]
    private enum Parts : byte
    {
        None = 0,
        IPv6 = 0x01,
        Ports = 0x02,
        TcpState = 0x04,
        Timeout = 0x08,
        Mark = 0x10,
        SourceNat = 0x20,
        DestinationNat = 0x40,
        Status = 0x80,
    }

    /// <summary>Writes a flow.</summary>
    /// <returns>Bytes written.</returns>
    public static int Write(in PackedFlow flow, SyncOptions options, Span<byte> body)
    {
        Parts parts = PartsOf(in flow, options);
        var writer = new DenseWriter(body);
        WriteName(ref writer, in flow, parts);
        writer.AddNumber(flow.Has(FlowFields.Status) ? (uint)flow.Status : 0);
        if ((parts & Parts.TcpState) != 0) writer.AddByte(flow.TcpState);
        if ((parts & Parts.Timeout) != 0) writer.AddNumber(flow.Timeout);
        if ((parts & Parts.Mark) != 0) writer.AddNumber(flow.Mark);
        if ((parts & Parts.SourceNat) != 0) writer.AddAddress(flow.Reply.Destination, flow.Original.Family);
        if ((parts & Parts.DestinationNat) != 0) writer.AddAddress(flow.Reply.Source, flow.Original.Family);
        var rest = new PeerWriter(body[writer.Length..]);
        FlowMessage.WriteRest(ref rest, in flow, options);
        return writer.Length + rest.Length;
    }

    /// <summary>Writes only what a receiver finds a flow by: enough to tell its end.</summary>
    /// <returns>Bytes written.</returns>
    public static int WriteEnd(in PackedFlow flow, SyncOptions options, Span<byte> body)
    {
        var writer = new DenseWriter(body);
        WriteName(ref writer, in flow, NameParts(in flow.Original));
        var rest = new PeerWriter(body[writer.Length..]);
        FlowMessage.WriteEndRest(ref rest, in flow, options);
        return writer.Length + rest.Length;
    }

    /// <summary>Reads a flow; a refusal leaves the flow unusable but changes nothing else.</summary>
    public static bool TryRead(ReadOnlySpan<byte> body, SyncOptions options, ref PackedFlow flow)
    {
        FlowMessage.Clear(ref flow);
        var reader = new DenseReader(body);
        var parts = (Parts)reader.TakeByte();
        bool isIPv6 = (parts & Parts.IPv6) != 0;
        int size = isIPv6 ? 16 : 4;
        Take(FlowAttribute.Protocol, ref reader, 1, ref flow);
        Take(isIPv6 ? FlowAttribute.IPv6 : FlowAttribute.IPv4, ref reader, 2 * size, ref flow);
        if ((parts & Parts.Ports) != 0) Take(FlowAttribute.Ports, ref reader, 4, ref flow);
        if ((parts & Parts.Status) != 0)
        {
            flow.Status = (FlowStatus)reader.TakeNumber();
            flow.Fields |= FlowFields.Status;
        }

        if ((parts & Parts.TcpState) != 0) Take(FlowAttribute.TcpState, ref reader, 1, ref flow);
        if ((parts & Parts.Timeout) != 0)
        {
            flow.Timeout = reader.TakeNumber();
            flow.Fields |= FlowFields.Timeout;
        }

        if ((parts & Parts.Mark) != 0)
        {
            flow.Mark = reader.TakeNumber();
            flow.Fields |= FlowFields.Mark;
        }

        // One attribute for either family would do for the reader; the numbers are those of version 1.
        if ((parts & Parts.SourceNat) != 0) Take(FlowAttribute.SourceNatIPv4, ref reader, size, ref flow);
        if ((parts & Parts.DestinationNat) != 0) Take(FlowAttribute.DestinationNatIPv4, ref reader, size, ref flow);
        return !reader.IsMalformed && FlowMessage.TryReadAttributes(reader.Rest, options, ref flow);
    }

    private static Parts NameParts(in FlowTuple tuple) =>
        (tuple.Family == AddressFamily.IPv6 ? Parts.IPv6 : Parts.None)
        | (KernelFlow.HasPorts(tuple.Protocol) ? Parts.Ports : Parts.None);

    private static Parts PartsOf(in PackedFlow flow, SyncOptions options)
    {
        Parts parts = NameParts(in flow.Original) | Parts.Status;
        if (FlowMessage.HasTcpState(in flow)) parts |= Parts.TcpState;
        if (FlowMessage.IsTimeoutSent(in flow, options)) parts |= Parts.Timeout;
        if (flow.Has(FlowFields.Mark)) parts |= Parts.Mark;
        if (FlowMessage.IsSourceTranslated(in flow)) parts |= Parts.SourceNat;
        if (FlowMessage.IsDestinationTranslated(in flow)) parts |= Parts.DestinationNat;
        return parts;
    }

    private static void WriteName(ref DenseWriter writer, in PackedFlow flow, Parts parts)
    {
        ref readonly FlowTuple tuple = ref flow.Original;
        writer.AddByte((byte)parts);
        writer.AddByte(tuple.Protocol);
        writer.AddAddress(tuple.Source, tuple.Family);
        writer.AddAddress(tuple.Destination, tuple.Family);
        if ((parts & Parts.Ports) != 0) writer.AddPorts(tuple.SourcePort, tuple.DestinationPort);
    }

    // None of these values is in the order of its host.
    private static void Take(FlowAttribute number, ref DenseReader reader, int size, ref PackedFlow flow)
    {
        ReadOnlySpan<byte> value = reader.Take(size);
        if (!value.IsEmpty) FlowMessage.ReadAttribute(number, value, swapped: false, ref flow);
    }
}
