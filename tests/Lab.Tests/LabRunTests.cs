using System.Text.Json;
using Xunit;

namespace TwinTrack.Lab.Tests;

[Trait("needs", "root")]
[Collection(AloneOnThisHost)]
public sealed class LabRunTests
{
    /// <summary>A lab that starts clears away what others left, so that tests of leftovers wait for it.</summary>
    public const string AloneOnThisHost = "alone on this host";

    private const int Connections = 20;

    [Theory]
    [InlineData(true)]
    [InlineData(false)]
    public void Connections_outlive_the_primary_when_the_backup_commits_what_it_heard(bool sourceNat)
    {
        string original = ProgramFinder.Original();
        LabResult result = Run(new LabOptions
        {
            Connections = Connections,
            SourceNat = sourceNat,
            PrimaryProgram = original,
            BackupProgram = original,
            Steady = TimeSpan.FromMilliseconds(200),
        });

        Assert.Empty(result.Problems);
        Assert.Equal(Connections, result.Alive);
        Assert.True(result.Passed);
        Assert.Equal(0, result.Udp.Altered);
        Assert.NotNull(result.TakeOver.CommitMs);
        Assert.Equal(
            [
                new("fw1", "before", Connections + 1, Connections + 1, 0),
                new("fw2", "before", 0, 0, Connections + 1),
                new("fw2", "after", Connections + 1, Connections + 1, 0),
            ],
            result.Flows);
    }

    [Theory]
    [InlineData(true)]
    [InlineData(false)]
    public void Without_replication_no_connection_outlives_the_primary(bool sourceNat)
    {
        LabResult result = Run(new LabOptions
        {
            Connections = Connections,
            SourceNat = sourceNat,
            Steady = TimeSpan.FromMilliseconds(200),
            RecoveryDeadline = TimeSpan.FromSeconds(2),
        });

        Assert.Equal(0, result.Alive);
        Assert.False(result.Udp.Alive);
        Assert.False(result.Passed);
        Assert.Equal(0ul, result.SynAfterCut);
        Assert.Contains(new FlowCount("fw2", "after", 0, null, null), result.Flows);
        string json = JsonSerializer.Serialize(result, LabJson.Default.LabResult);
        Assert.Contains("\"passed\": false", json, StringComparison.Ordinal);
    }

    [Fact]
    public void Connections_that_open_while_the_dedicated_link_is_cut_are_replicated_over_the_other_one()
    {
        LabResult result = Run(new LabOptions
        {
            Connections = Connections,
            Links = 2,
            PrimaryProgram = ProgramFinder.Ours(),
            BackupProgram = ProgramFinder.Ours(),
            Steady = TimeSpan.FromMilliseconds(200),
        });

        Assert.Empty(result.Problems);
        Assert.True(result.Passed);
        Assert.NotNull(result.LinkFailOverMs);
    }

    [Fact]
    public void A_run_that_is_told_to_stop_leaves_nothing()
    {
        using var cancellation = new CancellationTokenSource();
        var run = new LabRun(new LabOptions { Connections = Connections, Steady = TimeSpan.FromSeconds(60) });
        var thread = new Thread(() => Assert.Throws<OperationCanceledException>(() => run.Execute(cancellation.Token)));
        thread.Start();
        Assert.True(SpinWait.SpinUntil(() => run.Sample().Moving == Connections, TimeSpan.FromSeconds(20)));

        cancellation.Cancel();
        thread.Join();
        run.Dispose();

        Assert.Empty(NetNamespace.Names(run.Prefix!));
        Assert.False(Directory.Exists(run.Folder));
    }

    private static LabResult Run(LabOptions options)
    {
        using var run = new LabRun(options);
        return run.Execute(TestContext.Current.CancellationToken);
    }
}
