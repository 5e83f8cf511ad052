using System.Text.Json;
using Xunit;

namespace TwinTrack.Lab.Tests;

[Trait("needs", "root")]
[Collection(LabRunTests.AloneOnThisHost)]
public sealed class FtpRunTests
{
    [Theory]
    [InlineData(true)]
    [InlineData(false)]
    public void A_data_connection_announced_before_the_take_over_passes_only_where_expectations_are_replicated(
        bool replicatesExpectations)
    {
        using var run = new FtpRun(new FtpOptions
        {
            ReplicatesExpectations = replicatesExpectations,
            PrimaryProgram = ProgramFinder.Ours(),
            BackupProgram = ProgramFinder.Ours(),
        });
        FtpResult result = run.Execute(TestContext.Current.CancellationToken);

        Assert.Equal((replicatesExpectations, true), (result.DataAlive, result.ControlAlive));
        Assert.Equal(replicatesExpectations, result.Passed);
        Assert.Equal(replicatesExpectations, result.DataMs is not null);
        Assert.Equal(replicatesExpectations ? 0 : 1, result.Problems.Count);
        using JsonDocument json = JsonDocument.Parse(JsonSerializer.Serialize(result, FtpJson.Default.FtpResult));
        Assert.Equal(replicatesExpectations, json.RootElement.GetProperty("passed").GetBoolean());
        Assert.Equal(replicatesExpectations, json.RootElement.GetProperty("dataAlive").GetBoolean());
    }
}
