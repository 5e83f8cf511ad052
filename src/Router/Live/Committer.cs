using System.Globalization;
using TwinTrack.Router.Config;
using TwinTrack.Router.Sync;

namespace TwinTrack.Router.Live;

/// <summary>Commits: checks, applies, remembers, and goes back.</summary>
internal sealed class Committer(RouterPaths paths, TextWriter output, TextWriter errors)
{
    /// <summary>Makes a configuration the one in effect.</summary>
    /// <exception cref="RouterException">It is refused, or could not be applied; nothing has changed.</exception>
    public void Commit(ConfigNode candidate)
    {
        using Gate gate = Gate.Enter(paths.Gate);
        ConfigNode running = FileStore.ReadConfig(paths.Running);
        if (ConfigDiff.Between(running, candidate).Count == 0)
        {
            output.WriteLine("No configuration changes to commit");
            return;
        }

        Machine machine = Check(candidate);
        var applier = new Applier(paths, output.WriteLine);
        applier.Apply(applier.Files(running, machine), applier.Files(candidate, machine));
        FileStore.Archive(paths.Archive, ConfigText.File(running));
        FileStore.Write(paths.Running, ConfigText.File(candidate));
        File.Delete(paths.Confirm); // who commits again has seen that the one before is good
    }

    /// <summary>Tells what a commit would do, and does nothing.</summary>
    /// <exception cref="RouterException">It would be refused.</exception>
    public void DryRun(ConfigNode candidate)
    {
        ConfigNode running = FileStore.ReadConfig(paths.Running);
        Machine machine = Check(candidate);
        var applier = new Applier(paths, output.WriteLine);
        RouterFiles before = applier.Files(running, machine);
        RouterFiles after = applier.Files(candidate, machine);
        ShowDifference(paths.Daemon.Config, before.DaemonText, after.DaemonText);
        ShowDifference(paths.Failover, before.Failover, after.Failover);
        ShowDifference("nft", before.Rules, after.Rules);
        output.WriteLine("actions:");
        foreach (string action in ChangePlan.Between(before, after)) output.WriteLine($"  {action}");
    }

    /// <summary>Commits, and goes back unless it is confirmed in time.</summary>
    /// <exception cref="RouterException">It is refused.</exception>
    public void CommitUntilConfirmed(ConfigNode candidate, int minutes)
    {
        Commit(candidate);
        string token = Guid.NewGuid().ToString("N");
        FileStore.Write(paths.Confirm, token);
        string folder = paths.Folder is { } given ? $" --folder '{given}'" : "";
        int seconds = minutes * 60;
        string later = $"exec >/dev/null 2>&1 </dev/null; sleep {seconds}; "
            + $"exec '{Environment.ProcessPath}' configure{folder} revert {token}";
        Programs.Run(Programs.Find("setsid"), ["-f", "/bin/sh", "-c", later]);
        output.WriteLine($"without 'confirm' within {minutes} minutes the configuration before comes back");
    }

    /// <summary>Confirms the commit that waits for it.</summary>
    /// <exception cref="RouterException">None does.</exception>
    public void Confirm()
    {
        if (!File.Exists(paths.Confirm)) throw new RouterException("no commit waits to be confirmed");
        File.Delete(paths.Confirm);
    }

    /// <summary>Goes back, if the commit was not confirmed.</summary>
    /// <param name="token">Which commit.</param>
    public void Revert(string token)
    {
        if (FileStore.Read(paths.Confirm) != token) return;
        File.Delete(paths.Confirm);
        Commit(FileStore.ReadConfig(FileStore.Revision(paths.Archive, 0)));
        Programs.Run(
            Programs.Find("logger"),
            ["-t", "twintrack", "commit not confirmed: the configuration before is back"]);
    }

    private Machine Check(ConfigNode candidate)
    {
        Machine machine = Machine.Read() with { FailoverRuns = null };
        IReadOnlyList<Finding> findings = new CommitCheck(candidate, machine).Run();
        foreach (Finding finding in findings)
        {
            string kind = finding.IsError ? "" : "warning: ";
            errors.WriteLine($"  {kind}[ service conntrack-sync ] {finding.Id}: {finding.Text}");
        }

        return findings.Any(finding => finding.IsError) ? throw new RouterException("Commit failed") : machine;
    }

    private void ShowDifference(string file, string before, string after)
    {
        if (before == after) return;
        output.WriteLine(string.Create(CultureInfo.InvariantCulture, $"{file}:"));
        foreach (string line in ConfigDiff.Between(before.Split('\n'), after.Split('\n')))
            output.WriteLine($"  {line}");
    }
}
