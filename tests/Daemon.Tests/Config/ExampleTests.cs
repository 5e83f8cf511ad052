using TwinTrack.Daemon.Config;
using TwinTrack.Tests;
using Xunit;

namespace TwinTrack.Daemon.Tests.Config;

/// <summary>The examples that are installed.</summary>
public sealed class ExampleTests
{
    private static readonly string Folder =
        Path.GetFullPath(Path.Combine(GoldenFiles.Root, "..", "..", "docs", "examples"));

    public static TheoryData<string> Files =>
    [
        .. Directory.GetFiles(Folder, "conntrackd.conf", SearchOption.AllDirectories)
            .Select(path => Path.GetRelativePath(Folder, path)).Order(StringComparer.Ordinal),
    ];

    [Theory, MemberData(nameof(Files))]
    public void An_example_loads_without_a_word(string name)
    {
        ConfigResult result =
            ConfigReader.Parse(name, File.ReadAllText(Path.Combine(Folder, name)), ProtocolNames.OfSystem());
        Assert.Empty(result.Problems);
        Assert.NotNull(result.Config);
    }

    [Fact]
    public void There_is_one_for_each_way_of_working()
    {
        DaemonConfig[] configs =
        [
            .. Directory.GetFiles(Folder, "conntrackd.conf", SearchOption.AllDirectories)
                .Select(path => ConfigReader.Load(path).Config!),
        ];
        Assert.Equal(3, configs.Select(config => config.Sync?.Mode).Distinct().Count(mode => mode is not null));
        Assert.Contains(configs, config => config.Stats is not null);
        Assert.Contains(configs, config => config.Sync is { Links.Count: 2 });
        Assert.Contains(configs, config => config.Sync is { SyncExpectations: true });
    }

    [Theory]
    [InlineData("conntrackd.service", "ExecStart=/usr/sbin/conntrackd")]
    [InlineData("failover/primary-backup.sh", "become_primary")]
    [InlineData("failover/keepalived.conf", "primary-backup.sh primary")]
    [InlineData("failover/ruleset.nft", "ct state established,related accept")]
    public void What_belongs_to_an_installation_is_there(string name, string line) =>
        Assert.Contains(line, File.ReadAllText(Path.Combine(Folder, name)), StringComparison.Ordinal);
}
