using TwinTrack.Conntrack.Kernel;
using TwinTrack.Lab;

namespace TwinTrack.Bench;

/// <summary>Client, server and two firewalls, fresh for each round.</summary>
internal sealed class TestBed : IDisposable
{
    private TestBed(RunDirectory directory, bool reordersSync)
    {
        Directory = directory;
        // Address translation would cost the kernel the same in every set-up, and hide part of what differs.
        Topology = Topology.Build(directory, new TopologyOptions
        {
            SourceNat = false,
            ReordersSync = reordersSync,
        });
    }

    public RunDirectory Directory { get; }

    public Topology Topology { get; }

    /// <summary>Builds them.</summary>
    /// <param name="reordersSync">Whether frames overtake each other on the link between the firewalls.</param>
    public static TestBed Build(bool reordersSync = false)
    {
        RunDirectory directory = RunDirectory.Create();
        try
        {
            return new(directory, reordersSync);
        }
        catch
        {
            directory.Dispose();
            throw;
        }
    }

    /// <summary>Removes everything, the tables first, so that the next round does not pay for it.</summary>
    public void Dispose()
    {
        try
        {
            foreach (Firewall firewall in (Firewall[])[Topology.Primary, Topology.Backup])
            {
                firewall.Namespace.KillProcesses();
                firewall.Namespace.Run(() =>
                {
                    using var client = new ConntrackClient();
                    client.Flush().ThrowIfFailed("empty the table");
                });
            }
        }
        finally
        {
            Topology.Dispose();
        }
    }
}
