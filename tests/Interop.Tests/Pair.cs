using TwinTrack.Lab;

namespace TwinTrack.Interop.Tests;

/// <summary>Two firewalls joined by a link, each with a conntrackd of either make.</summary>
internal sealed class Pair : IDisposable
{
    private readonly RunDirectory _directory = RunDirectory.Create();
    private readonly Topology _topology;

    private Pair(Make first, Make second, TopologyOptions options)
    {
        // Paths of control sockets have 107 bytes at most.
        _topology = Topology.Build(_directory, options);
        First = new Node(_topology.Primary, first, $"{_directory.Path}/n1");
        Second = new Node(_topology.Backup, second, $"{_directory.Path}/n2");
    }

    public Node First { get; }

    public Node Second { get; }

    /// <summary>The folder for what a test leaves.</summary>
    public string Folder => _directory.Path;

    /// <summary>Builds the firewalls without starting anything.</summary>
    public static Pair Build(Make first, Make second, TopologyOptions? options = null) =>
        new(first, second, options ?? new TopologyOptions());

    /// <summary>Builds the firewalls, changes both configurations, starts both daemons and waits until they talk.</summary>
    public static Pair Start(
        Make first, Make second, Func<SyncConfig, SyncConfig>? change = null, TopologyOptions? options = null)
    {
        var pair = new Pair(first, second, options ?? new TopologyOptions());
        try
        {
            foreach (Node node in (Node[])[pair.First, pair.Second])
            {
                if (change is not null) node.Config = change(node.Config);
                node.Start();
            }

            return pair;
        }
        catch
        {
            pair.Dispose();
            throw;
        }
    }

    /// <summary>Frames that the link has held back, if it is one that does.</summary>
    public long HeldBackFrames => _topology.HeldBackFrames;

    /// <summary>Builds the firewalls with links of a kind, without starting anything.</summary>
    public static Pair Build(Make first, Make second, SyncChannel channel, bool isIPv6, int links = 1)
    {
        var pair = new Pair(first, second, new TopologyOptions { SyncLinks = links, SyncIPv6 = isIPv6 });
        foreach (Node node in (Node[])[pair.First, pair.Second])
        {
            SyncLink link = node.Firewall.SyncLink(0, isIPv6);
            node.Config = node.Config with
            {
                Channel = channel,
                Address = link.Address,
                PeerAddress = link.PeerAddress,
                MoreLinks =
                [
                    .. Enumerable.Range(1, links - 1).Select(index => node.Firewall.SyncLink(index, isIPv6) with
                    {
                        Channel = channel,

                        // Each socket of an original takes what any link brings for its group and port.
                        Port = node.Config.Port + (first == Make.Original || second == Make.Original ? index : 0),
                    }),
                ],
            };
        }

        return pair;
    }

    /// <summary>Starts both daemons and waits until they answer.</summary>
    public Pair Start()
    {
        First.Start();
        Second.Start();
        return this;
    }

    public Topology Topology => _topology;

    public void SetLoss(int percent) => _topology.SetSyncLoss(percent);

    /// <summary>Waits until the second node holds what the first one's internal cache does, and nothing else.</summary>
    /// <returns>How long it took.</returns>
    public TimeSpan WaitUntilEqual(TimeSpan? patience = null) => Replication.WaitUntilEqual(First, Second, patience);

    public void Dispose()
    {
        First.Dispose();
        Second.Dispose();
        _topology.Dispose();
    }
}
