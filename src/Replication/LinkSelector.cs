namespace TwinTrack.Replication;

/// <summary>Why another link is used now.</summary>
public enum LinkChangeReason : byte
{
    /// <summary>The one before cannot be used: no interface, switched off, no carrier.</summary>
    Unusable,

    /// <summary>Nothing arrives on the one before.</summary>
    Silent,

    /// <summary>The peer speaks on this one.</summary>
    Followed,

    /// <summary>This is the preferred one, and it works again.</summary>
    FailedBack,

    /// <summary>After looking for the peer on all links in turn, it was heard on this one.</summary>
    Found,

    /// <summary>No link can be used; the one before stays.</summary>
    None,
}

/// <summary>Another link is used, or none can be.</summary>
/// <param name="From">The link before.</param>
/// <param name="To">The link now.</param>
/// <param name="Reason">Why.</param>
public readonly record struct LinkChange(LinkId From, LinkId To, LinkChangeReason Reason);

/// <summary>What <see cref="LinkSelector"/> has to know.</summary>
/// <param name="Links">How many links there are.</param>
/// <param name="Preferred">The link to use when all work (Default).</param>
/// <param name="PeersSpeak">
/// Whether a peer sends a message every second or so (FT-FW, NOTRACK); else silence means nothing by itself.
/// </param>
public readonly record struct LinkSelectorOptions(int Links, LinkId Preferred, bool PeersSpeak);

/// <summary>Chooses the link that is sent on, of several that are received on.</summary>
/// <remarks>
/// <para>
/// A peer of the other make sends on one link, follows to the link on which it hears us, leaves one that loses its
/// carrier, and never goes back. So do we, and besides: a link on which nothing arrives any more is left, and the
/// preferred one is used again once it works.
/// </para>
/// <code>
///              carrier lost, or 3.5 s of silence
///   preferred ──────────────────────────────────► another one that was heard; else each in turn, 3.5 s
///       ▲  └──────── the peer speaks there ──────►      │
///       └──── heard (or with carrier) for 5 s ──────────┘
/// </code>
/// <para>
/// Links that are not in use are probed with empty packets: every second while the peer is heard on them, else every
/// fifth, so that a link that works in one direction only is not heard often enough to be taken for a good one. A peer
/// that does not probe shows by its carrier only that a link works; then going back is a trial, and each that fails
/// doubles the time to the next.
/// </para>
/// <para>
/// No I/O, no clock: inputs are <c>On...</c>, outputs are polled after them. With one link there is nothing to choose.
/// </para>
/// </remarks>
public sealed class LinkSelector
{
    private const long SilenceMilliseconds = 3500;         // three messages of a peer that speaks every second
    private const long ProbeMilliseconds = 1000;
    private const long SlowProbeMilliseconds = 5000;
    private const long HoldMilliseconds = 2000;            // messages sent before a change are still on their way
    private const long LongestHoldMilliseconds = 64_000;
    private const long StableMilliseconds = 5000;
    private const long LongestStableMilliseconds = 300_000;
    private const long ProvenMilliseconds = 60_000;

    private readonly LinkSelectorOptions _options;
    private readonly LinkRecord[] _links;
    private readonly Queue<LinkChange> _changes = new();
    private LinkId _told;                  // the link that the last change told was to
    private bool _isNoneTold;
    private bool _isSearching;             // the peer is heard on no link
    private bool _arePeersProbing;
    private Instant _changedAt;
    private Instant _listeningSince;       // on the link in use
    private Instant _holdUntil;
    private long _hold = HoldMilliseconds;
    private Instant _failBackAt;
    private long _failBackDelay = StableMilliseconds;

    /// <summary>All links are taken for unusable until told otherwise.</summary>
    public LinkSelector(LinkSelectorOptions options, Instant now)
    {
        _options = options;
        _links = new LinkRecord[options.Links];
        for (int index = 0; index < _links.Length; index++) _links[index] = new LinkRecord { ProbeAt = now };
        Current = _told = options.Preferred;
        _listeningSince = now;
        _changedAt = now.PlusMilliseconds(-ProvenMilliseconds);   // the first change is as good as one after long
    }

    /// <summary>The link to send on.</summary>
    public LinkId Current { get; private set; }

