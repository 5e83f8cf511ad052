using TwinTrack.Conntrack;

namespace TwinTrack.Replication;

/// <summary>What the engine asks of the kernel.</summary>
public enum KernelRequestKind : byte
{
    /// <summary>Dump the flow table; its entries come back through <see cref="SyncEngine.OnSnapshot"/>.</summary>
    Dump,

    /// <summary>Create exclusively (NLM_F_CREATE and NLM_F_EXCL); answered by OnKernelAnswer.</summary>
    Create,

    /// <summary>Change the flow with this original tuple and zone; answered by OnKernelAnswer.</summary>
    Update,

    /// <summary>Delete the flow with this original tuple and zone; answered by OnKernelAnswer.</summary>
    Delete,

    /// <summary>Delete every flow that passes the filter; answered once by OnKernelAnswer.</summary>
    Flush,

    /// <summary>
    /// Read the flow with this original tuple and zone; if it is there it comes back as an update, else nothing does.
    /// </summary>
    Get,

    /// <summary>
    /// Dump the expectations; they come back through <see cref="SyncEngine.OnExpectationSnapshot"/>.
    /// </summary>
    DumpExpectations,

    /// <summary>Create an expectation exclusively; answered by OnKernelAnswer.</summary>
    CreateExpectation,

    /// <summary>Delete the expectation with this tuple and zone; answered by OnKernelAnswer.</summary>
    DeleteExpectation,

    /// <summary>Delete all expectations; answered once by OnKernelAnswer.</summary>
    FlushExpectations,
}

/// <summary>One request to the kernel. Reused: the flow is valid until the next poll.</summary>
public struct KernelRequest
{
    /// <summary>What to do.</summary>
    public KernelRequestKind Kind;

    /// <summary>Whom the events of this request are attributed to.</summary>
    public EventOrigin Origin;

    /// <summary>Why, for dumps.</summary>
    public SnapshotPurpose Purpose;

    /// <summary>Names the request in OnKernelAnswer.</summary>
    public uint Token;

    /// <summary>The flow, complete for the request, for Create, Update and Delete.</summary>
    public PackedFlow Flow;

    /// <summary>The expectation, complete for the request, for CreateExpectation and DeleteExpectation.</summary>
    public PackedExpectation Expectation;
}

/// <summary>
/// Something an operator should read; the shell turns it into log lines and releases waiting clients.
/// </summary>
public enum SyncNoticeKind : byte
{
    /// <summary>-c started ("committing all external caches", "committing conntrack cache", ...).</summary>
    CommitStarted,

    /// <summary>-c refused because one runs.</summary>
    CommitBusy,

    /// <summary>One flow could not be created: Value is the errno, Flow the external entry.</summary>
    CommitCreateFailed,

    /// <summary>One flow in the way could not be deleted: Value is the errno, Flow the external entry.</summary>
    CommitDeleteFailed,

    /// <summary>
    /// -c ended: Value committed, Value2 failed, Value3 left out because their time is over, Microseconds taken.
    /// Ticket names the command.
    /// </summary>
    CommitDone,

    /// <summary>One expectation could not be created: Value is the errno, Expectation the external entry.</summary>
    ExpectationCommitCreateFailed,

    /// <summary>
    /// One expectation in the way could not be deleted: Value is the errno, Expectation the external entry.
    /// </summary>
    ExpectationCommitDeleteFailed,

    /// <summary>
    /// The expectations of -c are in the kernel: Value committed, Value2 failed, Microseconds taken. Ticket names the
    /// command.
    /// </summary>
    ExpectationCommitDone,

    /// <summary>-f ("flushing caches").</summary>
    FlushingCaches,

    /// <summary>-f internal.</summary>
    FlushingInternal,

    /// <summary>-f external.</summary>
    FlushingExternal,

    /// <summary>A flush of caches was refused because a commit runs.</summary>
    FlushRefused,

    /// <summary>-F ("flushing kernel conntrack table").</summary>
    FlushingKernel,

    /// <summary>-F ("flushing kernel expect table").</summary>
    FlushingKernelExpectations,

    /// <summary>The purge timer ran out ("... (scheduled)").</summary>
    PurgingKernel,

    /// <summary>-F or the purge ended: Value is an errno. Ticket names the command.</summary>
    KernelFlushDone,

