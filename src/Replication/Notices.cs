namespace TwinTrack.Replication;

/// <summary>What operators should read, until the shell takes it.</summary>
internal sealed class Notices
{
    private readonly Queue<SyncNotice> _waiting = new();

    public int Count => _waiting.Count;

    public void Add(SyncNoticeKind kind, long value = 0, int ticket = 0) =>
        _waiting.Enqueue(new SyncNotice { Kind = kind, Value = value, Ticket = ticket });

    public void Add(in SyncNotice notice) => _waiting.Enqueue(notice);

    public bool TryTake(ref SyncNotice notice) => _waiting.TryDequeue(out notice);
}
