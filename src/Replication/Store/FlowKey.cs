using TwinTrack.Conntrack;

namespace TwinTrack.Replication.Store;

/// <summary>
/// What makes a flow this flow: its original tuple with everything that demultiplexes, and its zones.
/// </summary>
internal readonly struct FlowKey
{
    public readonly Address Source;
    public readonly Address Destination;
    public readonly ushort SourcePort;
    public readonly ushort DestinationPort;
    public readonly ushort Zone;
    public readonly ushort ZoneOriginal;
    public readonly byte Protocol;
    public readonly byte Family;

    public FlowKey(in PackedFlow flow)
    {
        ref readonly FlowTuple tuple = ref flow.Original;
        Source = tuple.Source;
        Destination = tuple.Destination;
        Protocol = tuple.Protocol;
        Family = tuple.Family;
        (SourcePort, DestinationPort) = PortWords(in tuple);
        Zone = (flow.Fields & FlowFields.Zone) != 0 ? flow.Zone : (ushort)0;
        ZoneOriginal = (tuple.Parts & TupleParts.Zone) != 0 ? tuple.Zone : (ushort)0;
    }

    public FlowKey(in FlowRecord record, ReadOnlySpan<byte> addresses, ushort zone, ushort zoneOriginal)
    {
        int size = addresses.Length / 4;
        Source = Address.Read(addresses[..size]);
        Destination = Address.Read(addresses[size..(2 * size)]);
        SourcePort = record.OriginalSourcePort;
        DestinationPort = record.OriginalDestinationPort;
        Zone = zone;
        ZoneOriginal = zoneOriginal;
        Protocol = record.Protocol;
        Family = record.Family;
    }

    /// <summary>The key of a flow of which only the original tuple and the zones are known.</summary>
    public FlowKey(in FlowTuple tuple, ushort zone, ushort zoneOriginal)
    {
        Source = tuple.Source;
        Destination = tuple.Destination;
        Protocol = tuple.Protocol;
        Family = tuple.Family;
        (SourcePort, DestinationPort) = PortWords(in tuple);
        Zone = zone;
        ZoneOriginal = zoneOriginal;
    }

    /// <summary>A hash that a stranger who does not know the seed cannot steer.</summary>
    public uint Hash(ulong seed)
    {
        ulong rest = SourcePort | ((ulong)DestinationPort << 16) | ((ulong)Zone << 32) | ((ulong)ZoneOriginal << 48);
        ulong hash = Mix(seed ^ Source.First, Destination.First ^ Constant1);
        if (Family == AddressFamily.IPv6) hash = Mix(hash ^ Source.Second, Destination.Second ^ Constant2);
        hash = Mix(hash ^ rest, seed ^ Constant3 ^ ((ulong)Protocol << 8) ^ Family);
        return (uint)(hash ^ (hash >> 32));
    }

    /// <summary>
    /// The two 16-bit words that a protocol demultiplexes by: ports, keys, or identifier and type with code.
    /// </summary>
    public static (ushort Source, ushort Destination) PortWords(in FlowTuple tuple)
    {
        if (tuple.Protocol is IpProtocol.Icmp or IpProtocol.IcmpV6)
        {
            ushort id = (tuple.Parts & TupleParts.IcmpId) != 0 ? tuple.IcmpId : (ushort)0;
            bool hasType = (tuple.Parts & TupleParts.IcmpTypeCode) != 0;
            return (id, hasType ? (ushort)((tuple.IcmpType << 8) | tuple.IcmpCode) : (ushort)0);
        }

        return (
            (tuple.Parts & TupleParts.SourcePort) != 0 ? tuple.SourcePort : (ushort)0,
            (tuple.Parts & TupleParts.DestinationPort) != 0 ? tuple.DestinationPort : (ushort)0);
    }

    private const ulong Constant1 = 0x9E37_79B9_7F4A_7C15;
    private const ulong Constant2 = 0xD6E8_FEB8_6659_FD93;
    private const ulong Constant3 = 0xA076_1D64_78BD_642F;

    /// <summary>Mixes all bits of both with each other.</summary>
    public static ulong Mix(ulong left, ulong right)
    {
        ulong high = Math.BigMul(left | 1, right, out ulong low);
        return high ^ low ^ left;
    }
}