    /// <summary>-t: Value is the delay in seconds.</summary>
    PurgeScheduled,

    /// <summary>-R started.</summary>
    ResyncingKernel,

    /// <summary>-R of expectations started.</summary>
    ResyncingKernelExpectations,

    /// <summary>-R ended. Ticket names the command.</summary>
    KernelResyncDone,

    /// <summary>-B, or the peer asked ("sending bulk update").</summary>
    SendingBulk,

    /// <summary>-n or StartupResync ("resync requested").</summary>
    ResyncRequested,

    /// <summary>The peer asked for everything ("resync requested by other node").</summary>
    ResyncRequestedByPeer,

    /// <summary>The internal cache is full; said once until there is room again. Value is the limit.</summary>
    InternalCacheFull,

    /// <summary>The external cache is full; said once until there is room again. Value is the limit.</summary>
    ExternalCacheFull,

    /// <summary>The internal cache of expectations is full; said once. Value is the limit.</summary>
    InternalExpectationsFull,

    /// <summary>The external cache of expectations is full; said once. Value is the limit.</summary>
    ExternalExpectationsFull,

    /// <summary>The resend queue gave up its oldest element; said once until it is empty. Value is the limit.</summary>
    ResendQueueFull,

    /// <summary>The repair after lost events starts.</summary>
    RepairStarted,

    /// <summary>The repair ended: Value differences sent.</summary>
    RepairDone,

    /// <summary>A peer asks for everything again and again and is answered seldom. Once an episode.</summary>
    ResyncFlood,

    /// <summary>A peer says again and again that it has started, and is believed seldom. Once an episode.</summary>
    HelloFlood,

    /// <summary>The numbers of a peer jump so far that it is not believed at first. Once an episode.</summary>
    NumbersJump,

    /// <summary>-R is refused: there is no internal cache.</summary>
    ResyncUnsupported,

    /// <summary>Without internal cache, messages were dropped because the link takes too little.</summary>
    BypassFull,

    /// <summary>
    /// Without external cache, a flow could not be brought into the kernel: Value is the errno, Flow what the peer
    /// told, Value2 how many such failures there were since the last notice. At most one a minute.
    /// </summary>
    InjectFailed,

    /// <summary>A regular comparison with the kernel's table ended: Value differences sent. Not for the log.</summary>
    PollDone,
}

/// <summary>
/// One notice. <see cref="Flow"/> and <see cref="Expectation"/> are filled only for the kinds that say so.
/// </summary>
public struct SyncNotice
{
    /// <summary>What happened.</summary>
    public SyncNoticeKind Kind;

    /// <summary>The ticket of the command that caused it, 0 for none.</summary>
    public int Ticket;

    /// <summary>See the kind.</summary>
    public long Value;

    /// <summary>See the kind.</summary>
    public long Value2;

    /// <summary>See the kind.</summary>
    public long Value3;

    /// <summary>See the kind.</summary>
    public long Microseconds;

    /// <summary>See the kind.</summary>
    public PackedFlow Flow;

    /// <summary>See the kind.</summary>
    public PackedExpectation Expectation;
}

/// <summary>Which cache of the engine.</summary>
public enum CacheKind : byte
{
    /// <summary>What this firewall's kernel holds.</summary>
    Internal,

    /// <summary>What the peers told us.</summary>
    External,
}

/// <summary>Times of a cached entry.</summary>
/// <param name="AgeSeconds">Seconds since it was added to this cache.</param>
/// <param name="IdleSeconds">Seconds since the last message or event about it.</param>
public readonly record struct EntryTimes(uint AgeSeconds, uint IdleSeconds);

/// <summary>Counters of one cache, in the order of conntrackd's statistics.</summary>
public struct CacheStats
{
    /// <summary>Living entries.</summary>
    public uint Active;

    /// <summary>Allocated entries, dead ones that await an acknowledgement included.</summary>
    public uint Objects;

    /// <summary>Entries that can be found.</summary>
    public uint Total;

    /// <summary>Entries added.</summary>
    public uint Created;

    /// <summary>Refused: the limit was reached.</summary>
    public uint CreateFailed;

    /// <summary>Updates of existing entries.</summary>
    public uint Updated;

