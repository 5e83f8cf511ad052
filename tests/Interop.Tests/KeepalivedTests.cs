using TwinTrack.Lab;
using Xunit;

namespace TwinTrack.Interop.Tests;

/// <summary>
/// Two firewalls with a real keepalived each, two virtual addresses in a group: traffic through them outlives the failure
/// of one, and its return.
/// </summary>
[Trait("needs", "root")]
[Collection(BusyCollection.Name)]
public sealed class KeepalivedTests
{
    private const int Connections = 100;
    private const string OriginalScript = "/usr/share/doc/conntrackd/examples/sync/primary-backup.sh";

    [Theory]
    [InlineData(Make.Ours, Make.Ours, false)]
    [InlineData(Make.Ours, Make.Ours, true)]
    [InlineData(Make.Original, Make.Ours, true)]
    public void Connections_outlive_the_failure_and_the_return_of_a_firewall(
        Make primary, Make backup, bool isOriginalScript)
    {
        KeepalivedResult result = Run(Options(primary, backup) with
        {
            Script = isOriginalScript ? OriginalScript : ProgramFinder.Script(),
            Rounds = 2,
        });

        Assert.Equal(4, result.Changes.Count);
        Assert.All(result.Changes, change => Assert.Equal((Connections, true), (change.Alive, change.UdpAlive)));
        Assert.Empty(result.Broken);
        Assert.True(result.Passed);
    }

    [Fact]
    public void Two_active_firewalls_take_each_others_connections_and_give_them_back()
    {
        KeepalivedResult result = Run(Options(Make.Ours, Make.Ours) with { IsActiveActive = true });

        Assert.Equal(2 * Connections, result.Connections);
        Assert.Equal("fw1 fw1 fw2 fw2", string.Join(" ", result.Changes.Select(change => change.Firewall)));
        Assert.All(result.Changes, change => Assert.Equal((2 * Connections, true), (change.Alive, change.UdpAlive)));
        Assert.True(result.Passed);
    }

    /// <summary>What the others show is the script's doing, and the daemons'.</summary>
    [Fact]
    public void A_script_that_does_nothing_loses_every_connection()
    {
        string script = Path.GetTempFileName();
        try
        {
            File.WriteAllText(script, "exit 0\n");
            KeepalivedResult result = Run(Options(Make.Ours, Make.Ours) with
            {
                Script = script,
                Deadline = TimeSpan.FromSeconds(8),
            });
            Assert.Equal((0, false), (result.Changes[0].Alive, result.Changes[0].UdpAlive));
            Assert.False(result.Passed);
        }
        finally
        {
            File.Delete(script);
        }
    }

    private static KeepalivedOptions Options(Make primary, Make backup) => new()
    {
        Connections = Connections,
        PrimaryProgram = Programs.PathOf(primary),
        BackupProgram = Programs.PathOf(backup),
        Script = ProgramFinder.Script(),
    };

    private static KeepalivedResult Run(KeepalivedOptions options)
    {
        using var run = new KeepalivedRun(options);
        return run.Execute(TestContext.Current.CancellationToken);
    }
}
