using System.Text;
using TwinTrack.Conntrack;
using Xunit;

namespace TwinTrack.Replication.Tests;

/// <summary>Draws flows with every field that a cache keeps, and compares them field by field.</summary>
internal static class RandomFlows
{
    private static readonly byte[] Protocols =
    [
        IpProtocol.Icmp, IpProtocol.Tcp, IpProtocol.Udp, IpProtocol.Dccp, IpProtocol.Gre, IpProtocol.IcmpV6,
        IpProtocol.Sctp, IpProtocol.UdpLite, 50,
    ];

    private static readonly string[] Helpers = ["ftp", "sip-5060", "netbios-ns", "abcdefghijklmno"];

    private static readonly FlowFields[] Optional =
    [
        FlowFields.Status, FlowFields.Timeout, FlowFields.Mark, FlowFields.Zone, FlowFields.Id, FlowFields.SecurityMark,
        FlowFields.SecurityContext, FlowFields.TimestampStart, FlowFields.TimestampStop, FlowFields.Helper,
        FlowFields.Labels, FlowFields.SequenceOriginal | FlowFields.SequenceReply, FlowFields.SynProxy,
        FlowFields.Master,
    ];

    /// <summary>Draws a flow.</summary>
    /// <param name="random">Where from.</param>
    /// <param name="isExternal">As a peer tells it (translation, no reply tuple) or as the kernel does.</param>
    public static PackedFlow Draw(Random random, bool isExternal)
    {
        byte protocol = Protocols[random.Next(Protocols.Length)];
        byte family = protocol == IpProtocol.IcmpV6 || random.Next(2) == 0 ? AddressFamily.IPv6 : AddressFamily.IPv4;
        if (protocol == IpProtocol.Icmp) family = AddressFamily.IPv4;
        return Draw(random, isExternal, Tuple(random, protocol, family, mayHaveZone: !isExternal));
    }

    /// <summary>Draws another state of the same flow.</summary>
    public static PackedFlow DrawAgain(Random random, bool isExternal, in PackedFlow same)
    {
        PackedFlow flow = Draw(random, isExternal, same.Original);
        flow.Zone = same.Zone;
        flow.Fields = (flow.Fields & ~FlowFields.Zone) | (same.Fields & FlowFields.Zone);
        return flow;
    }

    /// <summary>Fails the test unless the same fields are known and equal.</summary>
    public static void AssertSame(in PackedFlow expected, in PackedFlow actual)
    {
        Assert.Equal(expected.Fields, actual.Fields);
        Assert.Equal(Describe(in expected), Describe(in actual));
    }

    /// <summary>Every known field that a cache keeps.</summary>
    public static string Describe(in PackedFlow flow)
    {
        var text = new StringBuilder();
        Add(text, in flow, FlowFields.Original, Describe(in flow.Original));
        Add(text, in flow, FlowFields.Reply, Describe(in flow.Reply));
        Add(text, in flow, FlowFields.Master, Describe(in flow.Master));
        Add(text, in flow, FlowFields.Status, flow.Status);
        Add(text, in flow, FlowFields.Timeout, flow.Timeout);
        Add(text, in flow, FlowFields.Mark, flow.Mark);
        Add(text, in flow, FlowFields.Zone, flow.Zone);
        Add(text, in flow, FlowFields.Id, flow.Id);
        Add(text, in flow, FlowFields.SecurityMark, flow.SecurityMark);
        Add(text, in flow, FlowFields.SecurityContext, Context(in flow));
        Add(text, in flow, FlowFields.TimestampStart, flow.TimestampStart);
        Add(text, in flow, FlowFields.TimestampStop, flow.TimestampStop);
        Add(text, in flow, FlowFields.TcpState, flow.TcpState);
        Add(text, in flow, FlowFields.TcpWindowScaleOriginal, flow.TcpWindowScaleOriginal);
        Add(text, in flow, FlowFields.TcpWindowScaleReply, flow.TcpWindowScaleReply);
        Add(text, in flow, FlowFields.SctpState, flow.SctpState);
        Add(text, in flow, FlowFields.SctpTagOriginal, flow.SctpTagOriginal);
        Add(text, in flow, FlowFields.SctpTagReply, flow.SctpTagReply);
        Add(text, in flow, FlowFields.DccpState, flow.DccpState);
        Add(text, in flow, FlowFields.DccpRole, flow.DccpRole);
        Add(text, in flow, FlowFields.Helper, Convert.ToHexString(flow.Helper));
        Add(text, in flow, FlowFields.Labels, flow.Labels);
        Add(text, in flow, FlowFields.SequenceOriginal, flow.SequenceOriginal);
        Add(text, in flow, FlowFields.SequenceReply, flow.SequenceReply);
        Add(text, in flow, FlowFields.SynProxy, flow.SynProxy);
        Add(text, in flow, FlowFields.SourceNat, flow.SourceNat.First.ToText(flow.Original.Family));
        Add(text, in flow, FlowFields.DestinationNat, flow.DestinationNat.First.ToText(flow.Original.Family));
        Add(text, in flow, FlowFields.SourceNatPort, flow.SourceNat.FirstPort);
        Add(text, in flow, FlowFields.DestinationNatPort, flow.DestinationNat.FirstPort);
        return text.ToString();
    }

