using TwinTrack.Conntrack;

namespace TwinTrack.Helpers;

/// <summary>What stays the same from packet to packet of a helper.</summary>
/// <param name="Helper">The helper.</param>
/// <param name="LeastPort">The lowest port it opens.</param>
/// <param name="Stats">Its counters.</param>
/// <param name="Expect">Asks the kernel for an expectation.</param>
public sealed record HelperWork(Helper Helper, ushort LeastPort, HelperStats Stats, Expect Expect)
{
    /// <summary>The kernel's function that leads an expected flow from a known source (CTA_EXPECT_FN).</summary>
    public const string FollowMaster = "nat-follow-master";

    /// <summary>
    /// The kernel's function that leads an expected flow from anywhere and leaves its source alone;
    /// <see cref="FollowMaster"/> would put the control flow's destination in place of it.
    /// </summary>
    public string FromAnywhere { get; init; } = FollowMaster;

    /// <summary>Unfinished lines or messages of its flows.</summary>
    public StreamTails Tails { get; } = new(Helper.LongestTail);

    /// <summary>How much its senders announced lately.</summary>
    public AnnouncerLimit Limit { get; } = new();

    /// <summary>Changes of the packet at hand.</summary>
    public Rewriting Rewriting { get; } = new();
}

/// <summary>One packet of a control flow, as its helper sees it, and what the helper does with it.</summary>
/// <remarks>
/// Addresses are those of the flow's tuples: those in the packet's own header may be translated already.
/// </remarks>
public ref struct Inspection
{
    // Ports outside that are tried when the announced one is taken.
    private const int MostPorts = 256;

    private readonly HelperWork _work;
    private readonly ref readonly PackedFlow _flow;

    /// <summary>Makes a packet ready to be inspected.</summary>
    /// <param name="work">The helper and what it has at hand; changes of the packet before are forgotten.</param>
    /// <param name="flow">The packet's flow, with both tuples and its status.</param>
    public Inspection(HelperWork work, ref readonly PackedFlow flow)
    {
        _work = work;
        _flow = ref flow;
        work.Rewriting.Clear();
    }

    /// <summary>What TCP or UDP carries; never empty when a helper sees it.</summary>
    public ReadOnlySpan<byte> Payload { get; init; }

    /// <summary>Private data of the flow, zero at first; what is written comes back with its next packet.</summary>
    /// <remarks>At least as long as the helper asks for.</remarks>
    public Span<byte> Data { get; init; }

    /// <summary>TCP: sequence number of the payload's first byte, as its sender counts.</summary>
    public uint Sequence { get; init; }

    /// <summary>How the packet stands to its flow.</summary>
    public PacketFlowState State { get; init; }

    /// <summary>Destination in the packet's own header.</summary>
    public Address HeaderDestination { get; init; }

    /// <summary>The time in milliseconds, from any point on.</summary>
    public long Milliseconds { get; init; }

    /// <summary>Seconds the control flow shall live from now on; 0 leaves it to the kernel.</summary>
    public uint Timeout { get; set; }

    /// <summary>Expectations made so far.</summary>
    public int Made { get; private set; }

    /// <summary>The flow.</summary>
    public readonly ref readonly PackedFlow Flow => ref _flow;

    /// <summary>Whether the packet runs against the direction in which the flow was opened.</summary>
    public readonly bool IsReply => State >= PacketFlowState.EstablishedReply;

    /// <summary>Whether the packet belongs to an established flow in either direction.</summary>
    public readonly bool IsEstablished =>
        State is PacketFlowState.Established or PacketFlowState.EstablishedReply;

    /// <summary>The tuple of the packet's own direction: its source is the sender.</summary>
    public readonly ref readonly FlowTuple Own => ref IsReply ? ref _flow.Reply : ref _flow.Original;

    /// <summary>The tuple of the other direction: its destination is the sender as the other side knows it.</summary>
    public readonly ref readonly FlowTuple Other => ref IsReply ? ref _flow.Original : ref _flow.Reply;

    /// <summary>2 or 10.</summary>
    public readonly byte Family => _flow.Original.Family;

    /// <summary>Whether the flow's addresses or ports are translated.</summary>
    public readonly bool IsTranslated =>
        (_flow.Status & (FlowStatus.SourceNat | FlowStatus.DestinationNat)) != FlowStatus.None;

    /// <summary>Unfinished lines or messages.</summary>
    public readonly StreamTails Tails => _work.Tails;

    /// <summary>Changes of the payload so far.</summary>
    public readonly Rewriting Rewriting => _work.Rewriting;

    /// <summary>Counts an announcement that is not followed.</summary>
    public readonly void Refuse(HelperRefusal reason) => _work.Stats[reason]++;

    /// <summary>Announces a flow, after checking that its receiver may be opened.</summary>
    /// <param name="expected">The flow.</param>
    /// <returns>The port outside that was opened; 0 when the announcement is not followed, which is counted.</returns>
    public ushort Expect(in Expected expected)
    {
        if (expected.Port < _work.LeastPort || expected.Port == 0) return Refused(HelperRefusal.Port);
        if (!Guard.MayOpen(expected.Destination, Family)) return Refused(HelperRefusal.Address);
        if (!_work.Limit.TryTake(Own.Source, Milliseconds)) return Refused(HelperRefusal.Rate);

        PackedExpectation expectation = Describe(in expected);
        bool isFree = expected.IsTranslated && IsTranslated && expected.InnerPort == 0;
        int last = isFree ? Math.Min(expected.Port + MostPorts, ushort.MaxValue) : expected.Port;
        for (int port = expected.Port; port <= last; port++)
        {
            expectation.Tuple.DestinationPort = (ushort)port;
            ExpectResult result = _work.Expect(in expectation);
            if (result == ExpectResult.Refused) break;
            if (result != ExpectResult.Made) continue;

            Made++;
            _work.Stats.Expected++;
            return (ushort)port;
        }

        return Refused(HelperRefusal.Kernel);
    }

    /// <summary>Puts bytes in place of others in the payload. Only a translated flow may change.</summary>
    /// <param name="offset">Where they begin.</param>
    /// <param name="length">How many there are.</param>
    /// <param name="bytes">What comes in their place.</param>
    /// <returns>False when that cannot be done, which is counted.</returns>
    public readonly bool Replace(int offset, int length, ReadOnlySpan<byte> bytes)
    {
        if (IsTranslated && _work.Rewriting.TryReplace(offset, length, bytes)) return true;

        Refuse(HelperRefusal.Split);
        return false;
    }

    private readonly ushort Refused(HelperRefusal reason)
    {
        Refuse(reason);
        return 0;
    }

    private readonly PackedExpectation Describe(in Expected expected)
    {
        PackedExpectation expectation = default;
        expectation.Fields = ExpectationFields.Master | ExpectationFields.Tuple | ExpectationFields.Mask
            | ExpectationFields.Flags | ExpectationFields.Class;
        expectation.Master = _flow.Original;
        expectation.Tuple = TupleOf(in expected);
        expectation.Mask = MaskOf(in expected);
        expectation.Flags = expected.IsPermanent ? ExpectationFlags.Permanent : ExpectationFlags.None;
        if (_flow.Has(FlowFields.Zone))
        {
            expectation.Zone = _flow.Zone;
            expectation.Fields |= ExpectationFields.Zone;
        }

        if (expected.Helper is { } helper)
        {
            for (int i = 0; i < helper.Length; i++) expectation.Helper[i] = (byte)helper[i];
            expectation.Fields |= ExpectationFields.Helper;
        }

        if (!expected.IsTranslated || !IsTranslated) return expectation;

        // The kernel leads the flow to the other end of the master's translation, and to the port kept here.
        expectation.NatDirection = expected.IsReply ? 1u : 0u;
        expectation.NatTuple = TupleOf(in expected);
        expectation.NatTuple.Source = default;
        expectation.NatTuple.Destination = default;
        expectation.NatTuple.SourcePort = expected.InnerPort > 0 ? expected.InnerPort : expected.Port;
        expectation.NatTuple.DestinationPort = 0;
        string function = expected.Source is null ? _work.FromAnywhere : HelperWork.FollowMaster;
        for (int i = 0; i < function.Length; i++) expectation.Function[i] = (byte)function[i];
        expectation.Fields |=
            ExpectationFields.NatDirection | ExpectationFields.NatTuple | ExpectationFields.Function;
        return expectation;
    }

    private readonly FlowTuple TupleOf(in Expected expected) => new()
    {
        Family = Family,
        Protocol = expected.Protocol,
        Source = expected.Source ?? default,
        Destination = expected.Destination,
        SourcePort = expected.SourcePort,
        DestinationPort = expected.Port,
        Parts = TupleParts.Addresses | TupleParts.Protocol | TupleParts.Ports,
    };

    private readonly FlowTuple MaskOf(in Expected expected)
    {
        var all = new Address(ulong.MaxValue, ulong.MaxValue);
        if (Family == AddressFamily.IPv4) all = Address.FromIPv4(uint.MaxValue);
        return new FlowTuple
        {
            Family = Family,
            Protocol = expected.Protocol,
            Source = expected.Source is null ? default : all,
            Destination = all,
            SourcePort = expected.SourcePort == 0 ? (ushort)0 : ushort.MaxValue,
            DestinationPort = ushort.MaxValue,
            Parts = TupleParts.Addresses | TupleParts.Protocol | TupleParts.Ports,
        };
    }
}
