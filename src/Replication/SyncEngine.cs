using TwinTrack.Conntrack;

namespace TwinTrack.Replication;

/// <summary>
/// The replication engine of one firewall: kernel events, peer datagrams, commands and clock readings go in;
/// datagrams, kernel requests, notices and a deadline come out.
/// </summary>
/// <remarks>
/// It does no I/O and never blocks. Call one input, then drain the outputs (<see cref="PollTransmit"/>,
/// <see cref="PollKernel"/>, <see cref="PollNotice"/>) until they have nothing more, then sleep until
/// <see cref="NextDeadline"/> or the next input. A full socket is answered by not polling.
/// </remarks>
public sealed class SyncEngine : IDisposable
{
    private SyncStats _stats;

    /// <summary>Makes an engine with empty caches.</summary>
    /// <param name="options">The configuration.</param>
    /// <param name="first">The first sequence number; the shell passes the UNIX time in seconds.</param>
    /// <param name="now">The clock.</param>
    public SyncEngine(SyncOptions options, Seq first, Instant now)
    {
        Options = options;
        _ = first;
        NextDeadline = now.PlusSeconds(1);
    }

    /// <summary>The configuration.</summary>
    public SyncOptions Options { get; }

    /// <summary>When <see cref="OnDeadline"/> wants to be called.</summary>
    public Instant NextDeadline { get; private set; }

    /// <summary>Counters.</summary>
    public ref readonly SyncStats Stats => ref _stats;

    /// <summary>A kernel event.</summary>
    public void OnFlow(Instant now, FlowChange change, EventOrigin origin, in PackedFlow flow) =>
        throw new NotSupportedException();

    /// <summary>A step of a kernel dump; the flow is read only for <see cref="SnapshotStep.Entry"/>.</summary>
    public void OnSnapshot(Instant now, SnapshotPurpose purpose, SnapshotStep step, in PackedFlow flow) =>
        throw new NotSupportedException();

    /// <summary>The kernel dropped events (ENOBUFS).</summary>
    public void OnOverrun(Instant now) => throw new NotSupportedException();

    /// <summary>A datagram of a peer.</summary>
    public void OnPeer(Instant now, LinkId link, PeerId from, ReadOnlySpan<byte> datagram) =>
        throw new NotSupportedException();

    /// <summary>A command of an operator; the ticket comes back in the notice that tells the end.</summary>
    public SyncReply OnCommand(Instant now, SyncCommand command, int ticket) => throw new NotSupportedException();

    /// <summary>The kernel's answer to a request of <see cref="PollKernel"/>: 0 or a positive errno.</summary>
    /// <remarks>Answers come in the order of the requests of one origin.</remarks>
    public void OnKernelAnswer(Instant now, uint token, int errno) => throw new NotSupportedException();

    /// <summary>The deadline has passed.</summary>
    public void OnDeadline(Instant now) => throw new NotSupportedException();

    /// <summary>Fills one datagram, whose length is the capacity of the link (MTU less headers).</summary>
    /// <returns>The bytes written; 0 when there is nothing to say.</returns>
    public int PollTransmit(Instant now, Span<byte> packet) => throw new NotSupportedException();

    /// <summary>The next request to the kernel. Do not poll while too many are unanswered.</summary>
    public bool PollKernel(ref KernelRequest request) => throw new NotSupportedException();

    /// <summary>The next notice.</summary>
    public bool PollNotice(ref SyncNotice notice) => throw new NotSupportedException();

    /// <summary>Reads a cache in slices: entries that stay all the time come exactly once.</summary>
    /// <param name="cache">Which one.</param>
    /// <param name="cursor">0 at first; keep it between calls, also when inputs came between.</param>
    /// <param name="now">The clock.</param>
    /// <param name="flow">The entry. External entries have no reply tuple.</param>
    /// <param name="times">Its times.</param>
    /// <returns>False at the end.</returns>
    public bool ReadNext(CacheKind cache, ref ulong cursor, Instant now, ref PackedFlow flow, out EntryTimes times) =>
        throw new NotSupportedException();

    /// <summary>Lists the resend queue, oldest first.</summary>
    public IReadOnlyList<ResendQueueElement> ReadResendQueue() => throw new NotSupportedException();

    /// <summary>Gives the native memory back.</summary>
    public void Dispose() => _stats = default;
}

/// <summary>An element that waits for an acknowledgement.</summary>
/// <param name="Sequence">The number it was sent under.</param>
/// <param name="IsControl">A control message rather than a flow.</param>
/// <param name="Flags">The flags of a control message.</param>
public readonly record struct ResendQueueElement(Seq Sequence, bool IsControl, byte Flags);
