using TwinTrack.Lab;
using TwinTrack.Testing;
using Xunit;

namespace TwinTrack.Interop.Tests;

/// <summary>The script and the rule set that are installed as examples.</summary>
[Trait("needs", "root")]
public sealed class ExampleTests
{
    private const int Flows = 100;

    private static string Folder => Path.Combine(Repository.Root, "docs", "examples", "failover");

    [Fact]
    public void The_rule_set_is_valid()
    {
        using var place = new Place();
        place.Namespace.Require(["nft", "-f", Path.Combine(Folder, "ruleset.nft")]);
        place.Namespace.Require(["nft", "list", "chain", "inet", "firewall", "forward"]);
    }

    [Fact]
    public void The_script_moves_the_flows_with_the_roles_and_starts_a_daemon_that_is_dead()
    {
        using Pair pair = Pair.Start(Make.Ours, Make.Ours, config => config with { ModeLines = "PurgeTimeout 1" });
        (Node one, Node two) = (pair.First, pair.Second);
        FlowGenerator.Create(one.Firewall.Namespace, Flows);
        pair.WaitUntilEqual();

        Call(two, "primary");
        Assert.Equal((uint)Flows, two.Firewall.CountFlows());
        Assert.Equal(Flows, two.Counts().Internal);
        Call(one, "backup");
        Eventually.Equals(0u, one.Firewall.CountFlows, "flows of the node that gave up");
        Eventually.Equals(Flows, () => one.Counts().External, "external cache of the node that gave up");

        one.Daemon.Kill();
        Call(one, "backup");
        Eventually.Equals(Flows, () => one.Counts().External, "external cache of the new daemon");
        one.Do("-k");
    }

    [Fact]
    public void A_role_that_does_not_exist_is_an_error_and_so_is_a_daemon_that_cannot_start()
    {
        using var place = new Place();
        Assert.Equal(1, Run(place.Namespace, place.ConfigPath, "nonsense").ExitCode);
        File.WriteAllText(place.ConfigPath, "General {");
        Assert.Equal(1, Run(place.Namespace, place.ConfigPath, "backup").ExitCode);
    }

    private static void Call(Node node, string role)
    {
        CommandResult result = Run(node.Firewall.Namespace, node.Daemon.ConfigPath, role);
        Assert.Equal((0, ""), (result.ExitCode, result.Output));
    }

    private static CommandResult Run(NetNamespace home, string config, string role) => home.Execute(
        "env", $"CONNTRACKD={ProgramFinder.Ours()}", $"CONNTRACKD_CONFIG={config}",
        Path.Combine(Folder, "primary-backup.sh"), role);
}
