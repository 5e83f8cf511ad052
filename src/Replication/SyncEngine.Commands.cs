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
                return StartCommit(now, ticket);
            case SyncCommand.FlushCaches:
            case SyncCommand.FlushInternalCache:
            case SyncCommand.FlushExternalCache:
                return FlushCaches(command);
            case SyncCommand.FlushKernel:
                _notices.Add(SyncNoticeKind.FlushingKernel);
                return FlushKernel(ticket);
            case SyncCommand.ResyncKernel:
                if (_bypass is not null)
                {
                    _notices.Add(SyncNoticeKind.ResyncUnsupported);
                    return SyncReply.Done;
                }

                _notices.Add(SyncNoticeKind.ResyncingKernel);
                _stats.Value.KernelResyncs++;
                return _kernel.AddDump(SnapshotPurpose.Resync, ticket) ? SyncReply.Pending : SyncReply.Refused;
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
        if (kind == KernelRequestKind.Flush)
        {
            int ticket = _kernel.EndFlush();
            _notices.Add(SyncNoticeKind.KernelFlushDone, errno, ticket);
            return;
        }

        if (_inject is not null) ReportInjected(_inject.Answer(now, token, errno));
        else if (_commit.Answer(token, errno) is { } failure) ReportFailure(failure);
    }

    private SyncReply StartCommit(Instant now, int ticket)
    {
        if (_commit.IsRunning)
        {
            _notices.Add(SyncNoticeKind.CommitBusy);
            return SyncReply.Refused;
        }

        _purgeAt = Instant.Never;
        _notices.Add(SyncNoticeKind.CommitStarted);
        if (_inject is not null) return SyncReply.Done;   // everything is in the kernel already
        _commit.Start(now, ticket);
        return SyncReply.Pending;
    }

    private SyncReply FlushCaches(SyncCommand command)
    {
        if (_commit.IsRunning && command != SyncCommand.FlushInternalCache)
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
        if (command != SyncCommand.FlushInternalCache && _inject is null) _external.Clear();
        if (command == SyncCommand.FlushExternalCache) return SyncReply.Done;
        _purgeAt = Instant.Never;
        ClearInternal();
        return SyncReply.Done;
    }

    // Without internal cache there is nothing to forget; the kernel's table is not a cache.
    private void ClearInternal()
    {
        if (_bypass is not null) return;
        _mode.ForgetAll();
        _internal.Clear();
        _bulk.Stop();
        _repair.Restart();
    }

    private SyncReply FlushKernel(int ticket)
    {
        _stats.Value.KernelFlushes++;
        return _kernel.AddFlush(ticket) ? SyncReply.Pending : SyncReply.Refused;
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
