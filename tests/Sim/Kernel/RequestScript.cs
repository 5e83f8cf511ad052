using TwinTrack.Conntrack;

namespace TwinTrack.Sim.Kernel;

/// <summary>What a request of a script asks for.</summary>
internal enum RequestKind : byte
{
    Create,
    CreateOrUpdate,
    Update,
    Delete,
    Get,
    Flush,
}

/// <summary>Draws requests to a kernel, sensible ones and others, from so few tuples that they meet.</summary>
internal sealed class RequestScript(ulong seed)
{
    private static readonly string[] Hosts4 = ["10.9.0.1", "10.9.0.2", "10.9.0.3"];
    private static readonly string[] Hosts6 = ["fd09::1", "fd09::2"];

    private readonly Dice _dice = new(seed, Concern.Kernel);
    private ushort _nextPort = 5000;

    /// <summary>The next request; the flow is its content, or names the flow it is about.</summary>
    public RequestKind Next(ref PackedFlow flow)
    {
        RequestKind kind = Kind();
        flow.Clear();
        if (kind == RequestKind.Flush)
        {
            flow.Original.Family = _dice.Pick<byte>(AddressFamily.Unspecified, AddressFamily.IPv4, AddressFamily.IPv6);
            return kind;
        }

        DrawTuples(ref flow);
        if (kind == RequestKind.Delete || kind == RequestKind.Get)
        {
            // Either tuple names the flow; a request that gives the original is not looked up by the reply.
            if (_dice.Chance(0.2)) flow.Fields &= ~FlowFields.Original;
            else if (_dice.Chance(0.3)) Swap(ref flow);
            return kind;
        }

        bool isUpdate = kind == RequestKind.Update;
        if (isUpdate ? _dice.Chance(0.4) : _dice.Chance(0.97)) Put(ref flow, FlowFields.Timeout);
        flow.Timeout = (uint)_dice.Between(1000, 100_000);
        DrawStatus(ref flow, isUpdate);
        DrawState(ref flow);
        DrawNumbers(ref flow, isUpdate);
        if (_dice.Chance(isUpdate ? 0.02 : 0.2)) DrawNat(ref flow);
        if (_dice.Chance(isUpdate ? 0.02 : 0.1)) DrawMaster(ref flow);
        return kind;
    }

    private RequestKind Kind() => _dice.Below(100) switch
    {
        < 38 => RequestKind.Create,
        < 43 => RequestKind.CreateOrUpdate,
        < 68 => RequestKind.Update,
        < 84 => RequestKind.Delete,
        < 99 => RequestKind.Get,
        _ => RequestKind.Flush,
    };

    private void DrawTuples(ref PackedFlow flow)
    {
        bool isIPv4 = _dice.Chance(0.7);
        string[] hosts = isIPv4 ? Hosts4 : Hosts6;
        byte icmp = isIPv4 ? IpProtocol.Icmp : IpProtocol.IcmpV6;
        byte protocol = _dice.Pick(IpProtocol.Tcp, IpProtocol.Tcp, IpProtocol.Udp, IpProtocol.Sctp, IpProtocol.Gre, icmp);
        int from = _dice.Below(hosts.Length);
        int to = (from + 1 + _dice.Below(hosts.Length - 1)) % hosts.Length;
        ushort first = (ushort)_dice.Between(1, 3);
        ushort second = (ushort)_dice.Between(7, 8);
        flow.Original = Tuples.Make(hosts[from], hosts[to], protocol, first, second);
        flow.Reply = Tuples.Mirror(in flow.Original);
        Put(ref flow, FlowFields.Original | FlowFields.Reply);
        if (!_dice.Chance(0.3)) return;
        flow.Zone = _dice.Pick<ushort>(0, 3);
        Put(ref flow, FlowFields.Zone);
    }

    private static void Swap(ref PackedFlow flow) => (flow.Original, flow.Reply) = (flow.Reply, flow.Original);

    private void DrawStatus(ref PackedFlow flow, bool isUpdate)
    {
        if (_dice.Chance(isUpdate ? 0.5 : 0.1)) return;
        flow.Status = FlowStatus.Confirmed;
        if (_dice.Chance(0.8)) flow.Status |= FlowStatus.SeenReply;
        if (_dice.Chance(0.7)) flow.Status |= FlowStatus.Assured;
        if (_dice.Chance(0.1)) flow.Status ^= Bit();
        Put(ref flow, FlowFields.Status);
    }

    private FlowStatus Bit() => _dice.Pick(
        FlowStatus.Expected, FlowStatus.Confirmed, FlowStatus.SourceNat, FlowStatus.SourceNatDone, FlowStatus.Dying,
        FlowStatus.FixedTimeout, FlowStatus.SequenceAdjust, FlowStatus.Helper);

