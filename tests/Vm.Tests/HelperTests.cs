using Xunit;

namespace TwinTrack.Vm.Tests;

/// <summary>User-space helpers between real programs, under a kernel that has them.</summary>
[Trait("needs", "root")]
public sealed class HelperTests(HelperRun run) : IClassFixture<HelperRun>
{
    public static TheoryData<string> Scenarios => [.. HelperRun.Scenarios];

    [Theory, MemberData(nameof(Scenarios))]
    public void The_data_comes_through_the_firewall_with_the_helper_and_not_without(string scenario)
    {
        Assert.True(run.Result(scenario, "none") == "refused", $"without a helper:\n{run.Output}");
        Assert.True(run.Result(scenario, "ours") == "passed", $"with the helper:\n{run.Output}");
    }

    [Fact]
    public void Nfct_does_with_helpers_what_the_original_does() =>
        Assert.True(run.Result("nfct", "ours") == "passed", run.Output);
}
