using TwinTrack.Conntrack;
using TwinTrack.Replication;
using TwinTrack.Replication.Wire;
using TwinTrack.Sim.Net;
using TwinTrack.Sim.Shell;

namespace TwinTrack.Sim.Oracle;

/// <summary>What went over the wire, for scenarios and reports.</summary>
internal sealed class Tally
{
    public long Datagrams { get; set; }

    public long Bytes { get; set; }

    public long FlowMessages { get; set; }

    public long Acks { get; set; }

    public long Nacks { get; set; }

    /// <summary>Messages that NACKs asked for.</summary>
    public long Nacked { get; set; }

    /// <summary>Flow messages that were sent again because a NACK named them.</summary>
    public long Resent { get; set; }

    public long Resyncs { get; set; }
}

/// <summary>
/// Sees all that goes into one run of an engine and all that comes out, and knows what no engine can know: which
/// datagram is which, and what is true. Safety is what it checks, with each input and each output.
/// </summary>
internal sealed class Witness(World world, Node node)
{
    private delegate ShadowEntry? Finder(in TupleKey key);

    private readonly Dictionary<int, PeerView> _peers = [];
    private readonly Dictionary<TupleKey, (long Message, uint Id)> _sentAs = [];
    private readonly HashSet<long> _asked = [];
    private PackedFlow _flow;
    private PackedFlow _expected;
    private Seq _nextSequence;
    private Instant _turnAt;

    public InternalShadow Internal { get; } = new(node.Options);

    public ExternalShadow External { get; } = new(node.Options);

    /// <summary>What a node without internal cache owes its peers; null for others.</summary>
    public BypassShadow? Bypass { get; } = node.Options.DisableInternalCache ? new(node.Options) : null;

    public Tally Tally { get; } = new();

    /// <summary>The number of the first message of this run.</summary>
    public Seq FirstSequence { get; private set; }

    public long MessagesSent { get; private set; }

    /// <summary>Sets the number that the first message must carry.</summary>
    public void Expect(Seq first) => FirstSequence = _nextSequence = first;

    /// <summary>Whether this run accepted a message of a peer's run.</summary>
    public bool Got(int peer, int run, long message) =>
        _peers.TryGetValue(peer, out PeerView? view) && view.Run == run
        && message < view.Got.Count && view.Got[(int)message];

    /// <summary>Whether this run has heard of a peer's run.</summary>
    public bool Heard(int peer, int run) => _peers.TryGetValue(peer, out PeerView? view) && view.Run == run;

    /// <summary>Checks a datagram that leaves, and says what it is.</summary>
    public Parcel Sent(ReadOnlySpan<byte> datagram)
    {
        long first = MessagesSent;
        bool isGreeting = false;
        ReadOnlySpan<byte> rest = datagram;
        while (!rest.IsEmpty)
        {
            if (rest.Length < PeerHeader.Size) throw Fail("sent half a header");
            PeerHeader header = PeerHeader.Read(rest);
            if (header.Length < PeerHeader.Size || header.Length > rest.Length)
                throw Fail($"sent a message that claims {header.Length} of {rest.Length} bytes");
            if (header.Sequence != _nextSequence)
                throw Fail($"sent number {header.Sequence.Value} where {_nextSequence.Value} was next");
            CheckMessage(in header, rest[..header.Length]);
            isGreeting |= (header.Flags & PeerFlags.Hello) != 0;
            MessagesSent++;
            _nextSequence = _nextSequence.Next;
            rest = rest[header.Length..];
        }

        int count = (int)(MessagesSent - first);
        if (count > 1 && datagram.Length > node.Shell.Capacity)
            throw Fail($"packed {count} messages into {datagram.Length} bytes, {node.Shell.Capacity} are allowed");
        Tally.Datagrams++;
        Tally.Bytes += datagram.Length;
        return new Parcel
        {
            Number = world.NextParcel(),
            From = node.Index,
            Run = node.Run,
            FirstMessage = first,
            Count = count,
            IsGreeting = isGreeting,
            Bytes = datagram.ToArray(),
        };
    }

