using TwinTrack.Conntrack;

namespace TwinTrack.Replication;

/// <summary>What a kernel event says of a flow.</summary>
public enum FlowChange : byte
{
    /// <summary>A flow entered the table (CT_NEW with CREATE or EXCL).</summary>
    New,

    /// <summary>A flow changed (CT_NEW without).</summary>
    Update,

    /// <summary>A flow left the table (CT_DELETE).</summary>
    Destroy,
}

/// <summary>Who caused a kernel event, by the port id of the socket that asked for the change.</summary>
public enum EventOrigin : byte
{
    /// <summary>Traffic, a timer, or another program.</summary>
    Other,

    /// <summary>Our commit.</summary>
    Commit,

    /// <summary>Our flush of the kernel table.</summary>
    Flush,

    /// <summary>Our injection (external cache disabled).</summary>
    Inject,
}

/// <summary>Steps of a kernel dump that is merged into the internal cache.</summary>
public enum SnapshotStep : byte
{
    /// <summary>The dump starts: everything cached is unconfirmed.</summary>
    Begin,

    /// <summary>One entry of the dump.</summary>
    Entry,

    /// <summary>The dump is complete.</summary>
    End,

    /// <summary>The dump failed: nothing may be concluded from what was not seen.</summary>
    Abort,
}

/// <summary>Why a dump was asked for; decides what happens with differences.</summary>
public enum SnapshotPurpose : byte
{
    /// <summary>At start: fill the internal cache, send nothing.</summary>
    Start,

    /// <summary>Operator's resync (-R): add and update, send nothing, remove nothing.</summary>
    Resync,

    /// <summary>After lost events: add, update, remove, and send the differences.</summary>
    Repair,

    /// <summary>
    /// Instead of events (PollSecs, and flows that the kernel tells nothing of): the same, without a word about it.
    /// </summary>
    Poll,

    /// <summary>Without internal cache: send every entry.</summary>
    Bulk,
}

/// <summary>A dedicated link, by its place in the configuration.</summary>
public readonly record struct LinkId(int Index);

/// <summary>A peer, by where its datagrams come from.</summary>
/// <param name="Address">The address names the peer.</param>
/// <param name="Port">
/// The port tells its runs apart: a process that was started anew sends from another one. 0 where it tells nothing.
/// </param>
public readonly record struct PeerId(Address Address, ushort Port = 0);

/// <summary>What an operator can ask for; the meaning of each is that of conntrackd's option.</summary>
public enum SyncCommand : byte
{
    /// <summary>-c: external caches into the kernel.</summary>
    Commit,

    /// <summary>-c ct.</summary>
    CommitFlows,

    /// <summary>-c expect.</summary>
    CommitExpectations,

    /// <summary>-f: empty all caches.</summary>
    FlushCaches,

    /// <summary>-f internal.</summary>
    FlushInternalCache,

    /// <summary>-f external.</summary>
    FlushExternalCache,

    /// <summary>-F: empty the kernel's tables (flows that pass the filter; all expectations).</summary>
    FlushKernel,

    /// <summary>-F ct.</summary>
    FlushKernelFlows,

    /// <summary>-F expect.</summary>
    FlushKernelExpectations,

    /// <summary>-R: merge the kernel's tables into the internal caches.</summary>
    ResyncKernel,

    /// <summary>-R ct.</summary>
    ResyncKernelFlows,

    /// <summary>-R expect.</summary>
    ResyncKernelExpectations,

    /// <summary>-B: send the internal cache to the peers.</summary>
    SendBulk,

    /// <summary>-n: ask the peers for theirs.</summary>
    RequestResync,

    /// <summary>-t: empty the kernel's table after the purge timeout.</summary>
    Purge,
}

/// <summary>How the engine took a command.</summary>
public enum SyncReply : byte
{
    /// <summary>Done.</summary>
    Done,

    /// <summary>Under way; a notice with the ticket of the command tells the end.</summary>
    Pending,

    /// <summary>Refused: a commit is running.</summary>
    Refused,
}
