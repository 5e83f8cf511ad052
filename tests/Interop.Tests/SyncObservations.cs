using TwinTrack.Conntrack;
using TwinTrack.Lab;
using Xunit;

namespace TwinTrack.Interop.Tests;

/// <summary>What the keywords of section Sync do, seen from outside.</summary>
internal static class SyncObservations
{
    private const int Flows = 20;

    public static readonly Dictionary<string, Action> Rows = new(StringComparer.Ordinal)
    {
        ["the file/Sync"] = () => With("Mode FTFW { }", place =>
            Assert.Contains("cache external:", place.Do("-s"), StringComparison.Ordinal)),
        ["Sync/Mode"] = () =>
        {
            With("Mode FTFW { }", place => Assert.Contains("rsqueue", place.Do("-s", "queue"), StringComparison.Ordinal));
            With("Mode ALARM { }", place =>
                Assert.DoesNotContain("rsqueue", place.Do("-s", "queue"), StringComparison.Ordinal));
        },
        ["Sync/Options"] = SeeWindows,
        ["Options/TCPWindowTracking"] = SeeWindows,
        ["Options/AnnounceDelay"] = SeeAnnouncements,
        ["Options/ExpectationSync"] = () =>
        {
            With("Mode FTFW { }", place => Assert.Empty(place.Do("-s", "expect")));
            With("Mode FTFW { }", place =>
                Assert.Contains("cache internal:", place.Do("-s", "expect"), StringComparison.Ordinal), "Options { ExpectationSync on }");
        },
        ["Sync/RefreshTime"] = () => SeeRefresh("", "RefreshTime 1"),
        ["Mode ALARM/RefreshTime"] = () => SeeRefresh("RefreshTime 1", ""),
        ["Sync/CacheTimeout"] = () => SeeAging("", "CacheTimeout 2"),
        ["Mode ALARM/CacheTimeout"] = () => SeeAging("CacheTimeout 2", ""),
        ["Sync/CommitTimeout"] = () => SeeCommit("FTFW", "", "CommitTimeout 99"),
        ["Mode FTFW/CommitTimeout"] = () => SeeCommit("FTFW", "CommitTimeout 99", ""),
        ["Mode ALARM/CommitTimeout"] = () => SeeCommit("ALARM", "CommitTimeout 99", ""),
        ["Mode NOTRACK/CommitTimeout"] = () => SeeCommit("NOTRACK", "CommitTimeout 99", ""),
        ["Sync/PurgeTimeout"] = () => SeePurge("Mode FTFW { }", "PurgeTimeout 7"),
        ["Mode FTFW/PurgeTimeout"] = () => SeePurge("Mode FTFW { PurgeTimeout 7 }"),
        ["Mode ALARM/PurgeTimeout"] = () => SeePurge("Mode ALARM { PurgeTimeout 7 }"),
        ["Mode NOTRACK/PurgeTimeout"] = () => SeePurge("Mode NOTRACK { PurgeTimeout 7 }"),
        ["Mode FTFW/ResendQueueSize"] = () => With("Mode FTFW { ResendQueueSize 77 }", place =>
            Assert.Contains("          77\n", place.Do("-s", "queue").Split("rsqueue:")[1], StringComparison.Ordinal)),
        ["Mode FTFW/ACKWindowSize"] = SeeAcknowledgements,
        ["Mode FTFW/DisableExternalCache"] = () => SeeBlock("Mode FTFW { DisableExternalCache on }", "external inject:"),
        ["Mode ALARM/DisableExternalCache"] = () => SeeBlock("Mode ALARM { DisableExternalCache on }", "external inject:"),
        ["Mode NOTRACK/DisableExternalCache"] = () =>
            SeeBlock("Mode NOTRACK { DisableExternalCache on }", "external inject:"),
        ["Mode NOTRACK/DisableInternalCache"] = () =>
            SeeBlock("Mode NOTRACK { DisableInternalCache on }", "internal bypass:"),
        ["Mode FTFW/StartupResync"] = () => SeeResync("Mode FTFW { StartupResync on }"),
        ["Mode NOTRACK/StartupResync"] = () => SeeResync("Mode NOTRACK { StartupResync on }"),
    };

    private static void With(string mode, Action<KeywordPlace> look, string options = "")
    {
        using var place = new KeywordPlace();
        look(place.StartSync(mode, options: options));
    }

    private static Pair Start(string mode, string modeLine, string syncLine) =>
        Pair.Start(Make.Ours, Make.Ours, config => config with { Mode = mode, ModeLines = modeLine, SyncLines = syncLine });