    /// <summary>Checks what the engine made of a datagram.</summary>
    /// <param name="parcel">Which one it was.</param>
    /// <param name="datagram">What the engine was given.</param>
    /// <param name="before">Counters before.</param>
    /// <param name="after">Counters after.</param>
    public void Delivered(Parcel parcel, ReadOnlySpan<byte> datagram, in SyncStats before, in SyncStats after)
    {
        PeerView view = View(parcel);
        bool isLate = parcel.Run < view.Run || parcel.FirstMessage + parcel.Count - 1 <= view.Highest;
        long accepted = (long)(after.MessagesAccepted - before.MessagesAccepted);
        var changes = Difference(in before.External, in after.External);
        if (accepted > 0) External.Hear(parcel.From, world.Now);
        if (node.Options.Mode != SyncModeKind.Ftfw)
        {
            // Nothing is held back and nothing is asked for: what comes is applied as it comes.
            if (after.Malformed != before.Malformed) throw Fail($"calls datagram #{parcel.Number} malformed");
            if (accepted != parcel.Count) throw Fail($"accepted {accepted} of {parcel.Count} messages");
            Fold(parcel, datagram, missed: 0, changes);
            return;
        }

        if (isLate)
        {
            if (changes != default) throw Fail($"applied datagram #{parcel.Number} twice or out of order: {changes}");
            if (accepted != 0 && !parcel.IsGreeting) throw Fail($"accepted datagram #{parcel.Number}, which is late");
            if (accepted > 0) view.AcceptLate(parcel, parcel.Count - (int)accepted);
            return;
        }

        if (after.Malformed != before.Malformed) throw Fail($"calls datagram #{parcel.Number} malformed");
        int missed = parcel.Count - (int)accepted;

        // Until it can tell a restart from a late message, the engine does not listen.
        if (missed > 0 && !(view.Highest < 0 && view.MayStillDoubt(world.Now, parcel.IsGreeting)))
            throw Fail($"accepted {accepted} of {parcel.Count} messages of datagram #{parcel.Number}");
        if (accepted == 0) return;
        view.Accept(parcel, missed);
        Fold(parcel, datagram, missed, changes);
    }

    /// <summary>Checks limits and counts, which must agree at the end of every turn.</summary>
    public void CheckCounters()
    {
        _turnAt = world.Now;
        External.Expire(world.Now);
        if (node.Engine.Stats.External.Active < External.Count) CheckSwept();
        ref readonly SyncStats stats = ref node.Engine.Stats;
        SyncOptions options = node.Options;
        if (stats.Internal.Active > options.CacheLimit) throw Fail($"caches {stats.Internal.Active} flows of its own");
        if (stats.External.Active > options.CacheLimit) throw Fail($"caches {stats.External.Active} flows of others");
        if (stats.ResendQueue > options.ResendQueueSize) throw Fail($"keeps {stats.ResendQueue} messages for repetition");
        if (stats.Internal.Active != (Bypass is null ? Internal.Active : 0))
            throw Fail($"caches {stats.Internal.Active} flows of its own, {Internal.Active} are due");
        if (stats.External.Active != External.Count)
            throw Fail($"caches {stats.External.Active} flows of others, {External.Count} are due");
        if (Bypass is null && stats.TransmitQueue > stats.Internal.Objects + stats.ControlElements)
            throw Fail($"has {stats.TransmitQueue} elements to send");
        if (stats.ResendQueueOverflows > 0) node.Taint |= Taint.ResendOverflow;
        if (stats.External.CreateFailed > 0) node.Taint |= Taint.ExternalFull;
    }

    /// <summary>
    /// Compares both caches with what they must hold, entry by entry, and requires that what had to be announced was.
    /// </summary>
    public void CheckCaches()
    {
        if (Bypass is null)
        {
            CheckAnnounced();
            CheckCache(CacheKind.Internal, InternalShadow.Kept, Internal.Active, Internal.Find);
        }

        CheckCache(CacheKind.External, WireView.Carried, External.Count, External.Find);
    }

