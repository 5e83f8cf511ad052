using System.Text;
using TwinTrack.Replication.Wire;
using Xunit;

namespace TwinTrack.Replication.Tests;

/// <summary>
/// Malformed and borderline datagrams, in the order in which an original received them: the same counters, the same
/// changes of the external cache, the same answers, but for the rows of <see cref="Deviations"/>.
/// </summary>
public sealed class CraftedTests
{
    private const string Jump = "sequence distance exactly 0x80000000";
    private const string Restart = "CT_NEW with flags HELLO and an old sequence number";

    // Cases during or after which the original's keep-alive timer ran: it tells in an answer, or in where the next
    // acknowledged range begins.
    private static readonly string[] TimerBeforeAnswer =
        ["version 0", "5..8 stray bytes: zero filled", "EXP_NEW"];

    private static readonly string[] TimerAfterwards =
        [Restart, "no L4 protocol"];

    /// <summary>What we answer otherwise, on purpose; docs/deviations.md says why.</summary>
    private static readonly Dictionary<string, Func<CraftedCase, CraftedCase>> Deviations = new(StringComparer.Ordinal)
    {
        // A gap counts the messages that are missing; the original counts two more.
        ["sequence gap of 1"] = theirs => Lost(theirs, 1),
        ["sequence gap of 5"] = theirs => Lost(theirs, 5),

        // In FT-FW a number so far ahead is not believed.
        [Jump] =
            theirs => theirs.Replies.Count > 0 ? Ignored(theirs) : Lost(theirs, 0x8000_0000),

        // In FT-FW a run that begins with a flow may have begun before it.
        [Restart] = theirs => theirs.Counters.Count > 0 ? theirs : theirs with { Replies = Asked(theirs) },

        // A flow without addresses or protocol is refused; the original stores it, and its listing stops there.
        ["empty body"] = theirs => Refused(theirs),
        ["no addresses"] = theirs => Refused(theirs),
        ["no L4 protocol"] = theirs => Refused(theirs),
    };

    private readonly byte[] _buffer = new byte[2048];
    private Instant _now = new(5_000_000);

    [Theory]
    [InlineData(SyncModeKind.Ftfw)]
    [InlineData(SyncModeKind.Notrack)]
    [InlineData(SyncModeKind.Alarm)]
    public void Every_crafted_datagram_is_taken_as_the_original_takes_it(SyncModeKind mode)
    {
        List<CraftedCase> cases = CraftedCase.OfMode(mode.ToString().ToUpperInvariant());
        Assert.Equal(71, cases.Count);
        Assert.Empty(Deviations.Keys.Except(cases.Select(theirs => theirs.Name), StringComparer.Ordinal));

        using var engine = new SyncEngine(new SyncOptions { Mode = mode, AckWindow = 1000 }, new Seq(77), _now);
        List<string> before = Flows.Lines(engine, CacheKind.External);
        foreach (CraftedCase theirs in cases)
        {
            CraftedCase expected = Deviations.TryGetValue(theirs.Name, out var ours) ? ours(theirs) : theirs;
            SyncStats stats = engine.Stats;
            engine.OnPeer(_now, default, default, theirs.Datagram);
            if (TimerBeforeAnswer.Contains(theirs.Name, StringComparer.Ordinal)) RunTimer(engine);
            List<string> replies = Drain(engine);
            List<string> after = Flows.Lines(engine, CacheKind.External);
            Assert.Equal(Describe(expected), Describe(theirs with
            {
                Counters = Differences(stats, engine.Stats),
                Added = [.. after.Except(before, StringComparer.Ordinal)],
                Removed = [.. before.Except(after, StringComparer.Ordinal)],
                Replies = replies,
            }));
            before = after;
            if (theirs.Name == Jump && mode == SyncModeKind.Ftfw) before = Mean(engine, theirs);
            _now = _now.PlusMilliseconds(60);    // as it was recorded
            if (!TimerAfterwards.Contains(theirs.Name, StringComparer.Ordinal)) continue;
            RunTimer(engine);
            Drain(engine);
        }
    }

