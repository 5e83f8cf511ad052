using Xunit;

namespace TwinTrack.Lab.Tests;

[Trait("needs", "root")]
public sealed class DaemonProcessTests
{
    private readonly string _original = Command.Find("conntrackd")
        ?? throw new InvalidOperationException("these tests need the package conntrackd");

    [Fact]
    public void Flows_of_the_primary_reach_the_external_cache_of_the_backup()
    {
        using RunDirectory directory = RunDirectory.Create();
        using Topology topology = Topology.Build(directory, new TopologyOptions());
        using DaemonProcess primary = Start(topology.Primary, directory);
        using DaemonProcess backup = Start(topology.Backup, directory);
        primary.WaitUntilReady(TestContext.Current.CancellationToken);
        backup.WaitUntilReady(TestContext.Current.CancellationToken);

        FlowGenerator.Create(topology.Primary.Namespace, 50);

        Assert.True(SpinWait.SpinUntil(() => backup.CountCaches().External == 50, TimeSpan.FromSeconds(30)));
        Assert.Equal(new CacheCounts(50, 0), primary.CountCaches());
        Assert.Equal(50, backup.CountExternal(line => line.Contains("ESTABLISHED", StringComparison.Ordinal)));
        Assert.Equal(0, primary.Stop());
    }

    [Fact]
    public void A_daemon_that_cannot_start_is_reported_with_its_own_words()
    {
        using RunDirectory directory = RunDirectory.Create();
        using Topology topology = Topology.Build(directory, new TopologyOptions());
        SyncConfig config = Config(topology.Primary) with { GeneralLines = "Nonsense 1" };
        using var daemon = DaemonProcess.Start(
            _original, topology.Primary.Namespace, config, $"{directory.Path}/fw1");

        LabException e = Assert.Throws<LabException>(
            () => daemon.WaitUntilReady(TestContext.Current.CancellationToken));

        Assert.Contains("exit code 1", e.Message, StringComparison.Ordinal);
        Assert.Contains("Nonsense", e.Message, StringComparison.Ordinal);
    }

    private DaemonProcess Start(Firewall firewall, RunDirectory directory) => DaemonProcess.Start(
        _original, firewall.Namespace, Config(firewall), $"{directory.Path}/{firewall.SyncAddress}");

    private static SyncConfig Config(Firewall firewall) =>
        new() { Address = firewall.SyncAddress, PeerAddress = firewall.PeerSyncAddress };
}
