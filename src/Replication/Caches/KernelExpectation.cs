using TwinTrack.Conntrack;

namespace TwinTrack.Replication.Caches;

/// <summary>Turns what a peer told of an expectation into what the kernel needs to create it.</summary>
internal static class KernelExpectation
{
    private const uint UnknownTimeoutSeconds = 60;

    private static ReadOnlySpan<byte> Sip => "sip"u8;

    /// <summary>Completes an external entry in place: ports, addresses of its translation, life left.</summary>
    /// <param name="expectation">The entry as it was received.</param>
    /// <param name="options">The configuration.</param>
    /// <param name="idleSeconds">Seconds since the peer last spoke of it.</param>
    public static void Complete(ref PackedExpectation expectation, SyncOptions options, uint idleSeconds)
    {
        AddPorts(ref expectation.Tuple);
        AddPorts(ref expectation.Mask);
        AddPorts(ref expectation.Master);
        if (expectation.Has(ExpectationFields.NatTuple)) CompleteNat(ref expectation);
        if (!NamesHelper(in expectation)) expectation.Fields &= ~ExpectationFields.Helper;
        SetTimeout(ref expectation, options, idleSeconds);
    }

    // The kernel tells the helper of the master; in a request the name means the helper of the flow that is expected.
    // Of the helpers that it can be found for, only SIP's signalling has one; and only with a name the class is taken.
    private static bool NamesHelper(in PackedExpectation expectation)
    {
        ReadOnlySpan<byte> helper = expectation.Helper;
        return (expectation.Has(ExpectationFields.Class) && expectation.Class != 0) || helper.StartsWith(Sip);
    }

    // The address is missing where an original told of a translation over IPv6. Most helpers leave it zero anyway:
    // the expected flow is translated like its master.
    private static void CompleteNat(ref PackedExpectation expectation)
    {
        ref FlowTuple nat = ref expectation.NatTuple;
        if (!nat.Has(TupleParts.Addresses))
        {
            nat.Source = nat.Destination = default;
            nat.Family = expectation.Tuple.Family;
        }

        if (!nat.Has(TupleParts.Protocol)) nat.Protocol = expectation.Tuple.Protocol;
        nat.Parts |= TupleParts.Addresses | TupleParts.Protocol;
        AddPorts(ref nat);
        if (expectation.Has(ExpectationFields.NatDirection)) return;
        expectation.NatDirection = 0;
        expectation.Fields |= ExpectationFields.NatDirection;
    }

    private static void SetTimeout(ref PackedExpectation expectation, SyncOptions options, uint idleSeconds)
    {
        uint received = expectation.Has(ExpectationFields.Timeout) ? expectation.Timeout : 0;
        if (options.CommitTimeoutSeconds is { } fixedSeconds) expectation.Timeout = fixedSeconds;
        else expectation.Timeout = received > idleSeconds ? received - idleSeconds : UnknownTimeoutSeconds;
        expectation.Fields |= ExpectationFields.Timeout;
    }

    // A tracker of these protocols refuses a tuple without ports.
    private static void AddPorts(ref FlowTuple tuple)
    {
        if (!KernelFlow.HasPorts(tuple.Protocol)) return;
        if (!tuple.Has(TupleParts.SourcePort)) tuple.SourcePort = 0;
        if (!tuple.Has(TupleParts.DestinationPort)) tuple.DestinationPort = 0;
        tuple.Parts |= TupleParts.Ports;
    }
}