    // The cases that follow go on from there: the sender says that it has started, and is answered.
    private List<string> Mean(SyncEngine engine, CraftedCase theirs)
    {
        byte[] datagram = [.. theirs.Datagram];
        datagram[1] |= (byte)PeerFlags.Hello;
        engine.OnPeer(_now, default, default, datagram);
        engine.OnFlow(_now, FlowChange.New, EventOrigin.Other, Flows.Tcp(1));
        Drain(engine);
        return Flows.Lines(engine, CacheKind.External);
    }

    // ALARM does not look at numbers.
    private static CraftedCase Lost(CraftedCase theirs, ulong count) =>
        theirs.Counters.Count == 0 ? theirs : theirs with { Counters = Counts("Packets lost", count) };

    private static CraftedCase Ignored(CraftedCase theirs) =>
        theirs with { Counters = new Dictionary<string, ulong>(StringComparer.Ordinal), Added = [], Replies = [] };

    private static string[] Asked(CraftedCase theirs) =>
        theirs.Added.Count > 0 ? ["RESYNC|HELLO_BACK 0..0"] : [];

    private static CraftedCase Refused(CraftedCase theirs)
    {
        Dictionary<string, ulong> counters = Counts("Malformed payload", 1);
        counters["Malformed messages"] = 1;
        return theirs with { Counters = counters, Added = [], Removed = [] };
    }

    private static Dictionary<string, ulong> Counts(string name, ulong value) =>
        new(StringComparer.Ordinal) { [name] = value };

    private static Dictionary<string, ulong> Differences(SyncStats before, SyncStats after)
    {
        (string Name, ulong Value)[] all =
        [
            ("Malformed messages", after.Malformed - before.Malformed),
            ("Wrong protocol version", after.WrongVersion - before.WrongVersion),
            ("Malformed header", after.MalformedHeader - before.MalformedHeader),
            ("Malformed payload", after.MalformedPayload - before.MalformedPayload),
            ("Bad message type", after.BadType - before.BadType),
            ("Truncated message", after.Truncated - before.Truncated),
            ("Bad message size", after.BadSize - before.BadSize),
            ("Packets lost", after.Lost - before.Lost),
            ("Packets before", after.Before - before.Before),
        ];
        return all.Where(counter => counter.Value != 0)
            .ToDictionary(counter => counter.Name, counter => counter.Value, StringComparer.Ordinal);
    }

    private static string Describe(CraftedCase entry)
    {
        var text = new StringBuilder(entry.Name);
        foreach ((string name, ulong value) in entry.Counters.OrderBy(counter => counter.Key, StringComparer.Ordinal))
            text.Append("\n  ").Append(name).Append(' ').Append(value);
        foreach (string line in entry.Added) text.Append("\n  + ").Append(line);
        foreach (string line in entry.Removed) text.Append("\n  - ").Append(line);
        foreach (string line in entry.Replies) text.Append("\n  > ").Append(line);
        return text.ToString();
    }

    private void RunTimer(SyncEngine engine)
    {
        if (engine.Options.Mode == SyncModeKind.Alarm) return;   // nothing is said to keep alive
        _now = engine.NextDeadline;
        engine.OnDeadline(_now);
    }

    private List<string> Drain(SyncEngine engine)
    {
        var replies = new List<string>();
        while (engine.PollTransmit(_now, _buffer, 1472) is var length and not 0)
        {
            foreach (byte[] message in new RecordedDatagram(0, 0, [], _buffer[..length]).Messages())
            {
                PeerHeader header = PeerHeader.Read(message);
                if (!header.HasRange) continue;
                (Seq from, Seq to) = PeerHeader.ReadRange(message);
                replies.Add(CraftedCase.ControlText(FlagNames(header.Flags), from.Value, to.Value));
            }
        }

        return replies;
    }

    private static IEnumerable<string> FlagNames(PeerFlags flags)
    {
        if ((flags & PeerFlags.Resync) != 0) yield return "RESYNC";
        if ((flags & PeerFlags.Nack) != 0) yield return "NACK";
        if ((flags & PeerFlags.Ack) != 0) yield return "ACK";
        if ((flags & PeerFlags.Hello) != 0) yield return "HELLO";
        if ((flags & PeerFlags.HelloBack) != 0) yield return "HELLO_BACK";
    }
}
