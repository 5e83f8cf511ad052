using System.Runtime.InteropServices;

namespace TwinTrack.Conntrack.Tests;

/// <summary>Flows of any protocol with any subset of fields. One seed always gives the same flows.</summary>
internal sealed class RandomFlows(int seed)
{
    private static readonly byte[] Protocols =
    [
        IpProtocol.Icmp, IpProtocol.Tcp, IpProtocol.Udp, IpProtocol.Dccp, IpProtocol.Gre, IpProtocol.IcmpV6,
        IpProtocol.Sctp, IpProtocol.UdpLite, 99,
    ];

    private readonly Random _random = new(seed);

    public PackedFlow Next()
    {
        PackedFlow flow = default;

        // Garbage first: what is not named in the fields must not matter.
        _random.NextBytes(MemoryMarshal.AsBytes(new Span<PackedFlow>(ref flow)));
        flow.Fields = (FlowFields)_random.NextInt64(1L << 40);
        byte family = _random.Next(2) == 0 ? AddressFamily.IPv4 : AddressFamily.IPv6;
        flow.Original = Tuple(family);
        flow.Reply = Tuple(family);
        flow.Master = Tuple(family);
        flow.SourceNat = Range(family);
        flow.DestinationNat = Range(family);
        flow.HelperInfoLength = (byte)_random.Next(65);
        flow.SecurityContextLength = (ushort)_random.Next(257);
        Name(flow.Helper, 15);
        Name(flow.SecurityContext, 256);
        if ((flow.Fields & (FlowFields.SourceNat | FlowFields.DestinationNat)) != FlowFields.None)
            flow.Fields |= FlowFields.Original; // the address family of a translation is that of the flow
        return flow;
    }

    public FlowTuple Tuple(byte family)
    {
        FlowTuple tuple = default;
        tuple.Family = family;
        tuple.Source = Address(family);
        tuple.Destination = Address(family);
        tuple.Protocol = Protocols[_random.Next(Protocols.Length)];
        tuple.SourcePort = (ushort)_random.Next(65536);
        tuple.DestinationPort = (ushort)_random.Next(65536);
        tuple.IcmpId = (ushort)_random.Next(65536);
        tuple.IcmpType = (byte)_random.Next(256);
        tuple.IcmpCode = (byte)_random.Next(256);
        tuple.Zone = (ushort)_random.Next(65536);
        tuple.Parts = (TupleParts)_random.Next(256);

        // Without the protocol nobody can tell ICMP from ICMPv6.
        if ((tuple.Parts & (TupleParts.IcmpId | TupleParts.IcmpTypeCode)) != TupleParts.None)
            tuple.Parts |= TupleParts.Protocol;
        return tuple;
    }

    public Address Address(byte family) => family == AddressFamily.IPv4
        ? Conntrack.Address.FromIPv4((uint)_random.NextInt64(1L << 32))
        : new((ulong)_random.NextInt64(), (ulong)_random.NextInt64());

    private NatRange Range(byte family) => new()
    {
        First = Address(family),
        Last = Address(family),
        FirstPort = (ushort)_random.Next(1, 65536),
        LastPort = (ushort)_random.Next(1, 65536),
    };

    // Letters, and zeros behind them.
    private void Name(Span<byte> place, int limit)
    {
        int length = _random.Next(limit + 1);
        for (int i = 0; i < place.Length; i++) place[i] = i < length ? (byte)_random.Next('a', 'z') : (byte)0;
    }
}