    // An assured flow is announced by the first turn after the delay; what waits for the link is announced.
    private void CheckAnnounced()
    {
        if (node.Engine.Stats.TransmitQueue > 0) return;
        long allowed = node.Options.AnnounceDelayMilliseconds * 1000L;
        foreach ((TupleKey key, ShadowEntry entry) in Internal.Living)
        {
            if (entry.IsAnnounced || !entry.IsWorthIt || entry.WorthSince is not { } since) continue;
            if (_turnAt.Microseconds > since.Microseconds + allowed) throw Fail($"has not told of {key}, which is assured");
        }
    }

    /// <summary>A failure that names this node.</summary>
    public SimFailure Fail(string what) => new($"{node.Name} {what}");

    private void CheckCache(CacheKind cache, FlowFields compared, int count, Finder find)
    {
        ulong cursor = 0;
        int seen = 0;
        while (node.Engine.ReadNext(cache, ref cursor, world.Now, ref _flow, out _))
        {
            TupleKey key = TupleKey.Of(in _flow);
            seen++;
            ShadowEntry entry = find(in key) ?? throw Fail($"has {key} in its {cache} cache, where it is not due");
            string? difference = FlowDiff.Find(in _flow, in entry.Flow, compared);
            if (difference is not null) throw Fail($"holds {key} in its {cache} cache, but {difference}");
        }

        if (seen != count) throw Fail($"lists {seen} of {count} flows of its {cache} cache");
    }

    private PeerView View(Parcel parcel)
    {
        if (!_peers.TryGetValue(parcel.From, out PeerView? view) || view.Run < parcel.Run)
            _peers[parcel.From] = view = new PeerView(parcel.Run);
        return view;
    }

    private static (uint Created, uint Updated, uint Destroyed, uint Refused) Difference(
        in CacheStats before, in CacheStats after) => (
        after.Created - before.Created, after.Updated - before.Updated, after.Destroyed - before.Destroyed,
        after.CreateFailed - before.CreateFailed);

    private void Fold(
        Parcel parcel,
        ReadOnlySpan<byte> datagram,
        int missed,
        (uint Created, uint Updated, uint Destroyed, uint Refused) changes)
    {
        var shadow = External.Changes;
        ApplyAll(datagram, parcel.From, missed);
        if (Moved(shadow) != changes)
            throw Fail($"made {changes} of datagram #{parcel.Number}, {Moved(shadow)} was due");
    }

    private (uint Created, uint Updated, uint Destroyed, uint Refused) Moved(
        (uint Created, uint Updated, uint Destroyed, uint Refused) since)
    {
        var now = External.Changes;
        return (now.Created - since.Created, now.Updated - since.Updated, now.Destroyed - since.Destroyed,
            now.Refused - since.Refused);
    }

    private void ApplyAll(ReadOnlySpan<byte> datagram, int peer, int skip)
    {
        for (int number = 0; !datagram.IsEmpty; number++)
        {
            PeerHeader header = PeerHeader.Read(datagram);
            if (header.IsData && number >= skip)
            {
                ReadFlow(in header, datagram[PeerHeader.Size..header.Length]);
                External.Apply(header.Type, in _flow, peer, world.Now);
                if (world.Trace.IsOn) world.Trace.Line($"{node.Name} external {header.Type} {TupleKey.Of(in _flow)}");
            }

            datagram = datagram[header.Length..];
        }
    }

    private void ReadFlow(in PeerHeader header, ReadOnlySpan<byte> body)
    {
        bool isRead = header.Version == PeerHeader.DenseVersion
            ? DenseFlow.TryRead(body, node.Options, ref _flow)
            : FlowMessage.TryRead(body, node.Options, ref _flow);
        if (!isRead) throw Fail("met a flow that cannot be read");
    }

