using TwinTrack.Conntrack;
using TwinTrack.Replication.Store;

namespace TwinTrack.Replication;

/// <content>What the kernel tells: events, dumps, overruns.</content>
public sealed partial class SyncEngine
{
    /// <summary>A kernel event.</summary>
    public void OnFlow(Instant now, FlowChange change, EventOrigin origin, in PackedFlow flow)
    {
        if (origin == EventOrigin.Inject) return;
        if (!IsWanted(in flow, change == FlowChange.Destroy)) return;

        uint handle = _internal.Apply(change, in flow, now.Seconds);
        if (handle == 0)
        {
            ReportFull();
            return;
        }

        if (change == FlowChange.Destroy) _stats.AddTraffic(in flow);
        Announce(handle, isSilent: origin is EventOrigin.Commit or EventOrigin.Flush);
    }

    /// <summary>A step of a kernel dump; the flow is read only for <see cref="SnapshotStep.Entry"/>.</summary>
    public void OnSnapshot(Instant now, SnapshotPurpose purpose, SnapshotStep step, in PackedFlow flow)
    {
        switch (step)
        {
            case SnapshotStep.Begin:
                _repair.BeginDump();
                break;
            case SnapshotStep.Entry:
                Merge(now, purpose, in flow);
                break;
            default:
                if (!_repair.EndDump(purpose, isComplete: step == SnapshotStep.End)) EndDump(purpose);
                if (step == SnapshotStep.Abort && purpose == SnapshotPurpose.Repair) OnOverrun(now);
                break;
        }
    }

    /// <summary>The kernel dropped events (ENOBUFS): repair once they have stopped coming too fast.</summary>
    public void OnOverrun(Instant now)
    {
        if (Options.OverrunResyncSeconds is { } seconds) _repairAt = now.PlusSeconds(seconds);
    }

    private bool IsWanted(in PackedFlow flow, bool isDestroy)
    {
        bool isComplete = flow.Original.Has(TupleParts.Addresses | TupleParts.Protocol)
            && flow.Reply.Has(TupleParts.Source);
        if (isComplete && Options.Filter.Accepts(in flow, isDestroy)) return true;
        _stats.Value.EventsFiltered++;
        return false;
    }

    // What we did to the kernel ourselves is not news for the peers; a deletion of that kind leaves no trace.
    private void Announce(uint handle, bool isSilent)
    {
        if (!isSilent)
        {
            _mode.Enqueue(handle);
        }
        else if (_internalSlabs.Header(handle).State == EntryState.Dead)
        {
            _mode.Forget(handle);
            _internal.Release(handle);
        }
    }

    private void Merge(Instant now, SnapshotPurpose purpose, in PackedFlow flow)
    {
        if (!IsWanted(in flow, isDestroy: false)) return;

        uint handle = _internal.Merge(in flow, now.Seconds, out bool differs);
        if (handle == 0)
        {
            ReportFull();
        }
        else if (differs && purpose == SnapshotPurpose.Repair)
        {
            _repair.OnDifference(handle);
        }
    }

    private void EndDump(SnapshotPurpose purpose)
    {
        int ticket = _kernel.EndDump();
        if (purpose == SnapshotPurpose.Repair) _notices.Add(SyncNoticeKind.RepairDone, _repair.Differences);
        else if (purpose == SnapshotPurpose.Resync) _notices.Add(SyncNoticeKind.KernelResyncDone, ticket: ticket);
    }

    private void ReportFull()
    {
        if (_internal.TakeFullReport()) _notices.Add(SyncNoticeKind.InternalCacheFull, Options.CacheLimit);
    }
}