    /// <summary>Entries removed for any reason.</summary>
    public uint Destroyed;
}

/// <summary>Events sent on without internal cache.</summary>
public record struct BypassStats(uint New, uint Updated, uint Destroyed);

/// <summary>Kernel operations made for a peer without external cache.</summary>
public record struct InjectStats(
    uint Created, uint CreateFailed, uint Updated, uint UpdateFailed, uint Destroyed, uint DestroyFailed);

/// <summary>Counters of the engine. All count from the start and are never reset.</summary>
public struct SyncStats
{
    /// <summary>The internal cache.</summary>
    public CacheStats Internal;

    /// <summary>The external cache.</summary>
    public CacheStats External;

    /// <summary>In place of the internal cache when it is disabled.</summary>
    public BypassStats Bypass;

    /// <summary>In place of the external cache when it is disabled.</summary>
    public InjectStats Inject;

    /// <summary>The internal cache of expectations.</summary>
    public CacheStats InternalExpectations;

    /// <summary>The external cache of expectations.</summary>
    public CacheStats ExternalExpectations;

    /// <summary>In place of the external cache of expectations when it is disabled.</summary>
    public InjectStats ExpectationInject;

    /// <summary>Sum of bytes of destroyed flows that were cached, both directions.</summary>
    public ulong TrafficBytes;

    /// <summary>Sum of packets of destroyed flows that were cached, both directions.</summary>
    public ulong TrafficPackets;

    /// <summary>Messages of a wrong version.</summary>
    public uint WrongVersion;

    /// <summary>Messages whose header the mode refuses.</summary>
    public uint MalformedHeader;

    /// <summary>Messages whose attributes cannot be read.</summary>
    public uint MalformedPayload;

    /// <summary>Messages of an unknown type.</summary>
    public uint BadType;

    /// <summary>Datagrams that end inside a header.</summary>
    public uint Truncated;

    /// <summary>Messages with an impossible length.</summary>
    public uint BadSize;

    /// <summary>Messages of a peer that did not arrive, by gaps in its sequence numbers.</summary>
    public ulong Lost;

    /// <summary>Messages of a peer that came late or twice.</summary>
    public ulong Before;

    /// <summary>Events that the filter dropped.</summary>
    public ulong EventsFiltered;

    /// <summary>Elements in the transmit queue.</summary>
    public uint TransmitQueue;

    /// <summary>Elements in the resend queue.</summary>
    public uint ResendQueue;

    /// <summary>Elements the resend queue gave up because it was full.</summary>
    public uint ResendQueueOverflows;

    /// <summary>Control messages allocated.</summary>
    public uint ControlElements;

    /// <summary>Flows that wait for the announce delay to pass.</summary>
    public uint Unannounced;

    /// <summary>Messages sent, control messages included.</summary>
    public ulong MessagesSent;

    /// <summary>FT-FW: flow messages sent in the dense form that two of ours agree on.</summary>
    public ulong DenseSent;

    /// <summary>Messages accepted, control messages included.</summary>
    public ulong MessagesAccepted;

    /// <summary>Requests for everything that were answered later, together, because there were too many.</summary>
    public ulong ResyncsDeferred;

    /// <summary>FT-FW: messages ignored because their peer said too often that it has started.</summary>
    public ulong HellosRefused;

    /// <summary>
    /// FT-FW with several peers: times that one was not waited for any more, because it acknowledged nothing for long.
    /// </summary>
    public ulong PeersGivenUp;

    /// <summary>FT-FW: messages ignored because their numbers jump too far.</summary>
    public ulong JumpsRefused;

    /// <summary>Flushes of the kernel table.</summary>
    public uint KernelFlushes;

    /// <summary>Merges of the kernel table.</summary>
    public uint KernelResyncs;

    /// <summary>Sum of the six classes of malformed input.</summary>
    public readonly ulong Malformed =>
        (ulong)WrongVersion + MalformedHeader + MalformedPayload + BadType + Truncated + BadSize;
}

/// <summary>An element that waits for an acknowledgement.</summary>
/// <param name="Sequence">The number it was sent under.</param>
/// <param name="IsControl">A control message rather than a flow.</param>
/// <param name="Flags">The flags of a control message.</param>
public readonly record struct ResendQueueElement(Seq Sequence, bool IsControl, byte Flags);