    // Nobody gets the dense form who has not said that it reads it, nor anybody as long as one has not.
    private bool MayBeDense(in PeerHeader header) =>
        header is { Version: PeerHeader.DenseVersion, IsFlow: true } && node.Options.Mode == SyncModeKind.Ftfw
        && world.Nodes.All(each => each.Options.DenseFormat);

    private void CheckMessage(in PeerHeader header, ReadOnlySpan<byte> message)
    {
        if (header.Version != PeerHeader.CurrentVersion && !MayBeDense(in header))
            throw Fail($"sent version {header.Version}");
        if (header.IsData)
        {
            CheckFlow(in header, message[PeerHeader.Size..]);
            return;
        }

        if (header.Type != PeerMessageType.Control) throw Fail($"sent a message of type {header.Type}");
        if (header.HasRange) CheckRange(header.Flags, message);
    }

    // Nothing is invented: a message tells what the internal cache holds at this moment.
    private void CheckFlow(in PeerHeader header, ReadOnlySpan<byte> body)
    {
        PeerMessageType type = header.Type;
        ReadFlow(in header, body);
        TupleKey key = TupleKey.Of(in _flow);
        Tally.FlowMessages++;
        if (Bypass is not null)
        {
            CheckBypassed(type, in key);
            return;
        }

        ShadowEntry? entry = Internal.Find(in key);
        if (_sentAs.TryGetValue(key, out var before) && _asked.Contains(before.Message)) Tally.Resent++;
        _sentAs[key] = (MessagesSent, entry?.Flow.Id ?? 0);
        if (type == PeerMessageType.FlowDelete)
        {
            if (entry is not null) throw Fail($"tells the end of {key}, which lives");
            if (!Internal.Knew(in key)) throw Fail($"tells the end of {key}, which never was");
            return;
        }

        if (entry is null) throw Fail($"tells of {key}, which is not there");
        entry.IsAnnounced = true;
        WireView.Project(in entry.Flow, node.Options, ref _expected);
        string? difference = FlowDiff.Find(in _flow, in _expected, WireView.Carried);
        if (difference is not null) throw Fail($"tells of {key} otherwise than it is: {difference}");
    }

    // Each event is a message, of the event's words and no others.
    private void CheckBypassed(PeerMessageType type, in TupleKey key)
    {
        if (!Bypass!.TakeDue(out PeerMessageType due, out PackedFlow told)) throw Fail($"tells of {key} for no reason");
        if (type != due || key != TupleKey.Of(in told))
            throw Fail($"tells {type} of {key} where {due} of {TupleKey.Of(in told)} is due");
        if (type == PeerMessageType.FlowDelete) return;
        WireView.Project(in told, node.Options, ref _expected);
        string? difference = FlowDiff.Find(in _flow, in _expected, WireView.Carried);
        if (difference is not null) throw Fail($"tells of {key} otherwise than its event: {difference}");
    }

    private void CheckRange(PeerFlags flags, ReadOnlySpan<byte> message)
    {
        (Seq from, Seq to) = PeerHeader.ReadRange(message);
        if ((flags & PeerFlags.Resync) != 0)
        {
            Tally.Resyncs++;
            return;
        }

        if (to.IsBefore(from)) throw Fail($"sent a range that ends before it begins");
        bool isAck = (flags & PeerFlags.Ack) != 0;
        if (isAck) Tally.Acks++;
        else Tally.Nacks++;
        if (PeerOfNumber(to) is not { } peer || peer.Witness is not { } theirs || !Heard(peer.Index, peer.Run)) return;

        // Where a run begins that it has not heard from its first message on, a node cannot know.
        long begin = isAck ? _peers[peer.Index].First : 0;
        long low = Math.Max(begin, (int)(from.Value - theirs.FirstSequence.Value));
        long high = Math.Min(theirs.MessagesSent - 1, (int)(to.Value - theirs.FirstSequence.Value));
        if (!isAck) Tally.Nacked += Math.Max(0, high - low + 1);
        for (long number = low; number <= high; number++)
        {
            if (!isAck) theirs._asked.Add(number);
            else if (!Got(peer.Index, peer.Run, number))
                throw Fail($"acknowledges {from.Value}..{to.Value} of {peer.Name}, of which it did not get all");
        }
    }

