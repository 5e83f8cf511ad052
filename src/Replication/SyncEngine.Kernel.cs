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
        if (!IsWanted(in flow, change == FlowChange.Destroy))
        {
            _stats.Value.EventsFiltered++;
            return;
        }

        if (_bypass is not null)
        {
            if (origin == EventOrigin.Other) _bypass.OnEvent(change, in flow, now.Seconds);
            return;
        }

        uint handle = _internal.Apply(change, in flow, now.Seconds);
        if (handle == 0)
        {
            ReportFull();
            return;
        }

        if (change == FlowChange.Destroy)
        {
            _stats.AddTraffic(in flow);
            _statistics?.OnEnd(in flow);
        }

        else if (TellsAdjustmentOnly(handle, in flow))
        {
            _sequences.Add(handle, now);
        }

        if (origin is EventOrigin.Commit or EventOrigin.Flush) KeepSilent(handle);
        else if (change == FlowChange.New) _announcer.OnBegin(now, handle);
        else _announcer.OnChange(now, handle);
    }

    // Those of SYNPROXY come with an event and never change; those of a helper come with none.
    private bool TellsAdjustmentOnly(uint handle, in PackedFlow flow) =>
        (flow.Status & FlowStatus.SequenceAdjust) != 0 && !flow.Has(FlowFields.SequenceOriginal)
        && (_internalStore[handle].Helper != 0
            || (_internalStore[handle].Fields & FlowFields.SequenceOriginal) == 0);

    /// <summary>A step of a kernel dump; the flow is read only for <see cref="SnapshotStep.Entry"/>.</summary>
    public void OnSnapshot(Instant now, SnapshotPurpose purpose, SnapshotStep step, in PackedFlow flow)
    {
        if (_bypass is not null)
        {
            OnTable(now, purpose, step, in flow);
            return;
        }

        switch (step)
        {
            case SnapshotStep.Begin:
                _repair.BeginDump();
                break;
            case SnapshotStep.Entry:
                Merge(now, purpose, in flow);
                break;
            default:
                // What a failed dump did not repair is as lost as before.
                if (step == SnapshotStep.Abort && purpose != SnapshotPurpose.Resync) OnOverrun(now);
                if (!_repair.EndDump(purpose, isComplete: step == SnapshotStep.End)) EndDump(now, purpose);
                break;
        }
    }

    /// <summary>
    /// Whether a dump may be read on; without internal cache its entries wait for the link.
    /// </summary>
    public bool HasRoomForSnapshot => _bypass is not { HasRoomForDump: false };

    /// <summary>
    /// The kernel dropped events (ENOBUFS). To be called when everything that was received before the loss has been
    /// handed in: the dump that repairs is newer than that, and would lose against it.
    /// </summary>
    public void OnOverrun(Instant now) => _repairSchedule.OnLoss(now);

    /// <summary>
    /// The kernel was told to leave out events for a while, and is not any more: the table is compared, and what
    /// differs is sent.
    /// </summary>
    public void OnEventsLeftOut(Instant now) => _repairSchedule.OnLeftOut(now);

    // Without internal cache: the table goes to the peers entry by entry, if it is read for them.
    private void OnTable(Instant now, SnapshotPurpose purpose, SnapshotStep step, in PackedFlow flow)
    {
        switch (step)
        {
            case SnapshotStep.Begin when purpose != SnapshotPurpose.Start:
                _bypass!.BeginDump();
                break;
            case SnapshotStep.Entry:
                if (IsWanted(in flow, isDestroy: false)) _bypass!.OnDumped(in flow);
                break;
            case SnapshotStep.End or SnapshotStep.Abort:
                _bypass!.EndDump();
                if (step == SnapshotStep.Abort) OnOverrun(now);
                EndDump(now, purpose);
                break;
        }
    }

    private bool IsWanted(in PackedFlow flow, bool isDestroy) =>
        flow.Original.Has(TupleParts.Addresses | TupleParts.Protocol) && flow.Reply.Has(TupleParts.Source)
        && Options.Filter.Accepts(in flow, isDestroy);

    private void StartRepair(Instant now, SnapshotPurpose purpose)
    {
        if (purpose == SnapshotPurpose.Repair)
        {
            _stats.Value.KernelResyncs++;
            _notices.Add(SyncNoticeKind.RepairStarted);
        }

        if (AddDumps(purpose, ticket: 0)) return;
        _repairSchedule.OnEnd(now, purpose, _internal.Unheard, endedInSilence: false);
        OnOverrun(now);
    }

    // What we did to the kernel ourselves is not news for the peers; a deletion of that kind leaves no trace.
    private void KeepSilent(uint handle)
    {
        if (_internalSlabs.Header(handle).State != EntryState.Dead) return;
        _expectations.OnFlushed(handle);
        AnnounceGone(isSilent: true);
        _announcer.Forget(handle);
        _internal.Release(handle);
    }

    private void Merge(Instant now, SnapshotPurpose purpose, in PackedFlow flow)
    {
        if (!IsWanted(in flow, isDestroy: false))
        {
            // A flow that was let in with another state is still there; one that the filter of before let in shall go.
            if (IsWanted(in flow, isDestroy: true)) _internal.Confirm(in flow);
            return;
        }

        uint handle = _internal.Merge(in flow, now.Seconds, out bool differs);
        if (handle == 0)
        {
            ReportFull();
        }
        else if (differs && purpose is (SnapshotPurpose.Repair or SnapshotPurpose.Poll))
        {
            _repair.OnDifference(handle);
        }
    }

    private void EndDump(Instant now, SnapshotPurpose purpose)
    {
        int ticket = _kernel.EndDump();
        _repairSchedule.OnEnd(now, purpose, _internal.Unheard, _internal.TakeEndedInSilence());
        if (purpose == SnapshotPurpose.Repair) _notices.Add(SyncNoticeKind.RepairDone, _repair.Differences);
        else if (purpose == SnapshotPurpose.Poll) _notices.Add(SyncNoticeKind.PollDone, _repair.Differences);
        else if (purpose == SnapshotPurpose.Resync) _notices.Add(SyncNoticeKind.KernelResyncDone, ticket: ticket);
    }

    private void ReportFull()
    {
        if (_internal.TakeFullReport()) _notices.Add(SyncNoticeKind.InternalCacheFull, Options.CacheLimit);
    }
}
