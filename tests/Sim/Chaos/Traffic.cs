using TwinTrack.Conntrack;
using TwinTrack.Sim.Kernel;
using TwinTrack.Sim.Shell;

namespace TwinTrack.Sim.Chaos;

/// <summary>What goes through one firewall: flows that begin, move on, change and end, on tuples that come again.</summary>
internal sealed class Traffic(World world, Node node, Plan plan)
{
    private readonly Dice _dice = new(plan.Seed + (ulong)node.Index, Concern.Traffic);
    private bool _isOver;

    public void Start() => Next();

    public void Stop() => _isOver = true;

    private void Next() => world.Agenda.After(_dice.Wait(1e6 / plan.Rate), () =>
    {
        if (_isOver) return;
        int count = _dice.Chance(0.02) ? _dice.Between(5, 60) : 1;
        for (int change = 0; change < count; change++) Change();
        Next();
    });

    private void Change()
    {
        int choice = _dice.Below(100);
        if (choice < 35 || node.Kernel.Flows.Count == 0)
        {
            Open();
            return;
        }

        ModelFlow flow = node.Kernel.Flows[_dice.Below(node.Kernel.Flows.Count)];
        switch (choice)
        {
            case < 75:
                Advance(flow);
                break;
            case < 80:
                node.Kernel.Refresh(world.Now, flow);
                break;
            case < 85 when (plan.Kinds & Kinds.Marks) != 0:
                node.Kernel.SetMark(world.Now, flow, (uint)_dice.Below(4));
                break;
            case < 88 when (plan.Kinds & Kinds.Labels) != 0:
                node.Kernel.AddLabels(world.Now, flow, new LabelBits(1UL << _dice.Below(64), 0));
                break;
            case < 91 when (plan.Kinds & Kinds.Sequences) != 0 && flow.Original.Protocol == IpProtocol.Tcp:
                node.Kernel.ShiftSequence(world.Now, flow, (uint)_dice.Next(), _dice.Between(-9, 9));
                break;
            case < 95 when (plan.Kinds & Kinds.Kills) != 0:
                node.Kernel.Kill(world.Now, flow, portId: 7);
                break;
            default:
                Close(flow);
                break;
        }
    }

    private void Open()
    {
        int number = _dice.Below(plan.Tuples);
        FlowTuple original = Tuple(number);
        ushort zone = Has(Kinds.Zones, 0.2) ? (ushort)3 : (ushort)0;

        // A new handshake on a tuple that is closing replaces what is there, in one moment.
        if (node.Kernel.Find(TupleKey.Of(in original, zone)) is { } old)
        {
            if (!_dice.Chance(0.3)) return;
            node.Kernel.Kill(world.Now, old, portId: 0);
        }

        bool isTcp = original.Protocol == IpProtocol.Tcp;
        node.Kernel.Open(world.Now, new FlowOpening
        {
            Original = original,
            Reply = Translate(Tuples.Mirror(in original), number),
            Zone = zone,
            Mark = Has(Kinds.Marks, 0.4) ? (uint)_dice.Between(1, 5) : 0,
            Labels = Has(Kinds.Labels, 0.3) ? new LabelBits(1UL << _dice.Below(64), 1UL << _dice.Below(64)) : default,
            Helper = isTcp && Has(Kinds.Helpers, 0.2) ? "ftp" : null,
            Master = isTcp && Has(Kinds.Helpers, 0.3) ? Master(original.Family, zone) : null,
            Scale = (byte)_dice.Below(15),
        });
    }

    private bool Has(Kinds kind, double probability) => _dice.Chance(probability) && (plan.Kinds & kind) != 0;

    private FlowTuple Tuple(int number)
    {
        int host = (plan.Kinds & Kinds.SharedTuples) != 0 ? 9 : node.Index + 1;
        byte protocol = (number % 10) switch
        {
            0 or 1 => IpProtocol.Udp,
            2 when (plan.Kinds & Kinds.OtherProtocols) != 0 => IpProtocol.Icmp,
            3 when (plan.Kinds & Kinds.OtherProtocols) != 0 => IpProtocol.Sctp,
            4 when (plan.Kinds & Kinds.OtherProtocols) != 0 => IpProtocol.Gre,
            _ => IpProtocol.Tcp,
        };
        bool isIPv6 = number % 4 == 3 && (plan.Kinds & Kinds.IPv6) != 0;
        if (isIPv6 && protocol == IpProtocol.Icmp) protocol = IpProtocol.IcmpV6;
        string from = isIPv6 ? $"fd00::{host}:{number % 7:x}" : $"10.{host * 16}.0.{1 + (number % 7)}";
        string to = isIPv6 ? "2001:db8::1" : "192.0.2.1";
        return Tuples.Make(from, to, protocol, (ushort)(1000 + number), 80);
    }

    private FlowTuple Translate(FlowTuple reply, int number)
    {
        if (!Has(Kinds.Nat, 0.4)) return reply;
        bool isIPv4 = reply.Family == AddressFamily.IPv4;
        int node_ = (plan.Kinds & Kinds.SharedTuples) != 0 ? 9 : node.Index + 1;
        bool hasPorts = reply.Protocol is IpProtocol.Tcp or IpProtocol.Udp or IpProtocol.Sctp;
        if (_dice.Chance(0.7))
        {
            reply.Destination = Tuples.Parse(isIPv4 ? $"198.51.100.{node_}" : $"2001:db8:1::{node_}", out _);
            if (hasPorts && _dice.Chance(0.5)) reply.DestinationPort = (ushort)(20_000 + number);
        }

        if (!_dice.Chance(0.5)) return reply;
        reply.Source = Tuples.Parse(isIPv4 ? $"10.200.0.{node_}" : $"fd77::{node_}", out _);
        if (hasPorts && _dice.Chance(0.5)) reply.SourcePort = 8080;
        return reply;
    }

    private ModelFlow? Master(byte family, ushort zone)
    {
        foreach (ModelFlow flow in node.Kernel.Flows)
        {
            if (flow.Original.Family == family && flow.Zone == zone && flow.Master is null
                && flow.Original.Protocol == IpProtocol.Tcp && _dice.Chance(0.5))
                return flow;
        }

        return null;
    }

    private void Advance(ModelFlow flow)
    {
        switch (flow.Original.Protocol)
        {
            case IpProtocol.Tcp:
                if (flow.State < (byte)TcpState.Established)
                    node.Kernel.Advance(world.Now, flow, (byte)(flow.State + 1), (byte)_dice.Below(15));
                else if (flow.State == (byte)TcpState.Established && _dice.Chance(0.7))
                    node.Kernel.Refresh(world.Now, flow);
                else if (flow.State < (byte)TcpState.TimeWait)
                    node.Kernel.Advance(world.Now, flow, (byte)(flow.State + 1));
                break;
            case IpProtocol.Sctp:
                if (flow.State < (byte)SctpState.ShutdownAckSent)
                    node.Kernel.Advance(world.Now, flow, (byte)(flow.State + 1));
                break;
            default:
                node.Kernel.Answer(world.Now, flow);
                break;
        }
    }

    private void Close(ModelFlow flow)
    {
        if (flow.Original.Protocol == IpProtocol.Tcp && flow.State is > 0 and < (byte)TcpState.Close)
            node.Kernel.Advance(world.Now, flow, (byte)TcpState.Close);
    }
}
