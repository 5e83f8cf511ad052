using TwinTrack.Conntrack;
using TwinTrack.Replication.Caches;
using TwinTrack.Replication.Store;
using TwinTrack.Replication.Wire;

namespace TwinTrack.Replication;

/// <content>Expectations: they take the same doors as flows.</content>
public sealed partial class SyncEngine
{
    private readonly Expectations _expectations;
    private PackedExpectation _receivedExpectation;
    private readonly ExpectationInject? _expectationInject;
    private bool _isExpectationCommitNext;

    /// <summary>A kernel event about an expectation.</summary>
    public void OnExpectation(Instant now, FlowChange change, EventOrigin origin, in PackedExpectation expectation)
    {
        if (origin == EventOrigin.Inject || !_expectations.AreOn) return;
        if (!_expectations.IsWanted(in expectation, change == FlowChange.Destroy))
        {
            _stats.Value.EventsFiltered++;
            return;
        }

        uint handle = _expectations.Internal.Apply(change, in _expectations.Prepared, now.Seconds);
        if (handle == 0)
        {
            ReportFullExpectations();
            return;
        }

        // A helper that translates what it expects has just rewritten a packet of the master.
        if (change != FlowChange.Destroy && _expectations.Master != 0 && expectation.Has(ExpectationFields.NatTuple))
            _sequences.Add(_expectations.Master, now);

        // Peers commit masters first.
        if (change != FlowChange.Destroy) TellMaster();
        AnnounceExpectation(handle, isSilent: origin is EventOrigin.Commit or EventOrigin.Flush);
    }

    /// <summary>
    /// A step of a dump of expectations; the expectation is read only for <see cref="SnapshotStep.Entry"/>.
    /// </summary>
    public void OnExpectationSnapshot(
        Instant now, SnapshotPurpose purpose, SnapshotStep step, in PackedExpectation expectation)
    {
        switch (step)
        {
            case SnapshotStep.Begin:
                _expectations.Internal.BeginSnapshot();
                break;
            case SnapshotStep.Entry:
                MergeExpectation(now, purpose, in expectation);
                break;
            default:
                bool isRepair = purpose is SnapshotPurpose.Repair or SnapshotPurpose.Poll;
                _expectations.Internal.EndSnapshot(isRepair && step == SnapshotStep.End, _expectations.Gone);
                AnnounceGone(isSilent: false);
                int ticket = _kernel.EndDump();
                if (purpose == SnapshotPurpose.Resync)
                    _notices.Add(SyncNoticeKind.KernelResyncDone, ticket: ticket);
                if (step == SnapshotStep.Abort && purpose != SnapshotPurpose.Resync) OnOverrun(now);
                break;
        }
    }

    /// <summary>Reads a cache of expectations in slices, like the one of flows.</summary>
    /// <param name="cache">Which one.</param>
    /// <param name="cursor">0 at first; keep it between calls, also when inputs came between.</param>
    /// <param name="now">The clock.</param>
    /// <param name="expectation">The entry.</param>
    /// <param name="times">Its times.</param>
    /// <returns>False at the end.</returns>
    public bool ReadNextExpectation(
        CacheKind cache, ref ulong cursor, Instant now, ref PackedExpectation expectation, out EntryTimes times)
    {
        if (cache == CacheKind.External && _expectationInject is not null)
        {
            times = default;
            return false;
        }

        ExpectationStore store =
            cache == CacheKind.Internal ? _expectations.InternalStore : _expectations.ExternalStore;
        while (store.Next(ref cursor) is var handle and not 0)
        {
            ref ExpectationRecord record = ref store[handle];
            if (record.Header.State == EntryState.Dead) continue;
            store.Read(handle, ref expectation);
            times = new EntryTimes(now.Seconds - record.CreatedAt, now.Seconds - record.UpdatedAt);
            return true;
        }

        times = default;
        return false;
    }

    private void MergeExpectation(Instant now, SnapshotPurpose purpose, in PackedExpectation expectation)
    {
        if (!_expectations.IsWanted(in expectation, isDestroy: false))
        {
            _stats.Value.EventsFiltered++;
            return;
        }

        uint handle = _expectations.Internal.Merge(in _expectations.Prepared, now.Seconds, out bool differs);
        if (handle == 0) ReportFullExpectations();
        else if (differs && purpose is (SnapshotPurpose.Repair or SnapshotPurpose.Poll)) TellDifference(handle);
    }

    private void TellDifference(uint handle)
    {
        TellMaster();
        _mode.Enqueue(handle);
    }

    private void TellMaster()
    {
        if (_expectations.Master != 0) _announcer.TellFirst(_expectations.Master);
    }

    private void AnnounceExpectation(uint handle, bool isSilent)
    {
        if (!isSilent)
        {
            _mode.Enqueue(handle);
        }
        else if (_internalSlabs.Header(handle).State == EntryState.Dead)
        {
            _mode.Forget(handle);
            _expectations.Internal.Release(handle);
        }
    }

    private void AnnounceGone(bool isSilent)
    {
        foreach (uint handle in _expectations.Gone) AnnounceExpectation(handle, isSilent);
        _expectations.Gone.Clear();
    }

    private void ApplyExpectation(Instant now, PeerMessageType type, ReadOnlySpan<byte> body)
    {
        if (!ExpectationMessage.TryRead(body, ref _receivedExpectation))
        {
            _stats.Value.MalformedPayload++;
            return;
        }

        // Without ExpectationSync the sequence number counts, the content does not.
        if (!_expectations.AreOn) return;
        if (_expectationInject is not null)
        {
            _expectationInject.Apply(type, in _receivedExpectation, now.Seconds);
            return;
        }

        _expectations.External.Apply(type, in _receivedExpectation, now.Seconds);
        if (_expectations.External.TakeFullReport())
            _notices.Add(SyncNoticeKind.ExternalExpectationsFull, Options.CacheLimit);
    }

    private void StartExpectationCommit(Instant now, int ticket)
    {
        _isExpectationCommitNext = false;
        _expectations.Commit.Start(now, ticket);
    }

    // The expectations follow the flows: their masters have to be there.
    private bool PollExpectations(Instant now, ref KernelRequest request)
    {
        SyncNotice flowsDone = default;
        if (_isExpectationCommitNext && _commit.TakeEnd(now, ref flowsDone))
        {
            StartExpectationCommit(now, flowsDone.Ticket);
            flowsDone.Ticket = 0;
            _notices.Add(in flowsDone);
        }

        return _expectationInject is not null
            ? _expectationInject.Poll(now, ref request)
            : _expectations.Commit.Poll(now, ref request);
    }

    private bool TakeCommitEnd(Instant now, ref SyncNotice notice) =>
        (!_isExpectationCommitNext && _commit.TakeEnd(now, ref notice))
        || _expectations.Commit.TakeEnd(now, ref notice);

    private void ReportExpectationFailure(CommitFailure failure)
    {
        var notice = new SyncNotice
        {
            Kind = failure.IsDelete
                ? SyncNoticeKind.ExpectationCommitDeleteFailed
                : SyncNoticeKind.ExpectationCommitCreateFailed,
            Value = failure.Errno,
            Ticket = _expectations.Commit.Ticket,
        };
        if (_expectations.ExternalStore[failure.Handle].Header.State != EntryState.Free)
            _expectations.ExternalStore.Read(failure.Handle, ref notice.Expectation);
        _notices.Add(in notice);
    }

    private void ReportFullExpectations()
    {
        if (_expectations.Internal.TakeFullReport())
            _notices.Add(SyncNoticeKind.InternalExpectationsFull, Options.CacheLimit);
    }
}