    // What a peer did not repeat when it was asked for everything goes, and must not be there.
    private void CheckSwept()
    {
        var held = new HashSet<TupleKey>();
        ulong cursor = 0;
        while (node.Engine.ReadNext(CacheKind.External, ref cursor, world.Now, ref _flow, out _))
            held.Add(TupleKey.Of(in _flow));
        foreach ((TupleKey key, ShadowEntry gone) in External.Entries)
        {
            if (held.Contains(key)) continue;
            foreach (Node peer in world.Nodes)
            {
                // A full cache may have taken a flow in only after everything was asked for.
                if (peer == node || (peer.Taint & Taint.InternalFull) != 0) continue;
                // What another one told, too, before is repeated with that one's bulk, which was asked for as well.
                if (peer.Index == gone.Owner && WasTold(peer, in key)) throw Fail($"forgot {key} of {peer.Name}");
            }

            External.Forget(in key);
        }
    }

    // A flow that is still to be told is another one on the same tuple; what a cache was emptied of is not in its bulk.
    private bool WasTold(Node peer, in TupleKey key) =>
        (peer.Taint & Taint.InternalFlushed) == 0 && peer.Witness is { } theirs && theirs.Internal.Find(in key) is { } entry
        && theirs._sentAs.TryGetValue(key, out var sent) && sent.Id == entry.Flow.Id
        && Got(peer.Index, peer.Run, sent.Message);

    // Of two nodes it is the other one; of more, the one that has used the number.
    private Node? PeerOfNumber(Seq number)
    {
        if (world.Nodes.Count == 2) return world.Nodes[1 - node.Index];
        foreach (Node peer in world.Nodes)
        {
            if (peer != node && peer.Witness is { } theirs
                && number.DistanceFrom(theirs.FirstSequence) < theirs.MessagesSent)
                return peer;
        }

        return null;
    }

    /// <summary>What this run knows of one run of a peer.</summary>
    private sealed class PeerView(int run)
    {
        private const long MostDoubtMilliseconds = 1500;
        private const long MostSilentDoubtMilliseconds = 5000;

        private const long MostPauseMicroseconds = 1_000_000;

        private Instant? _doubtedAt;
        private long _doubted;           // microseconds, without those in which nothing came

        public int Run => run;

        /// <summary>The first message that was accepted.</summary>
        public long First { get; private set; } = -1;

        /// <summary>The last message that was accepted.</summary>
        public long Highest { get; private set; } = -1;

        public List<bool> Got { get; } = [];

        /// <summary>Whether messages that were not accepted have come for only a moment.</summary>
        public bool MayStillDoubt(Instant now, bool isGreeting)
        {
            if (_doubtedAt is { } last)
                _doubted += Math.Min(now.Microseconds - last.Microseconds, MostPauseMicroseconds);
            _doubtedAt = now;
            return _doubted < 1000 * (isGreeting ? MostDoubtMilliseconds : MostSilentDoubtMilliseconds);
        }

        /// <summary>A greeting that was overtaken is taken for a restart, where no port tells the runs apart.</summary>
        public void AcceptLate(Parcel parcel, int missed)
        {
            for (long number = parcel.FirstMessage + missed; number < parcel.FirstMessage + parcel.Count; number++)
            {
                while (Got.Count <= number) Got.Add(false);
                Got[(int)number] = true;
            }
        }

        public void Accept(Parcel parcel, int missed)
        {
            long first = parcel.FirstMessage + missed;
            if (First < 0) First = first;
            Highest = parcel.FirstMessage + parcel.Count - 1;
            while (Got.Count < first) Got.Add(false);
            while (Got.Count <= Highest) Got.Add(true);
        }
    }
}
