using TwinTrack.Conntrack;
using TwinTrack.Replication.Modes;
using TwinTrack.Replication.Wire;

namespace TwinTrack.Replication;

/// <content>What peers tell, and what is owed to them.</content>
public sealed partial class SyncEngine
{
    /// <summary>A datagram of a peer.</summary>
    public void OnPeer(Instant now, LinkId link, PeerId from, ReadOnlySpan<byte> datagram)
    {
        var reader = new PeerMessageReader(datagram);
        while (reader.MoveNext(ref _stats.Value)) OnMessage(now, from, reader.Header, reader.Message);
        if (_mode.Resend?.TakeUnrepairable() == true) _catchUp.Want(now);
        if (_mode.TakeDisturbed()) _refreshRetry.OnDisturbed();
        BringWhatIsLacking(now);
        if (_mode.TakeLostInGreeting()) RequestResync(now);
    }

    /// <summary>
    /// A peer has connected to us anew (TCP): what it sent while it did not know that its former connection was broken
    /// is lost. If that may have been an answer to our request for everything, the request is repeated.
    /// </summary>
    public void OnConnected(Instant now)
    {
        if (now >= _resyncAnswersUntil) return;
        RequestResync(now);
        _resyncAnswersUntil = default;
    }

    private void OnMessage(Instant now, PeerId from, PeerHeader header, ReadOnlySpan<byte> message)
    {
        ref SyncStats stats = ref _stats.Value;
        bool isDense = Options.DenseFormat && header is { Version: PeerHeader.DenseVersion, IsFlow: true };
        if (header.Version != PeerHeader.CurrentVersion && !isDense)
        {
            stats.WrongVersion++;
            return;
        }

        Verdict verdict = _mode.OnMessage(now, from, in header, message);
        if (verdict is Verdict.Data or Verdict.Control or Verdict.Resync) _external.Hear(from.Address, now.Seconds);
        switch (verdict)
        {
            case Verdict.Bad:
                stats.MalformedHeader++;
                break;
            case Verdict.Unknown:
                stats.BadType++;
                break;
            case Verdict.Resync:
                AnswerResync(now, from.Address);
                break;
            case Verdict.Data:
                Apply(now, from.Address, in header, message[PeerHeader.Size..]);
                break;
        }

        if (_mode.TakeRefreshed()) _external.EndRefresh(from.Address);
    }

    private void AnswerResync(Instant now, Address from)
    {
        if (_resyncLimit.Admits(from, now))
        {
            _notices.Add(SyncNoticeKind.ResyncRequestedByPeer);
            SendBulk();
            return;
        }

        _stats.Value.ResyncsDeferred++;
        if (_resyncLimit.TakeFloodReport()) _notices.Add(SyncNoticeKind.ResyncFlood);
        _catchUp.Want(now);
    }

    private void Apply(Instant now, Address from, in PeerHeader header, ReadOnlySpan<byte> body)
    {
        PeerMessageType type = header.Type;
        if (!header.IsFlow)
        {
            ApplyExpectation(now, type, body);
            return;
        }

        bool isRead = header.Version == PeerHeader.DenseVersion
            ? DenseFlow.TryRead(body, Options, ref _received)
            : FlowMessage.TryRead(body, Options, ref _received);
        if (!isRead)
        {
            _stats.Value.MalformedPayload++;
            return;
        }

        if (_inject is not null)
        {
            _inject.Apply(type, in _received, now.Seconds);
            return;
        }

        _external.Apply(type, in _received, from, now.Seconds);
        if (_external.TakeFullReport()) _notices.Add(SyncNoticeKind.ExternalCacheFull, Options.CacheLimit);
    }

    private void SendBulk()
    {
        if (!_mode.HasBulks) return;
        if (_bypass is not null)
        {
            _kernel.AddDump(SnapshotPurpose.Bulk, ticket: 0);
        }
        else
        {
            _notices.Add(SyncNoticeKind.SendingBulk);
        }

        _bulk.Start();
    }

    private void BringWhatIsLacking(Instant now)
    {
        if (_ownCatchUp.TakeDue(now) || now >= _refreshRetry.DueAt) RequestResync(now);
        if (!_catchUp.TakeDue(now)) return;
        _mode.Resend?.ForgetGivenUp();
        SendBulk();
    }

    private void RequestResync(Instant now)
    {
        if (!_mode.HasBulks) return;
        _resyncAnswersUntil = now.PlusSeconds(ResyncAnswerSeconds);
        _refreshRetry.OnAsked(now);
        _external.BeginRefresh();
        _notices.Add(SyncNoticeKind.ResyncRequested);
        _mode.RequestResync();
    }
}
