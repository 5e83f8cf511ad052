using Xunit;

namespace TwinTrack.Lab.Tests;

public sealed class SmokeTests
{
    [Fact]
    public void The_test_runner_runs() => Assert.True(true);
}
