using TwinTrack.Replication.Caches;
using TwinTrack.Replication.Store;

namespace TwinTrack.Replication;

/// <content>What operators ask for, and the kernel's answers to it.</content>
public sealed partial class SyncEngine
{
    /// <summary>A command of an operator; the ticket comes back in the notice that tells the end.</summary>
    public SyncReply OnCommand(Instant now, SyncCommand command, int ticket)
    {
        switch (command)
        {
            case SyncCommand.Commit:
            case SyncCommand.CommitFlows:
            case SyncCommand.CommitExpectations:
                return StartCommit(now, command, ticket);
            case SyncCommand.FlushCaches:
            case SyncCommand.FlushInternalCache:
            case SyncCommand.FlushExternalCache:
                return FlushCaches(command);
            case SyncCommand.FlushKernel:
            case SyncCommand.FlushKernelFlows:
            case SyncCommand.FlushKernelExpectations:
                return FlushKernel(command, ticket);
            case SyncCommand.ResyncKernel:
            case SyncCommand.ResyncKernelFlows:
            case SyncCommand.ResyncKernelExpectations:
                return ResyncKernel(command, ticket);
            case SyncCommand.SendBulk:
                SendBulk();
                return SyncReply.Done;
            case SyncCommand.RequestResync:
                RequestResync(now);
                return SyncReply.Done;
            default:
                SchedulePurge(now);
                return SyncReply.Done;
        }
    }

    /// <summary>The kernel's answer to a request of <see cref="PollKernel"/>: 0 or a positive errno.</summary>
    /// <remarks>Answers come in the order of the requests of one origin.</remarks>
    public void OnKernelAnswer(Instant now, KernelRequestKind kind, uint token, int errno)
    {
        if (kind is KernelRequestKind.Flush or KernelRequestKind.FlushExpectations)
        {
            int ticket = _kernel.EndFlush();
            _notices.Add(SyncNoticeKind.KernelFlushDone, errno, ticket);
            return;
        }

        if ((token & ExpectationCommit.TokenBit) != 0)
        {
            if (_expectationInject is not null) _expectationInject.Answer(token, errno);
            else if (_expectations.Commit.Answer(token, errno) is { } lost) ReportExpectationFailure(lost);
        }
        else if (_inject is not null)
        {
            ReportInjected(_inject.Answer(now, token, errno));
        }
        else if (_commit.Answer(token, errno) is { } failure)
        {
            ReportFailure(failure);
        }
        else if (_commit is { IsLarge: true, Taken: not 0 })
        {
            Adopt(now, _commit.Taken);
        }
    }

    /// <summary>
    /// Whether the kernel need not tell of flows that begin: so many are committed that the engine adds them to its
    /// cache by itself. Answers are handed in after all events that were there before; at the end comes
    /// <see cref="OnEventsLeftOut"/>.
    /// </summary>
    public bool IsCommittingMany => _commit.IsLarge && _bypass is null;

    private void Adopt(Instant now, uint handle)
    {
        if (_bypass is not null || _externalStore[handle].Header.State == EntryState.Free) return;
        _externalStore.Read(handle, ref _adopted);
        KernelFlow.CompleteAdopted(ref _adopted, Options, _external.SilenceOf(handle, now.Seconds));
        if (IsWanted(in _adopted, isDestroy: false)) _internal.Adopt(in _adopted, now.Seconds);
    }

    /// <summary>
    /// Takes the values over that may change while the engine runs: limits, times and filters. A limit that became
    /// smaller drops nothing, it refuses; another filter wants <see cref="OnEventsLeftOut"/>.
    /// </summary>
    /// <param name="read">The new options; the others of them do not matter.</param>
    public void Reconfigure(SyncOptions read)
    {
        Options.RefreshSeconds = read.RefreshSeconds;
        Options.CacheTimeoutSeconds = read.CacheTimeoutSeconds;
        Options.CacheLimit = read.CacheLimit;
        Options.ResendQueueSize = read.ResendQueueSize;
        Options.CommitTimeoutSeconds = read.CommitTimeoutSeconds;
        Options.PurgeSeconds = read.PurgeSeconds;
        Options.OverrunResyncSeconds = read.OverrunResyncSeconds;
        Options.Filter = read.Filter;
        if (Options.Expectations is not null) Options.Expectations = read.Expectations ?? Options.Expectations;
    }

    private bool IsCommitting => _commit.IsRunning || _expectations.Commit.IsRunning;

    private SyncReply StartCommit(Instant now, SyncCommand command, int ticket)
    {
        if (command == SyncCommand.CommitExpectations && !_expectations.AreOn) return SyncReply.Done;
        if (IsCommitting)
        {
            _notices.Add(SyncNoticeKind.CommitBusy);
            return SyncReply.Refused;
        }

        _purgeAt = Instant.Never;
        _notices.Add(SyncNoticeKind.CommitStarted);
        if (_inject is not null) return SyncReply.Done;   // everything is in the kernel already
        _isExpectationCommitNext = command == SyncCommand.Commit && _expectations.AreOn;
        if (command == SyncCommand.CommitExpectations) StartExpectationCommit(now, ticket);
        else _commit.Start(now, ticket);
        return SyncReply.Pending;
    }