    private void DrawState(ref PackedFlow flow)
    {
        if (flow.Original.Protocol == IpProtocol.Tcp && _dice.Chance(0.8)) DrawTcp(ref flow);
        if (flow.Original.Protocol != IpProtocol.Sctp || !_dice.Chance(0.9)) return;
        flow.SctpState = (byte)_dice.Between(1, 7);
        flow.SctpTagOriginal = (uint)_dice.Next();
        flow.SctpTagReply = (uint)_dice.Next();
        Put(ref flow, FlowFields.SctpState | FlowFields.SctpTagOriginal);
        if (_dice.Chance(0.95)) Put(ref flow, FlowFields.SctpTagReply);
    }

    private void DrawTcp(ref PackedFlow flow)
    {
        flow.TcpState = (byte)(_dice.Chance(0.03) ? 10 : _dice.Between(0, 9));
        Put(ref flow, FlowFields.TcpState);
        if (_dice.Chance(0.6))
        {
            flow.TcpFlagsOriginal = (byte)_dice.Below(256);
            flow.TcpFlagsOriginalMask = (byte)_dice.Below(256);
            flow.TcpFlagsReply = (byte)_dice.Below(256);
            flow.TcpFlagsReplyMask = (byte)_dice.Below(256);
            Put(ref flow, FlowFields.TcpFlagsOriginal | FlowFields.TcpFlagsReply);
        }

        if (!_dice.Chance(0.5)) return;
        flow.TcpWindowScaleOriginal = (byte)_dice.Below(15);
        flow.TcpWindowScaleReply = (byte)_dice.Below(15);
        Put(ref flow, FlowFields.TcpWindowScaleOriginal);
        if (_dice.Chance(0.8)) Put(ref flow, FlowFields.TcpWindowScaleReply);
    }

    private void DrawNumbers(ref PackedFlow flow, bool isUpdate)
    {
        if (_dice.Chance(0.4))
        {
            flow.Mark = (uint)_dice.Below(5);
            Put(ref flow, FlowFields.Mark);
            flow.MarkMask = _dice.Pick<uint>(0xff, 0x1, 0x6);
            if (isUpdate && _dice.Chance(0.3)) Put(ref flow, FlowFields.MarkMask);
        }

        if (_dice.Chance(0.3))
        {
            flow.Labels = new LabelBits(1UL << _dice.Below(64), _dice.Chance(0.5) ? 1UL << _dice.Below(64) : 0);
            flow.LabelsMask = flow.Labels;
            Put(ref flow, FlowFields.Labels);
            if (isUpdate && _dice.Chance(0.5)) Put(ref flow, FlowFields.LabelsMask);
        }

        if (_dice.Chance(0.08))
        {
            Names.Write(_dice.Chance(0.8) ? "ftp" : "nosuch", ref flow.Helper);
            Put(ref flow, FlowFields.Helper);
        }

        if (flow.Original.Protocol == IpProtocol.Tcp && _dice.Chance(0.15))
        {
            flow.SequenceOriginal = new((uint)_dice.Next(), _dice.Between(-9, 9), _dice.Between(-9, 9));
            flow.SequenceReply = new((uint)_dice.Next(), _dice.Between(-9, 9), _dice.Between(-9, 9));
            Put(ref flow, FlowFields.SequenceOriginal | FlowFields.SequenceReply);
        }

        if (!_dice.Chance(0.1)) return;
        flow.SynProxy = new((uint)_dice.Next(), (uint)_dice.Next(), (uint)_dice.Next());
        Put(ref flow, FlowFields.SynProxy);
    }

    // Always with a port, and each time another: else the kernel chooses, by mappings it already has.
    private void DrawNat(ref PackedFlow flow)
    {
        if (flow.Original.Protocol is not (IpProtocol.Tcp or IpProtocol.Udp or IpProtocol.Sctp)) return;
        string host = flow.Original.Family == AddressFamily.IPv4 ? "198.51.100.7" : "fd09::77";
        NatRange range = default;
        range.First = range.Last = Tuples.Parse(host, out _);
        range.FirstPort = range.LastPort = _nextPort++;
        bool isSource = _dice.Chance(0.6);
        if (isSource)
        {
            flow.SourceNat = range;
            Put(ref flow, FlowFields.SourceNat | FlowFields.SourceNatPort);
        }

        if (isSource && _dice.Chance(0.7)) return;
        flow.DestinationNat = range;
        Put(ref flow, FlowFields.DestinationNat | FlowFields.DestinationNatPort);
    }

    private void DrawMaster(ref PackedFlow flow)
    {
        PackedFlow other = default;
        DrawTuples(ref other);
        flow.Master = other.Original;
        Put(ref flow, FlowFields.Master);
    }

    private static void Put(ref PackedFlow flow, FlowFields fields) => flow.Fields |= fields;
}