    private static void SeeBlock(string mode, string title) =>
        With(mode, place => Assert.Contains(title, place.Do("-s"), StringComparison.Ordinal));

    private static void SeePurge(string mode, string sync = "") => With(mode, place =>
    {
        place.Do("-t");
        KeywordPlace.Awaits("flushing conntrack table in 7 secs", () => place.Log);
    }, sync);

    private static void SeeResync(string mode) =>
        With(mode, place => KeywordPlace.Awaits("resync requested", () => place.Log));

    // A flow that stands still is sent again and again; every minute if nothing is said.
    private static void SeeRefresh(string modeLine, string syncLine)
    {
        using Pair pair = Start("ALARM", modeLine, syncLine);
        FlowGenerator.Create(pair.First.Firewall.Namespace, 1);
        Eventually.Holds(() => Sent(pair.First) >= 6 ? null : $"{Sent(pair.First)} packets");
    }

    private static long Sent(Node node) => long.Parse(
        node.Do("-s").Split('\n').First(line => line.Contains(" Pckts sent", StringComparison.Ordinal))
            .Split(' ', StringSplitOptions.RemoveEmptyEntries)[0]);

    private static void SeeAging(string modeLine, string syncLine)
    {
        using Pair pair = Start("ALARM", modeLine, syncLine);
        FlowGenerator.Create(pair.First.Firewall.Namespace, Flows);
        Eventually.Equals<long?>(Flows, () => pair.Second.Counts().External, "external cache");
        pair.First.Daemon.Kill();
        Eventually.Equals<long?>(0, () => pair.Second.Counts().External, "external cache");
    }

    private static void SeeCommit(string mode, string modeLine, string syncLine)
    {
        using Pair pair = Start(mode, modeLine, syncLine);
        FlowGenerator.Create(pair.First.Firewall.Namespace, Flows);
        Eventually.Equals<long?>(Flows, () => pair.Second.Counts().External, "external cache");
        pair.Second.Do("-c");
        List<PackedFlow> table = pair.Second.Table();
        Assert.Equal(Flows, table.Count);
        Assert.All(table, flow => Assert.InRange(flow.Timeout, 1u, 99u));
    }

    // Without tracking a committed flow may be met anywhere in its window.
    private static void SeeWindows()
    {
        foreach (bool isTracked in (bool[])[true, false])
        {
            using Pair pair = Start("FTFW", "", $"Options {{\nTCPWindowTracking {(isTracked ? "on" : "off")}\n}}");
            FlowGenerator.Create(pair.First.Firewall.Namespace, 1);
            pair.WaitUntilEqual();
            pair.Second.Do("-c");
            PackedFlow flow = Assert.Single(pair.Second.Table());
            Assert.Equal(isTracked, ((TcpFlags)flow.TcpFlagsOriginal & TcpFlags.BeLiberal) == TcpFlags.None);
        }
    }

    // Of connections that are over before the delay is, the peer never hears; without delay it hears of all.
    private static void SeeAnnouncements()
    {
        const int many = 1000;
        foreach (int delay in (int[])[10_000, 0])
        {
            using Pair pair = Start("FTFW", "", $"Options {{\nAnnounceDelay {delay}\n}}");
            FlowGenerator.Create(pair.First.Firewall.Namespace, many);
            Eventually.Equals<long?>(many, () => pair.First.Counts().Internal, "internal cache");
            FlowGenerator.Delete(pair.First.Firewall.Namespace, many);
            Eventually.Equals<long?>(0, () => pair.First.Counts().Internal, "internal cache");
            if (delay == 0) Eventually.Holds(() => Heard(pair.Second) >= many ? null : $"{Heard(pair.Second)} heard of");
            else Assert.InRange(Heard(pair.Second), 0, many / 2);
        }
    }

    private static int Heard(Node node) => int.Parse(
        node.Do("-s").Split("cache external:")[1].Split("connections created:")[1].Split("failed:")[0]);

    // One flow after the other, each in a packet of its own: each is acknowledged, not one in many.
    private static void SeeAcknowledgements()
    {
        using Pair pair = Start("FTFW", "ACKWindowSize 1", "");
        long before = Sent(pair.Second);
        for (int flow = 0; flow < 2 * Flows; flow++)
        {
            FlowGenerator.Create(pair.First.Firewall.Namespace, 1, flow);
            Eventually.Equals<long?>(flow + 1, () => pair.Second.Counts().External, "external cache");
        }

        Eventually.Holds(() => Sent(pair.Second) - before >= 2 * Flows ? null : $"{Sent(pair.Second) - before} packets");
    }
}