    /// <summary>When <see cref="OnDeadline"/> wants to be called.</summary>
    public Instant NextDeadline
    {
        get
        {
            if (_links.Length == 1) return Instant.Never;

            Instant next = Instant.Earlier(SilentAt, FailBackAt);
            for (int index = 0; index < _links.Length; index++)
            {
                if (IsProbed(index)) next = Instant.Earlier(next, _links[index].ProbeAt);
            }

            return next;
        }
    }

    // When the link in use has been silent for too long; never where silence means nothing.
    private Instant SilentAt
    {
        get
        {
            ref LinkRecord current = ref _links[Current.Index];
            if (!current.IsUsable || !(_options.PeersSpeak || _arePeersProbing)) return Instant.Never;
            Instant heard = _options.PeersSpeak ? current.SpokenAt : current.HeardAt;
            return Later(heard, _listeningSince).PlusMilliseconds(SilenceMilliseconds);
        }
    }

    // When the preferred link is used again, as things stand.
    private Instant FailBackAt
    {
        get
        {
            ref LinkRecord preferred = ref _links[_options.Preferred.Index];
            if (Current == _options.Preferred || !preferred.IsUsable || _isSearching) return Instant.Never;
            if (_arePeersProbing && preferred.HeardSince == Instant.Never) return Instant.Never;
            Instant since = _arePeersProbing
                ? Later(preferred.HeardSince, preferred.UsableSince)
                : preferred.UsableSince;
            return Later(since.PlusMilliseconds(StableMilliseconds), _failBackAt);
        }
    }

    /// <summary>A link can be used now, or no longer: it has an interface that is up with carrier.</summary>
    public void OnState(Instant now, LinkId link, bool isUsable)
    {
        ref LinkRecord record = ref _links[link.Index];
        if (record.IsUsable == isUsable) return;

        record.IsUsable = isUsable;
        record.UsableSince = now;
        record.HeardSince = Instant.Never;
        if (!_links[Current.Index].IsUsable)
        {
            Leave(now, LinkChangeReason.Unusable);
        }
        else if (link == Current)
        {
            _listeningSince = now;
            _isNoneTold = false;
        }
    }

    /// <summary>Something of a peer arrived.</summary>
    /// <param name="now">The clock.</param>
    /// <param name="link">Where.</param>
    /// <param name="isProbe">An empty packet: the link works, but the peer does not use it.</param>
    public void OnHeard(Instant now, LinkId link, bool isProbe)
    {
        if (_links.Length == 1) return;

        ref LinkRecord record = ref _links[link.Index];
        if (record.HeardSince == Instant.Never || IsSilent(in record, now))
        {
            record.HeardSince = now;
            record.ProbeAt = Instant.Earlier(record.ProbeAt, now.PlusMilliseconds(ProbeMilliseconds));
        }

        record.HeardAt = now;
        _arePeersProbing |= isProbe;
        if (isProbe) return;

        record.SpokenAt = now;
        bool wasSearching = _isSearching;
        _isSearching = false;
        if (link == Current)
        {
            if (wasSearching && _told != Current) Tell(LinkChangeReason.Found, _told);
        }
        else if (record.IsUsable && (wasSearching || now >= _holdUntil))
        {
            Change(now, link, wasSearching ? LinkChangeReason.Found : LinkChangeReason.Followed);
        }
    }

    /// <summary>The deadline has passed. To be called after what has arrived was read.</summary>
    public void OnDeadline(Instant now)
    {
        for (int index = 0; index < _links.Length; index++)
        {
            ref LinkRecord link = ref _links[index];
            if (link.HeardSince != Instant.Never && IsSilent(in link, now)) link.HeardSince = Instant.Never;
        }

        if (now >= SilentAt) Leave(now, LinkChangeReason.Silent);
        if (now >= FailBackAt) Change(now, _options.Preferred, LinkChangeReason.FailedBack);
    }

    /// <summary>The next link that an empty packet should be sent on.</summary>
    public bool PollProbe(Instant now, out LinkId link)
    {
        for (int index = 0; index < _links.Length; index++)
        {
            if (!IsProbed(index) || now < _links[index].ProbeAt) continue;
            long pause = _links[index].HeardSince == Instant.Never ? SlowProbeMilliseconds : ProbeMilliseconds;
            _links[index].ProbeAt = now.PlusMilliseconds(pause);
            link = new LinkId(index);
            return true;
        }

        link = default;
        return false;
    }

