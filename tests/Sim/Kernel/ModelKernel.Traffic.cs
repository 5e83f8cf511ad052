using TwinTrack.Conntrack;
using TwinTrack.Replication;

namespace TwinTrack.Sim.Kernel;

/// <summary>How a flow begins.</summary>
internal readonly record struct FlowOpening
{
    public FlowTuple Original { get; init; }

    /// <summary>Differs from the mirrored original where addresses are translated.</summary>
    public FlowTuple Reply { get; init; }

    public ushort Zone { get; init; }

    public uint Mark { get; init; }

    public LabelBits Labels { get; init; }

    public string? Helper { get; init; }

    public ModelFlow? Master { get; init; }

    public byte Scale { get; init; }
}

/// <content>Traffic: what packets, timers and rules do to the table.</content>
internal sealed partial class ModelKernel
{
    /// <summary>The first packet of a flow left the machine.</summary>
    /// <returns>The flow, null when one with such a tuple exists or the table is full.</returns>
    public ModelFlow? Open(Instant now, in FlowOpening opening)
    {
        if (_places.Count >= options.Limit) return null;
        ModelFlow flow = Draft(opening.Original, opening.Reply, opening.Zone);
        flow.Status = FlowStatus.Confirmed | FlowStatus.SourceNatDone | FlowStatus.DestinationNatDone;
        if (opening.Reply.Destination != opening.Original.Source
            || opening.Reply.DestinationPort != opening.Original.SourcePort)
            flow.Status |= FlowStatus.SourceNat;
        if (opening.Reply.Source != opening.Original.Destination
            || opening.Reply.SourcePort != opening.Original.DestinationPort)
            flow.Status |= FlowStatus.DestinationNat;
        flow.Mark = opening.Mark;
        flow.Helper = opening.Helper;
        if (flow.HasLabelSpace) flow.Labels = opening.Labels;
        if (opening.Master is { } master)
        {
            flow.Master = master;
            flow.Status |= FlowStatus.Expected;
        }

        if (opening.Original.Protocol == IpProtocol.Tcp)
        {
            flow.State = (byte)TcpState.SynSent;
            flow.ScaleOriginal = opening.Scale;
            flow.FlagsOriginal = (byte)(TcpFlags.WindowScale | TcpFlags.SackPermitted);
        }
        else if (opening.Original.Protocol == IpProtocol.Sctp)
        {
            flow.State = (byte)SctpState.CookieWait;
            flow.TagOriginal = flow.Id;
        }

        flow.ExpiresAt = now.PlusSeconds(SecondsOf(flow));
        if (!Insert(flow)) return null;

        EventParts parts = EventParts.State | EventParts.Labels
            | (flow.Master is null ? EventParts.None : EventParts.Master);
        Tell(now, FlowChange.New, flow, parts, portId: 0);
        return flow;
    }

    /// <summary>Packets take the flow on: to the state, and to the timeout that goes with it.</summary>
    public void Advance(Instant now, ModelFlow flow, byte state, byte scaleReply = 0)
    {
        EventParts parts = flow.State == state ? EventParts.None : EventParts.State;
        FlowStatus before = flow.Status;
        flow.State = state;
        flow.Status |= FlowStatus.SeenReply;
        if (flow.Original.Protocol == IpProtocol.Tcp)
        {
            if (state == (byte)TcpState.SynReceived)
            {
                flow.ScaleReply = scaleReply;
                flow.FlagsReply = (byte)(TcpFlags.WindowScale | TcpFlags.SackPermitted | TcpFlags.MaxAckSet);
            }
            else if (state >= (byte)TcpState.Established)
            {
                flow.Status |= FlowStatus.Assured;
            }
        }
        else if (flow.Original.Protocol == IpProtocol.Sctp)
        {
            flow.TagReply = ~flow.Id;
            if (state == (byte)SctpState.Established) flow.Status |= FlowStatus.Assured;
        }

        SetExpiry(now, flow, SecondsOf(flow));
        if (parts != EventParts.None || flow.Status != before) Tell(now, FlowChange.Update, flow, parts, portId: 0);
    }

    /// <summary>A packet comes back, and after it more: flows of protocols without states.</summary>
    public void Answer(Instant now, ModelFlow flow)
    {
        FlowStatus before = flow.Status;
        flow.Status |= (flow.Status & FlowStatus.SeenReply) == 0 ? FlowStatus.SeenReply : FlowStatus.Assured;
        SetExpiry(now, flow, SecondsOf(flow));
        if (flow.Status != before) Tell(now, FlowChange.Update, flow, EventParts.None, portId: 0);
    }

    /// <summary>A packet refreshes the timeout, which nobody is told.</summary>
    public void Refresh(Instant now, ModelFlow flow) => SetExpiry(now, flow, SecondsOf(flow));

    /// <summary>A rule sets the mark.</summary>
    public void SetMark(Instant now, ModelFlow flow, uint mark)
    {
        if (flow.Mark == mark) return;
        flow.Mark = mark;
        Tell(now, FlowChange.Update, flow, EventParts.Mark, portId: 0);
    }

    /// <summary>A rule sets labels; that all were cleared is told by an event without labels.</summary>
    public void AddLabels(Instant now, ModelFlow flow, LabelBits labels)
    {
        LabelBits all = new(flow.Labels.First | labels.First, flow.Labels.Second | labels.Second);
        if (!flow.HasLabelSpace || all == flow.Labels) return;
        flow.Labels = all;
        Tell(now, FlowChange.Update, flow, EventParts.Labels, portId: 0);
    }

    /// <summary>A helper changes the length of a payload: sequence numbers are shifted from there on.</summary>
    public void ShiftSequence(Instant now, ModelFlow flow, uint position, int offset)
    {
        flow.SequenceOriginal = new(position, flow.SequenceOriginal.OffsetAfter, offset);
        flow.Status |= FlowStatus.SequenceAdjust;
        Tell(now, FlowChange.Update, flow, EventParts.Sequence, portId: 0);
    }

    /// <summary>Another program deletes the flow.</summary>
    public void Kill(Instant now, ModelFlow flow, uint portId) => Remove(now, flow, portId, isKilled: true);

    private int SecondsOf(ModelFlow flow)
    {
        bool replied = (flow.Status & FlowStatus.SeenReply) != 0;
        return flow.Original.Protocol switch
        {
            IpProtocol.Tcp => options.TcpSeconds[flow.State],
            IpProtocol.Sctp => options.SctpSeconds[flow.State],
            IpProtocol.Udp or IpProtocol.Gre => replied ? options.UdpSeconds.Replied : options.UdpSeconds.Unreplied,
            IpProtocol.Icmp or IpProtocol.IcmpV6 => options.IcmpSeconds,
            _ => options.GenericSeconds,
        };
    }
}