    private static PackedFlow Draw(Random random, bool isExternal, FlowTuple original)
    {
        // Fields that are absent hold leftovers, as in a flow that is reused.
        PackedFlow flow = Leftovers(random);
        flow.Original = original;
        byte protocol = original.Protocol;
        byte family = original.Family;
        flow.Fields = FlowFields.Original | FieldsOf(protocol, random);
        foreach (FlowFields field in Optional)
        {
            if (random.Next(3) == 0) flow.Fields |= field;
        }

        if (isExternal)
        {
            DrawTranslation(ref flow, random);
        }
        else
        {
            flow.Reply = Tuple(random, protocol, family, mayHaveZone: true);
            flow.Fields |= FlowFields.Reply;
        }

        flow.Master = Tuple(random, IpProtocol.Tcp, family, mayHaveZone: false);
        return flow;
    }

    private static PackedFlow Leftovers(Random random)
    {
        PackedFlow flow = default;
        random.NextBytes(System.Runtime.InteropServices.MemoryMarshal.AsBytes(
            System.Runtime.InteropServices.MemoryMarshal.CreateSpan(ref flow, 1)));
        Flows.SetHelper(ref flow, Helpers[random.Next(Helpers.Length)]);
        flow.SecurityContextLength = (ushort)random.Next(1, 40);
        flow.SecurityContext[0] = (byte)random.Next(1, 20);
        flow.SecurityContext[1..flow.SecurityContextLength].Fill((byte)'c');
        if (random.Next(2) == 0) flow.SynProxy = default;
        return flow;
    }

    private static FlowFields FieldsOf(byte protocol, Random random) => protocol switch
    {
        IpProtocol.Tcp when random.Next(2) == 0 =>
            FlowFields.TcpState | FlowFields.TcpWindowScaleOriginal | FlowFields.TcpWindowScaleReply,
        IpProtocol.Tcp => FlowFields.TcpState,
        IpProtocol.Sctp => FlowFields.SctpState | FlowFields.SctpTagOriginal | FlowFields.SctpTagReply,
        IpProtocol.Dccp => FlowFields.DccpState | FlowFields.DccpRole,
        _ => FlowFields.None,
    };

    private static void DrawTranslation(ref PackedFlow flow, Random random)
    {
        if (random.Next(2) == 0) flow.Fields |= FlowFields.SourceNat;
        if (random.Next(2) == 0) flow.Fields |= FlowFields.DestinationNat;
        if (random.Next(2) == 0) flow.Fields |= FlowFields.SourceNatPort;
        if (random.Next(2) == 0) flow.Fields |= FlowFields.DestinationNatPort;
        flow.SourceNat.First = DrawAddress(random, flow.Original.Family);
        flow.DestinationNat.First = DrawAddress(random, flow.Original.Family);
    }

    private static FlowTuple Tuple(Random random, byte protocol, byte family, bool mayHaveZone)
    {
        var tuple = new FlowTuple
        {
            Source = DrawAddress(random, family),
            Destination = DrawAddress(random, family),
            Family = family,
            Protocol = protocol,
            Parts = TupleParts.Addresses | TupleParts.Protocol,
        };
        if (protocol is IpProtocol.Icmp or IpProtocol.IcmpV6)
        {
            tuple.IcmpType = (byte)random.Next(256);
            tuple.IcmpCode = (byte)random.Next(256);
            tuple.IcmpId = (ushort)random.Next(65_536);
            tuple.Parts |= TupleParts.IcmpTypeCode | TupleParts.IcmpId;
        }
        else if (protocol != 50)
        {
            tuple.SourcePort = (ushort)random.Next(65_536);
            tuple.DestinationPort = (ushort)random.Next(65_536);
            tuple.Parts |= TupleParts.Ports;
        }

        if (!mayHaveZone || random.Next(4) != 0) return tuple;
        tuple.Zone = (ushort)random.Next(1, 65_536);
        tuple.Parts |= TupleParts.Zone;
        return tuple;
    }

    private static Address DrawAddress(Random random, byte family) => family == AddressFamily.IPv4
        ? Address.FromIPv4((uint)random.NextInt64(1L << 32))
        : new Address((ulong)random.NextInt64(), (ulong)random.NextInt64());

    private static string Describe(in FlowTuple tuple) =>
        $"{tuple.Parts} {tuple.Family} {tuple.Protocol} {tuple.Source.ToText(tuple.Family)} "
        + $"{tuple.Destination.ToText(tuple.Family)}"
        + (tuple.Has(TupleParts.Ports) ? $" {tuple.SourcePort} {tuple.DestinationPort}" : "")
        + (tuple.Has(TupleParts.IcmpId) ? $" {tuple.IcmpType} {tuple.IcmpCode} {tuple.IcmpId}" : "")
        + (tuple.Has(TupleParts.Zone) ? $" zone {tuple.Zone}" : "");

    private static string Context(in PackedFlow flow)
    {
        ReadOnlySpan<byte> context = flow.SecurityContext;
        return flow.Has(FlowFields.SecurityContext) ? Convert.ToHexString(context[..flow.SecurityContextLength]) : "";
    }

    private static void Add<T>(StringBuilder text, in PackedFlow flow, FlowFields field, T value)
    {
        if (flow.Has(field)) text.Append(field).Append('=').Append(value).Append('\n');
    }
}