    /// <summary>The next change that an operator should read.</summary>
    public bool PollChange(out LinkChange change) => _changes.TryDequeue(out change);

    // A mode without regular messages has the link in use probed as well.
    private bool IsProbed(int index) =>
        _links.Length > 1 && _links[index].IsUsable && !(_options.PeersSpeak && index == Current.Index);

    private static bool IsSilent(in LinkRecord link, Instant now) =>
        now >= link.HeardAt.PlusMilliseconds(SilenceMilliseconds);

    private void Leave(Instant now, LinkChangeReason reason)
    {
        if (FindOther() is { } other)
        {
            Change(now, other, reason);
            return;
        }

        if (_links[Current.Index].IsUsable)
        {
            _listeningSince = now;   // nowhere else to go: another while of waiting
            return;
        }

        if (_isNoneTold) return;
        _isNoneTold = true;
        Tell(LinkChangeReason.None, Current);
    }

    // One on which the peer is heard, the preferred one first; else where it spoke last, then all in turn.
    private LinkId? FindOther()
    {
        if (IsGood(_options.Preferred.Index)) return _options.Preferred;
        for (int index = 0; index < _links.Length; index++)
        {
            if (IsGood(index)) return new LinkId(index);
        }

        if (!_isSearching && FindLastSpoken() is { } last) return last;
        for (int step = 1; step < _links.Length; step++)
        {
            int index = (Current.Index + step) % _links.Length;
            if (_links[index].IsUsable) return new LinkId(index);
        }

        return null;
    }

    private LinkId? FindLastSpoken()
    {
        LinkId? last = null;
        Instant spoken = default;
        for (int index = 0; index < _links.Length; index++)
        {
            if (index == Current.Index || !_links[index].IsUsable || _links[index].SpokenAt <= spoken) continue;
            spoken = _links[index].SpokenAt;
            last = new LinkId(index);
        }

        return last;
    }

    private bool IsGood(int index) =>
        index != Current.Index && _links[index].IsUsable && _links[index].HeardSince != Instant.Never;

    private void Change(Instant now, LinkId to, LinkChangeReason reason)
    {
        LinkId from = Current;
        bool wasSearching = _isSearching;
        if (from == _options.Preferred) NoteLeaving(now);

        // Changes in quick succession: peers that cannot agree. Each waits longer than the one before.
        bool isQuick = now < _changedAt.PlusMilliseconds(4 * _hold);
        _hold = isQuick && reason == LinkChangeReason.Followed
            ? Math.Min(_hold * 2, LongestHoldMilliseconds)
            : HoldMilliseconds;
        _holdUntil = now.PlusMilliseconds(_hold);
        Current = to;
        _changedAt = _listeningSince = now;
        _links[from.Index].ProbeAt = now;
        _isSearching = reason == LinkChangeReason.Silent;

        // While the peer is looked for on one link after the other, only the first change is news.
        if (!(wasSearching && _isSearching)) Tell(reason, from);
    }

    private void NoteLeaving(Instant now)
    {
        bool isProven = now >= _changedAt.PlusMilliseconds(ProvenMilliseconds);
        _failBackDelay = isProven ? StableMilliseconds : Math.Min(_failBackDelay * 2, LongestStableMilliseconds);
        _failBackAt = now.PlusMilliseconds(_failBackDelay);
    }

    private void Tell(LinkChangeReason reason, LinkId from)
    {
        _isNoneTold = reason == LinkChangeReason.None;
        _told = Current;
        _changes.Enqueue(new LinkChange(from, Current, reason));
    }

    private static Instant Later(Instant left, Instant right) => left > right ? left : right;

    private struct LinkRecord
    {
        public bool IsUsable;
        public Instant UsableSince;
        public Instant HeardAt;        // anything
        public Instant HeardSince;     // since when without silence; never while silent
        public Instant SpokenAt;       // a message
        public Instant ProbeAt;

        public LinkRecord() => HeardSince = Instant.Never;
    }
}
