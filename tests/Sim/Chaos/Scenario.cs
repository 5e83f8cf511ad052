using System.Globalization;
using TwinTrack.Conntrack;
using TwinTrack.Replication;
using TwinTrack.Sim.Kernel;
using TwinTrack.Sim.Net;
using TwinTrack.Sim.Oracle;
using TwinTrack.Sim.Shell;

namespace TwinTrack.Sim.Chaos;

/// <summary>A story told in lines: what happens to some nodes, and what must be so afterwards.</summary>
/// <remarks>
/// <code>
/// nodes a b   mode ftfw window 20 resend 100 limit 50 links 2 startup-resync     # first of all
/// run 3s                        run 250ms
/// drop a>b 2                    double a>b 1         hold a>b 1 200ms            # datagrams to come
/// cut a>b                       mend a>b             silence link 0              # until said otherwise
/// a: new tcp 10.0.0.1:1000 > 192.0.2.1:80            a: end ...   a: established ...   a: mark 5 ...
/// a: start | stop | crash | overrun | command RequestResync | link 0 down | link 0 up
/// expect b nacked 1, a resent 1, b external = a internal, b external 3, a internal 3, b uses link 1
/// </code>
/// </remarks>
internal sealed class Scenario : IDisposable
{
    private static readonly char[] s_blanks = [' ', '\t'];

    private World? _world;
    private TextWriter? _trace;

    private World World => _world ?? throw new FormatException("the first line must be `nodes'");

    /// <summary>Tells a story.</summary>
    /// <param name="path">The file.</param>
    /// <param name="trace">Takes what happens.</param>
    /// <returns>Where it is wrong, and how; null when all is as it must be.</returns>
    public static string? Try(string path, TextWriter? trace = null)
    {
        using var scenario = new Scenario { _trace = trace };
        int number = 0;
        try
        {
            foreach (string line in File.ReadLines(path))
            {
                number++;
                scenario.Do(line.Split('#')[0].Trim());
            }

            foreach (Node node in scenario.World.Nodes) node.Witness?.CheckCaches();
            return null;
        }
        catch (Exception problem) when (problem is SimFailure or FormatException)
        {
            return $"{path}:{number}: {problem.Message}";
        }
    }

    public void Dispose() => _world?.Dispose();

    private void Do(string line)
    {
        string[] words = line.Split(s_blanks, StringSplitOptions.RemoveEmptyEntries);
        switch (words)
        {
            case []:
                break;
            case ["nodes", ..]:
                Build(words);
                break;
            case ["run", var time]:
                World.RunUntil(new Instant(World.Now.Microseconds + Microseconds(time)));
                break;
            case ["drop", var way, var count]:
                Way(way).LoseNext = Number(count);
                break;
            case ["double", var way, var count]:
                Way(way).DoubleNext = Number(count);
                break;
            case ["hold", var way, var count, var time]:
                Way(way).HoldNext = (Number(count), Microseconds(time));
                break;
            case ["cut" or "mend", var way]:
                Way(way).IsUp = words[0] == "mend";
                break;
            case ["silence", "link", var link]:
                foreach (Node from in World.Nodes)
                    foreach (Node to in World.Nodes) World.LinkOf(from.Index, to.Index, Number(link)).IsUp = false;
                break;
            case ["expect", ..]:
                foreach (string clause in line["expect".Length..].Split(',')) Expect(clause);
                break;
            case [var name, ..] when name.EndsWith(':'):
                Happen(NodeOf(name[..^1]), words[1..]);
                break;
            default:
                throw new FormatException($"unknown: {line}");
        }
    }

    private void Build(string[] words)
    {
        var options = new SyncOptions();
        List<string> names = [];
        int links = 1;
        for (int at = 1; at < words.Length; at++)
        {
            switch (words[at])
            {
                case "mode":
                    options = options with { Mode = Enum.Parse<SyncModeKind>(words[++at], ignoreCase: true) };
                    break;
                case "window":
                    options = options with { AckWindow = Number(words[++at]) };
                    break;
                case "resend":
                    options = options with { ResendQueueSize = Number(words[++at]) };
                    break;
                case "limit":
                    options = options with { CacheLimit = Number(words[++at]) };
                    break;
                case "links":
                    links = Number(words[++at]);
                    break;
                case "startup-resync":
                    options = options with { StartupResync = true };
                    break;
                default:
                    names.Add(words[at]);
                    break;
            }
        }

        uint spread = uint.MaxValue / (uint)Math.Max(names.Count, 1);
        _world = new World(
            seed: 2,
            [.. names.Select((name, index) => new NodeSetup(name)
            {
                Options = options,
                FirstSequence = 1_800_000_000 + (names.Count > 2 ? spread * (uint)index : 0),
            })],
            new LinkOptions(), _trace, links);
        foreach (Node node in World.Nodes) node.Start();
    }

