using System.Globalization;
using System.Net.Sockets;
using System.Text;
using System.Text.RegularExpressions;
using TwinTrack.Daemon.Config;
using TwinTrack.Daemon.Control;

namespace TwinTrack.Daemon.Doctor;

/// <summary>Daemons that run here, what a former one left behind, and what a running one counts.</summary>
internal sealed partial class DaemonChecks(Findings findings, Machine machine, GeneralConfig general)
{
    private const int MatchMilliseconds = 1000;
    private const int CapNetAdmin = 12;
    private const int CapSysNice = 23;
    private const int SocketDenied = 13;     // EACCES
    private static readonly TimeSpan Silence = TimeSpan.FromSeconds(3);

    /// <summary>Looks at all of it.</summary>
    public void Run()
    {
        CheckPrivileges();
        CheckFolders();
        List<int> running = FindDaemons();
        if (CheckSocket() is { } isOurs)
        {
            int owner = ReadOwner();
            if (isOurs) CheckCounters(owner);
            running.RemoveAll(id => owner == 0 ? running.Count == 1 : id == owner);
        }
        else
        {
            CheckLock();
        }

        foreach (int id in running)
        {
            findings.Warn("daemon", $"another conntrackd runs here (pid {id}, {PathOf(id)})",
                "stop it before this one starts, or give both their own lock, socket and port");
        }
    }

    private void CheckPrivileges()
    {
        if (machine.HasCapability(CapNetAdmin)) findings.Fine("privileges", "CAP_NET_ADMIN is there");
        else findings.Fail("privileges", "CAP_NET_ADMIN is missing: the daemon cannot read the kernel's table",
            "run this, and the daemon, as root or with that capability");
        if (general.Scheduler is { Priority: > 0 } && !machine.HasCapability(CapSysNice))
        {
            findings.Warn("privileges", "CAP_SYS_NICE is missing: the daemon stays with the normal scheduler",
                "run it with that capability, or leave out Scheduler");
        }

        if (general.Scheduler is { Priority: > 0 } && machine.Setting("kernel/sched_rt_runtime_us") == -1)
        {
            findings.Warn("privileges", "a real-time daemon may keep a CPU to itself (sched_rt_runtime_us is -1)",
                "sysctl -w kernel.sched_rt_runtime_us=950000");
        }

        if (general.ControlGroup is { } group && ControlLibc.FindGroup(group) == 0 && !group.All(char.IsAsciiDigit))
            findings.Fail("privileges", $"there is no group {group} (UNIX Group)", $"groupadd --system {group}");
    }

    private void CheckFolders()
    {
        (string What, string? Path)[] files =
        [
            ("LockFile", general.LockFile), ("UNIX Path", general.ControlPath), ("LogFile", general.LogFile),
        ];
        foreach ((string what, string? path) in files)
        {
            if (path is null) continue;

            string folder = Path.GetDirectoryName(path) ?? "/";
            if (Directory.Exists(path))
                findings.Fail("files", $"{what} {path} is a folder", "name a file in it");
            else if (!Directory.Exists(folder))
                findings.Fail("files", $"there is no folder {folder} for {what}", $"mkdir -p {folder}");
            else if (!FileLibc.MayWrite(folder))
                findings.Fail("files", $"{what}: nothing may be written to {folder}", "run as a user who may");
        }
    }

    // Whether the daemon that answers is ours; null when nobody answers.
    private bool? CheckSocket()
    {
        string path = general.ControlPath;
        if (!File.Exists(path)) return null;

        using var answer = new MemoryStream();
        ControlResult result =
            ControlClient.Run(path, ControlRequest.RuntimeStatistics, answer, Silence, isJson: true);
        switch (result)
        {
            case ControlResult.Done:
                findings.Fine("daemon", "it runs and answers");
                return true;
            case ControlResult.CannotConnect:
                TellOfSocket(path);
                return null;
            case ControlResult.NoJson:
                findings.Fail("daemon", $"the original conntrackd runs and answers at {path}",
                    "stop it (conntrackd -k) before this one starts");
                return false;
            case ControlResult.Refused:
                findings.Note("daemon", $"a daemon runs, but does not speak to this user at {path}",
                    "run this as root");
                return false;
            default:
                findings.Fail("daemon", $"the daemon at {path} does not answer within {Silence.TotalSeconds} s",
                    "another client may hold it up (the original serves one at a time), or it hangs: look at its log");
                return false;
        }
    }

