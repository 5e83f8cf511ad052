using System.Text;
using TwinTrack.Cli.Flows;
using TwinTrack.Conntrack;
using Xunit;

namespace TwinTrack.Cli.Tests;

/// <summary>A flow that is written as a command line and read again is the same flow.</summary>
public sealed class SaveTests
{
    private const FlowStatus SavedStatus =
        FlowStatus.Expected | FlowStatus.SeenReply | FlowStatus.Assured | FlowStatus.FixedTimeout;

    private static readonly byte[] _protocols =
    [
        IpProtocol.Tcp, IpProtocol.Udp, IpProtocol.UdpLite, IpProtocol.Sctp, IpProtocol.Dccp, IpProtocol.Gre,
        IpProtocol.Icmp, IpProtocol.IcmpV6, 99, 0, 255,
    ];

    private readonly RequestParser _parser = new(_ => { });
    private readonly Request _request = new();
    private readonly LineWords _words = new();

    [Fact]
    public void A_saved_flow_is_read_as_the_same_flow()
    {
        var random = new Random(20261121);
        for (int i = 0; i < 20_000; i++)
        {
            PackedFlow flow = Make(random);
            byte[] line = Format(in flow);
            PackedFlow read = Parse(line);
            Assert.True(AreEqual(in flow, in read), $"{i}: {Encoding.ASCII.GetString(line)}");
        }
    }

    [Fact]
    public void A_saved_deletion_finds_the_flow_it_was_made_of()
    {
        var random = new Random(7);
        for (int i = 0; i < 5_000; i++)
        {
            PackedFlow flow = Make(random);
            flow.Status |= FlowStatus.SourceNatDone | FlowStatus.DestinationNatDone;
            byte[] line = Format(in flow, "-D"u8);
            _words.Split(line);
            _parser.Parse(_request, _words.Words, _words.Count);
            Assert.True(new FlowConditions(_request).Matches(in flow), $"{i}: {Encoding.ASCII.GetString(line)}");

            flow.Original.Source = new Address(~flow.Original.Source.First, flow.Original.Source.Second);
            Assert.False(new FlowConditions(_request).Matches(in flow), $"{i}: {Encoding.ASCII.GetString(line)}");
        }
    }

    private static byte[] Format(in PackedFlow flow) => Format(in flow, "-A"u8);

    private static byte[] Format(in PackedFlow flow, ReadOnlySpan<byte> command)
    {
        LineWriter line = new(new byte[FlowSave.MaxLength]);
        FlowSave.Write(ref line, in flow, command);
        Assert.False(line.IsFull);
        return line.Written.ToArray();
    }

    private PackedFlow Parse(byte[] line)
    {
        _words.Split(line);
        _parser.Parse(_request, _words.Words, _words.Count);
        PackedFlow flow = default;
        FlowCommands.MakeFlow(_request, ref flow);
        return flow;
    }

    private static PackedFlow Make(Random random)
    {
        PackedFlow flow = default;
        byte protocol = _protocols[random.Next(_protocols.Length)];
        byte family = protocol switch
        {
            IpProtocol.Icmp => AddressFamily.IPv4,
            IpProtocol.IcmpV6 => AddressFamily.IPv6,
            _ => random.Next(2) == 0 ? AddressFamily.IPv4 : AddressFamily.IPv6,
        };
        flow.Original = Tuple(random, family, protocol);
        flow.Original.TryReverse(out flow.Reply);
        flow.Fields = FlowFields.Original | FlowFields.Reply | FlowFields.Status | FlowFields.Timeout;
        flow.Status = (FlowStatus)random.Next(1 << 16) & SavedStatus;
        flow.Timeout = (uint)random.NextInt64(1L << 32);
        Translate(random, ref flow);
        if (random.Next(3) == 0)
        {
            flow.Zone = (ushort)random.Next(1 << 16);
            flow.Fields |= FlowFields.Zone;
        }
        else if (random.Next(3) == 0)
        {
            ref FlowTuple tuple = ref random.Next(2) == 0 ? ref flow.Original : ref flow.Reply;
            tuple.Zone = (ushort)random.Next(1 << 16);
            tuple.Parts |= TupleParts.Zone;
        }

        AddState(random, protocol, ref flow);
        return flow;
    }