    private void Happen(Node node, string[] words)
    {
        switch (words)
        {
            case ["start"]:
                node.Start();
                break;
            case ["stop"]:
                node.Stop();
                break;
            case ["crash"]:
                node.Crash();
                break;
            case ["overrun"]:
                node.Daemon?.Overrun();
                break;
            case ["command", var name]:
                node.Command(Enum.Parse<SyncCommand>(name));
                break;
            case ["link", var link, "up" or "down"]:
                node.SetLink(Number(link), words[2] == "up");
                break;
            case ["new", .. var tuple]:
                FlowTuple original = Tuple(tuple);
                node.Kernel.Open(World.Now, new FlowOpening { Original = original, Reply = Tuples.Mirror(in original) });
                break;
            case ["end", .. var tuple]:
                node.Kernel.Kill(World.Now, FlowOf(node, tuple), portId: 7);
                break;
            case ["established", .. var tuple]:
                node.Kernel.Advance(World.Now, FlowOf(node, tuple), (byte)TcpState.Established);
                break;
            case ["mark", var mark, .. var tuple]:
                node.Kernel.SetMark(World.Now, FlowOf(node, tuple), (uint)Number(mark));
                break;
            default:
                throw new FormatException($"unknown: {string.Join(' ', words)}");
        }
    }

    private void Expect(string clause)
    {
        string[] words = clause.Split(s_blanks, StringSplitOptions.RemoveEmptyEntries);
        Node node = NodeOf(words[0]);
        Witness witness = node.Witness ?? throw new SimFailure($"{node.Name} is down");
        switch (words[1..])
        {
            case ["nacked", var count, ..]:
                Check(clause, witness.Tally.Nacked, count);
                break;
            case ["resent", var count, ..]:
                Check(clause, witness.Tally.Resent, count);
                break;
            case ["external", "=", var other, "internal"]:
                if (Convergence.DifferenceOfPeers(World, node) is { } difference) throw new SimFailure(difference);
                Check(clause, witness.External.Count, NodeOf(other).Witness!.Internal.Active.ToString());
                break;
            case ["external", var count]:
                Check(clause, witness.External.Count, count);
                break;
            case ["internal", var count]:
                Check(clause, witness.Internal.Active, count);
                break;
            case ["kernel", var count]:
                Check(clause, node.Kernel.Flows.Count, count);
                break;
            case ["uses", "link", var link]:
                Check(clause, node.Daemon!.Link, link);
                break;
            default:
                throw new FormatException($"unknown: expect{clause}");
        }
    }

    private static void Check(string clause, long actual, string expected)
    {
        if (actual != Number(expected)) throw new SimFailure($"expected{clause}, but it is {actual}");
    }

    private Node NodeOf(string name) =>
        World.Nodes.FirstOrDefault(node => node.Name == name) ?? throw new FormatException($"there is no node {name}");

    private Link Way(string way)
    {
        string[] ends = way.Split('>');
        if (ends.Length != 2) throw new FormatException($"no way between nodes: {way}");
        return World.LinkOf(NodeOf(ends[0]).Index, NodeOf(ends[1]).Index);
    }

    private static ModelFlow FlowOf(Node node, string[] words)
    {
        FlowTuple tuple = Tuple(words);
        return node.Kernel.Find(TupleKey.Of(in tuple, zone: 0))
            ?? throw new FormatException($"{node.Name} has no {string.Join(' ', words)}");
    }

    // tcp ADDRESS:PORT > ADDRESS:PORT
    private static FlowTuple Tuple(string[] words)
    {
        if (words is not [var protocol, var from, ">", var to]) throw new FormatException("expected: tcp A:P > A:P");
        byte number = protocol == "udp" ? IpProtocol.Udp : IpProtocol.Tcp;
        int source = from.LastIndexOf(':');
        int destination = to.LastIndexOf(':');
        return Tuples.Make(
            from[..source], to[..destination], number, (ushort)Number(from[(source + 1)..]),
            (ushort)Number(to[(destination + 1)..]));
    }

    private static int Number(string text) => int.Parse(text, CultureInfo.InvariantCulture);

    private static long Microseconds(string text) => text.EndsWith("ms", StringComparison.Ordinal)
        ? Number(text[..^2]) * 1000L
        : Number(text.TrimEnd('s')) * 1_000_000L;
}