    private SyncReply FlushCaches(SyncCommand command)
    {
        if (IsCommitting && command != SyncCommand.FlushInternalCache)
        {
            _notices.Add(SyncNoticeKind.FlushRefused);
            return SyncReply.Refused;
        }

        _notices.Add(command switch
        {
            SyncCommand.FlushCaches => SyncNoticeKind.FlushingCaches,
            SyncCommand.FlushInternalCache => SyncNoticeKind.FlushingInternal,
            _ => SyncNoticeKind.FlushingExternal,
        });
        if (command != SyncCommand.FlushInternalCache)
        {
            if (_inject is null)
            {
                _external.Clear();
                _expectations.External.Clear();
            }
        }

        if (command == SyncCommand.FlushExternalCache) return SyncReply.Done;
        _purgeAt = Instant.Never;
        ClearInternal();
        return SyncReply.Done;
    }

    // Without internal cache there is nothing to forget; the kernel's table is not a cache.
    private void ClearInternal()
    {
        _announcer.ForgetAll();
        _expectations.Internal.Clear();
        if (_bypass is not null) return;
        _internal.Clear();
        _sequences.Clear();
        _bulk.Stop();
        _repair.Restart();
    }

    // What is asked of both tables ends with the expectations.
    private SyncReply FlushKernel(SyncCommand command, int ticket)
    {
        bool hasFlows = command != SyncCommand.FlushKernelExpectations;
        bool hasExpectations = _expectations.AreOn && command != SyncCommand.FlushKernelFlows;
        if (!hasFlows && !hasExpectations) return SyncReply.Done;
        if (hasFlows) _notices.Add(SyncNoticeKind.FlushingKernel);
        if (hasExpectations) _notices.Add(SyncNoticeKind.FlushingKernelExpectations);
        return AddFlushes(hasFlows, hasExpectations, ticket) ? SyncReply.Pending : SyncReply.Refused;
    }

    private bool AddFlushes(bool hasFlows, bool hasExpectations, int ticket)
    {
        if (hasFlows)
        {
            _stats.Value.KernelFlushes++;
            if (!_kernel.AddFlush(hasExpectations ? 0 : ticket)) return false;
        }

        if (!hasExpectations) return true;
        _stats.Value.KernelFlushes++;
        return _kernel.AddFlush(ticket, KernelRequestKind.FlushExpectations);
    }

    private SyncReply ResyncKernel(SyncCommand command, int ticket)
    {
        bool hasFlows = command != SyncCommand.ResyncKernelExpectations && _bypass is null;
        if (_bypass is not null && command != SyncCommand.ResyncKernelExpectations)
            _notices.Add(SyncNoticeKind.ResyncUnsupported);
        bool hasExpectations = _expectations.AreOn && command != SyncCommand.ResyncKernelFlows;
        if (!hasFlows && !hasExpectations) return SyncReply.Done;
        if (hasFlows) _notices.Add(SyncNoticeKind.ResyncingKernel);
        if (hasExpectations) _notices.Add(SyncNoticeKind.ResyncingKernelExpectations);
        _stats.Value.KernelResyncs += hasFlows && hasExpectations ? 2u : 1u;
        return AddDumps(SnapshotPurpose.Resync, ticket, hasFlows, hasExpectations)
            ? SyncReply.Pending
            : SyncReply.Refused;
    }

    private bool AddDumps(SnapshotPurpose purpose, int ticket) =>
        AddDumps(purpose, ticket, hasFlows: true, _expectations.AreOn);

    private bool AddDumps(SnapshotPurpose purpose, int ticket, bool hasFlows, bool hasExpectations)
    {
        if (hasFlows && !_kernel.AddDump(purpose, hasExpectations ? 0 : ticket)) return false;
        return !hasExpectations || _kernel.AddDump(purpose, ticket, KernelRequestKind.DumpExpectations);
    }

    private void SchedulePurge(Instant now)
    {
        if (_purgeAt != Instant.Never) return;
        _purgeAt = now.PlusSeconds(Options.PurgeSeconds);
        _notices.Add(SyncNoticeKind.PurgeScheduled, Options.PurgeSeconds);
    }

    private void ReportInjected(InjectFailure? failure)
    {
        if (failure is null) return;
        var notice = new SyncNotice
        {
            Kind = SyncNoticeKind.InjectFailed,
            Value = failure.Errno,
            Value2 = failure.Count,
            Flow = failure.Flow,
        };
        _notices.Add(in notice);
    }

    private void ReportFailure(CommitFailure failure)
    {
        var notice = new SyncNotice
        {
            Kind = failure.IsDelete ? SyncNoticeKind.CommitDeleteFailed : SyncNoticeKind.CommitCreateFailed,
            Value = failure.Errno,
            Ticket = _commit.Ticket,
        };
        if (_externalStore[failure.Handle].Header.State != EntryState.Free)
            _externalStore.Read(failure.Handle, ref notice.Flow);
        _notices.Add(in notice);
    }
}
