using System.Globalization;
using TwinTrack.Daemon.Config;
using TwinTrack.Daemon.Control;
using TwinTrack.Router.Config;
using TwinTrack.Router.Sync;

namespace TwinTrack.Router.Live;

/// <summary>Carries out what a commit plans, and takes it back when a step fails.</summary>
internal sealed class Applier(RouterPaths paths, Action<string> say)
{
    private const string TableSize = "/proc/sys/net/netfilter/nf_conntrack_max";
    private const string HashSize = "/sys/module/nf_conntrack/parameters/hashsize";

    private static readonly TimeSpan _changePause = TimeSpan.FromSeconds(1);

    private readonly DaemonControl _daemon = new(paths);
    private readonly FailoverControl _failover = new(paths);
    private readonly ClusterControl _cluster = new(paths);

    /// <summary>Everything that a configuration becomes here.</summary>
    public RouterFiles Files(ConfigNode root, Machine machine) =>
        RouterFiles.Make(root, machine, paths.Daemon, paths.Hook, paths.State);

    /// <summary>Goes from one configuration to another.</summary>
    /// <exception cref="RouterException">It did not work, and is as before.</exception>
    public void Apply(RouterFiles before, RouterFiles after)
    {
        if (after.Daemon is not null) Check(after.DaemonText);
        foreach (string action in ChangePlan.Between(before, after))
        {
            say($"  {action}");
            try
            {
                if (action == ChangePlan.WriteFailover && before.Mechanism != after.Mechanism) RemoveState();
                Do(action, after);
            }
            catch (Exception e) when (e is RouterException or IOException or UnauthorizedAccessException)
            {
                say($"  {action} failed: {e.Message}");
                TakeBack(before, after);
                throw new RouterException("nothing was changed: the configuration before is in effect again");
            }
        }
    }

    // What was written must be what the daemon reads.
    private static void Check(string text)
    {
        ConfigResult read = ConfigReader.Parse("conntrackd.conf", text, ProtocolNames.OfSystem());
        string problems = string.Join(
            '\n', read.Problems.Where(one => one.Level == ProblemLevel.Error).Select(one => one.Locate(read.File)));
        if (read.Config is null) throw new RouterException($"conntrackd would not start: {problems}");
        if (TwinTrack.Daemon.Requirements.Find(read.Config) is { } refusal) throw new RouterException(refusal);
    }

    private void Do(string action, RouterFiles files)
    {
        switch (action)
        {
            case ChangePlan.SetTableSize: SetKernel(TableSize, files.TableSize!.Value); break;
            case ChangePlan.SetHashSize: SetKernel(HashSize, files.HashSize!.Value); break;
            case ChangePlan.WriteConfig: FileStore.Write(paths.Daemon.Config, files.DaemonText); break;
            case ChangePlan.RemoveConfig: File.Delete(paths.Daemon.Config); break;
            case ChangePlan.Start: _daemon.Start(); break;
            case ChangePlan.Stop: _daemon.Stop(); break;
            case ChangePlan.Restart:
                _daemon.Stop();
                _daemon.Start();
                break;
            case ChangePlan.Reload: _daemon.Reload(); break;
            case ChangePlan.RequestResync: _daemon.Ask(ControlRequest.RequestResync); break;
            case ChangePlan.SendBulk: _daemon.Ask(ControlRequest.SendBulk); break;
            case ChangePlan.WriteFailover:
                FileStore.Write(paths.Failover, files.Failover);
                _cluster.Write(files.Cluster);
                break;
            case ChangePlan.ReloadFailover: ReloadFailover(files); break;
            case ChangePlan.RemoveState: RemoveState(); break;
            case ChangePlan.LoadRules: LoadRules(files.Rules); break;
        }
    }

    // Who is not wanted any more gives its addresses up first, and the partner has a moment to see it.
    private void ReloadFailover(RouterFiles files)
    {
        bool isClusterEnded = files.Cluster is null && _cluster.Runs;
        bool isVrrpEnded = files.Failover.Length == 0 && _failover.Runs;
        if (isClusterEnded) _cluster.Apply(isWanted: false);
        else _failover.Apply();
        if ((isClusterEnded && files.Failover.Length > 0) || (isVrrpEnded && files.Cluster is not null))
            Thread.Sleep(_changePause);
        if (isClusterEnded) _failover.Apply();
        else _cluster.Apply(files.Cluster is not null);
    }

    // Transitions of another group say nothing about this one.
    private void RemoveState()
    {
        File.Delete(paths.State);
        File.Delete(paths.History);
    }

    private void TakeBack(RouterFiles before, RouterFiles after)
    {
        string[] actions = before.Daemon is null
            ? [ChangePlan.Stop, ChangePlan.RemoveConfig]
            : before.DaemonText == after.DaemonText ? [] : [ChangePlan.WriteConfig, ChangePlan.Restart];
        if (before.Failover != after.Failover || before.Cluster != after.Cluster)
            actions = [.. actions, ChangePlan.WriteFailover, ChangePlan.ReloadFailover];
        foreach (string action in actions)
        {
            say($"  taking back: {action}");
            try
            {
                Do(action, before);
            }
            catch (Exception e) when (e is RouterException or IOException or UnauthorizedAccessException)
            {
                say($"  {action} failed: {e.Message}");
            }
        }
    }

    private static void SetKernel(string path, uint value) =>
        File.WriteAllText(path, value.ToString(CultureInfo.InvariantCulture));

    private static void LoadRules(string rules)
    {
        CommandOutcome loaded = Programs.Run(
            Programs.Find("nft"), ["-f", "-"], rules.Length > 0 ? rules : StatePolicyText.Removal);
        if (loaded.Status != 0) throw new RouterException($"nft refuses the rules: {loaded.Errors.Trim()}");
    }
}
