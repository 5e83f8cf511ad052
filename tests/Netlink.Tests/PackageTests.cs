using TwinTrack.Testing;
using Xunit;

namespace TwinTrack.Netlink.Tests;

public sealed class PackageTests
{
    [Fact]
    public void The_example_of_the_readme_is_the_one_that_compiles() =>
        Assert.Contains(
            Repository.Example("tests/Netlink.Tests/ReadmeExample.cs"),
            Repository.Read("src/Netlink/README.md"),
            StringComparison.Ordinal);

    [Fact]
    public void The_example_of_the_readme_finds_the_loopback()
    {
        using var output = new StringWriter();
        ReadmeExample.Run(output);
        Assert.Contains("lo", output.ToString().Split(Environment.NewLine), StringComparer.Ordinal);
    }

    [Fact]
    public void The_package_offers_what_its_snapshot_says() =>
        PublicApi.AssertUnchanged(typeof(NetlinkSocket).Assembly);
}