    // A connection is only made where none can be had: the original serves one client at a time, and waits for it.
    private void TellOfSocket(string path)
    {
        int error = 0;
        using var socket = new Socket(AddressFamily.Unix, SocketType.Stream, ProtocolType.Unspecified);
        try
        {
            socket.Connect(new UnixDomainSocketEndPoint(path));
        }
        catch (SocketException refusal)
        {
            error = refusal.NativeErrorCode;
        }

        if (error == SocketDenied)
        {
            findings.Note("daemon", $"this user may not ask the daemon at {path}", "run this as root");
        }
        else if (ControlListener.IsSocket(path))
        {
            findings.Note("daemon", $"{path} is left from a daemon that crashed",
                "nothing to do: the start replaces it");
        }
        else
        {
            findings.Fail("daemon", $"{path} is no socket: the daemon will not replace it",
                "remove it, or name another UNIX Path");
        }
    }

    private void CheckLock()
    {
        if (!File.Exists(general.LockFile)) return;

        if (FileLibc.IsLocked(general.LockFile) is { } isLocked)
        {
            if (isLocked)
            {
                findings.Fail("daemon", $"a daemon holds {general.LockFile} (pid {ReadOwner()}) but does not answer at "
                    + general.ControlPath, "does it use another configuration? Stop it, or name other files");
                return;
            }

            findings.Note("daemon", $"{general.LockFile} is left from a daemon that crashed",
                "nothing to do: the start takes it over; the original's would refuse to start");
            return;
        }

        findings.Note("daemon", $"{general.LockFile} exists and cannot be looked at", "run this as root");
    }

    private int ReadOwner()
    {
        try
        {
            string text = File.ReadAllText(general.LockFile).Trim();
            return int.TryParse(text, NumberStyles.None, CultureInfo.InvariantCulture, out int id) ? id : 0;
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException)
        {
            return 0;
        }
    }

    // Processes of that name in this network namespace, ours and the original's.
    private static List<int> FindDaemons()
    {
        string? here = LinkTarget("/proc/thread-self/ns/net");
        List<int> found = [];
        foreach (string folder in Directory.EnumerateDirectories("/proc"))
        {
            if (!int.TryParse(Path.GetFileName(folder), NumberStyles.None, CultureInfo.InvariantCulture, out int id))
                continue;
            if (ReadName(folder) == "conntrackd" && LinkTarget(folder + "/ns/net") == here) found.Add(id);
        }

        return found;
    }

    private static string? ReadName(string folder)
    {
        try
        {
            return File.ReadAllText(folder + "/comm").Trim();
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException)
        {
            return null;   // it has ended
        }
    }

    private static string PathOf(int id) => LinkTarget($"/proc/{id}/exe") ?? "of unknown path";

    private static string? LinkTarget(string path)
    {
        try
        {
            return new FileInfo(path).LinkTarget;
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException)
        {
            return null;
        }
    }

    private void CheckCounters(int owner)
    {
        string who = owner == 0 ? "the running daemon" : $"the running daemon (pid {owner})";
        string runtime = Ask(ControlRequest.RuntimeStatistics);
        string network = Ask(ControlRequest.NetworkStatistics);
        string links = Ask(ControlRequest.LinkStatistics);
        if (Number(runtime, "netlink overrun") is > 0 and var overruns)
        {
            findings.Warn("counters", $"{who} lost events {overruns} times (netlink overrun)",
                "raise NetlinkBufferSize and NetlinkBufferSizeMaxGrowth");
        }

        if (Number(Ask(ControlRequest.CacheStatistics), "no space left in cache") is > 0 and var refused)
            findings.Warn("counters", $"{who} had no space for {refused} flows", "raise HashLimit");
        if (Number(network, "Malformed messages") is > 0 and var malformed)
        {
            findings.Warn("counters", $"{who} got {malformed} messages it could not read",
                "do both nodes run the same Mode and version?");
        }

        if (ActiveLink().Match(links) is { Success: true } active && active.Groups["bytes"].Value == "0")
        {
            findings.Warn("counters", $"{who} has heard nothing on {active.Groups["device"].Value} yet",
                "does the peer's daemon run, and does the rule set let it through?");
        }
    }

    private string Ask(ControlRequest request)
    {
        using var answer = new MemoryStream();
        ControlClient.Run(general.ControlPath, request, answer, Silence);
        return Encoding.UTF8.GetString(answer.ToArray());
    }

    // The sum of all lines of a name.
    private static ulong Number(string text, string name)
    {
        ulong sum = 0;
        foreach (string line in text.Split('\n'))
        {
            int at = line.IndexOf(name + ":", StringComparison.Ordinal);
            if (at < 0) continue;
            if (ulong.TryParse(line[(at + name.Length + 1)..].Trim(), CultureInfo.InvariantCulture, out ulong number))
                sum += number;
        }

        return sum;
    }

    // UDP traffic device=sync0 status=RUNNING role=ACTIVE:\n    10 Bytes sent      20 Bytes recv
    [GeneratedRegex(
        @"device=(?<device>\S+) status=\S+ role=ACTIVE:\s+\d+ Bytes sent\s+(?<bytes>\d+) Bytes recv",
        RegexOptions.None, MatchMilliseconds)]
    private static partial Regex ActiveLink();
}
