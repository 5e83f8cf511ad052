using TwinTrack.Testing;
using Xunit;

namespace TwinTrack.Conntrack.Tests;

public sealed class PackageTests
{
    [Fact]
    public void The_example_of_the_readme_is_the_one_that_compiles() =>
        Assert.Contains(
            Repository.Example("tests/Conntrack.Tests/ReadmeExample.cs"),
            Repository.Read("src/Conntrack/README.md"),
            StringComparison.Ordinal);

    [Fact]
    [Trait("needs", "root")]
    public void The_example_of_the_readme_prints_what_the_readme_says() => PrivateNetwork.Run(() =>
    {
        using var output = new StringWriter { NewLine = "\n" };
        ReadmeExample.Run(output);
        Assert.Contains(
            $"```text\n{output}```", Repository.Read("src/Conntrack/README.md"), StringComparison.Ordinal);
    });

    [Fact]
    public void The_package_offers_what_its_snapshot_says() =>
        PublicApi.AssertUnchanged(typeof(Flow).Assembly);
}
