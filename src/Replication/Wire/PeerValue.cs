using System.Buffers.Binary;
using TwinTrack.Conntrack;

namespace TwinTrack.Replication.Wire;

/// <summary>Values that messages about flows and about expectations write alike.</summary>
internal static class PeerValue
{
    /// <summary>Source and destination address; the length tells the family.</summary>
    public static void ReadAddresses(ReadOnlySpan<byte> pair, ref FlowTuple tuple)
    {
        int size = pair.Length / 2;
        tuple.Source = Address.Read(pair[..size]);
        tuple.Destination = Address.Read(pair[size..]);
        tuple.Family = size == 4 ? AddressFamily.IPv4 : AddressFamily.IPv6;
        tuple.Parts |= TupleParts.Addresses;
    }

    /// <summary>Source and destination port.</summary>
    public static void ReadPorts(ReadOnlySpan<byte> value, ref FlowTuple tuple)
    {
        tuple.SourcePort = BinaryPrimitives.ReadUInt16BigEndian(value);
        tuple.DestinationPort = BinaryPrimitives.ReadUInt16BigEndian(value[2..]);
        tuple.Parts |= TupleParts.Ports;
    }

    /// <summary>A name, up to its zero byte or the end of the value.</summary>
    /// <returns>Whether there is one.</returns>
    public static bool ReadName(ReadOnlySpan<byte> value, Span<byte> place)
    {
        int end = value.IndexOf((byte)0);
        ReadOnlySpan<byte> name = end < 0 ? value : value[..end];
        place.Clear();
        name.CopyTo(place);
        return !name.IsEmpty;
    }
}