    private static FlowTuple Tuple(Random random, byte family, byte protocol)
    {
        FlowTuple tuple = default;
        tuple.Family = family;
        tuple.Protocol = protocol;
        tuple.Source = RandomAddress(random, family);
        tuple.Destination = RandomAddress(random, family);
        tuple.Parts = TupleParts.Addresses | TupleParts.Protocol;
        if (protocol is IpProtocol.Icmp or IpProtocol.IcmpV6)
        {
            byte[] types = protocol == IpProtocol.Icmp ? [0, 8, 13, 14, 15, 16, 17, 18] : [128, 129, 139, 140];
            tuple.IcmpType = types[random.Next(types.Length)];
            tuple.IcmpCode = (byte)random.Next(256);
            tuple.IcmpId = (ushort)random.Next(1 << 16);
            tuple.Parts |= TupleParts.IcmpTypeCode | TupleParts.IcmpId;
        }
        else if (FlowNames.Protocol(protocol) is not [.., (byte)'w', (byte)'n'])
        {
            tuple.SourcePort = (ushort)random.Next(1 << 16);
            tuple.DestinationPort = (ushort)random.Next(1 << 16);
            tuple.Parts |= TupleParts.Ports;
        }

        return tuple;
    }

    // Source, destination, both or none; with a port now and then.
    private static void Translate(Random random, ref PackedFlow flow)
    {
        if (random.Next(3) == 0)
        {
            flow.Reply.Destination = RandomAddress(random, flow.Reply.Family);
            flow.Status |= FlowStatus.SourceNatDone;
            if (flow.Reply.Has(TupleParts.DestinationPort)) flow.Reply.DestinationPort = (ushort)random.Next(1 << 16);
        }

        if (random.Next(3) != 0) return;
        flow.Reply.Source = RandomAddress(random, flow.Reply.Family);
        flow.Status |= FlowStatus.DestinationNatDone;
        if (flow.Reply.Has(TupleParts.SourcePort)) flow.Reply.SourcePort = (ushort)random.Next(1 << 16);
    }

    private static void AddState(Random random, byte protocol, ref PackedFlow flow)
    {
        switch (protocol)
        {
            case IpProtocol.Tcp:
                flow.TcpState = (byte)random.Next(10);
                flow.Fields |= FlowFields.TcpState;
                break;
            case IpProtocol.Sctp:
                flow.SctpState = (byte)random.Next(9);
                flow.SctpTagOriginal = (uint)random.NextInt64(1L << 32);
                flow.SctpTagReply = (uint)random.NextInt64(1L << 32);
                flow.Fields |= FlowFields.SctpState | FlowFields.SctpTagOriginal | FlowFields.SctpTagReply;
                break;
            case IpProtocol.Dccp:
                flow.DccpState = (byte)random.Next(10);
                flow.DccpRole = (byte)random.Next(2);
                flow.Fields |= FlowFields.DccpState | FlowFields.DccpRole;
                break;
        }
    }

    private static Address RandomAddress(Random random, byte family)
    {
        byte[] bytes = new byte[family == AddressFamily.IPv4 ? 4 : 16];
        random.NextBytes(bytes);
        for (int i = 1; i < bytes.Length; i++)
        {
            if (random.Next(3) == 0) bytes[i] = 0; // for the shortened forms of IPv6
        }

        return Address.Read(bytes);
    }

    // Translations come back as what is asked of the kernel, which then makes the reply tuple of them.
    private static bool AreEqual(in PackedFlow flow, in PackedFlow read)
    {
        FlowTuple reply = read.Reply;
        if (read.Has(FlowFields.DestinationNat)) reply.Source = read.DestinationNat.First;
        if (read.Has(FlowFields.SourceNat)) reply.Destination = read.SourceNat.First;
        FlowFields compared = flow.Fields;
        return read.Original == flow.Original && reply == flow.Reply
            && (read.Fields & compared) == compared
            && read.Status == (flow.Status & SavedStatus) && read.Timeout == flow.Timeout
            && (!flow.Has(FlowFields.Zone) || read.Zone == flow.Zone)
            && (!flow.Has(FlowFields.TcpState) || read.TcpState == flow.TcpState)
            && (!flow.Has(FlowFields.SctpState) || (read.SctpState == flow.SctpState
                && read.SctpTagOriginal == flow.SctpTagOriginal && read.SctpTagReply == flow.SctpTagReply))
            && (!flow.Has(FlowFields.DccpState)
                || (read.DccpState == flow.DccpState && read.DccpRole == flow.DccpRole));
    }
}
