using System.Diagnostics;
using TwinTrack.Lab;
using TwinTrack.Tests;

namespace TwinTrack.Cli.Tests;

/// <summary>The namespaces of the recorded runs, and our programs in them.</summary>
public sealed class CaseLab : IDisposable
{
    // Traffic that lasts says when it is under way; what it causes follows at once.
    private const string UnderWay =
        "60 & for i in $(seq 300); do [ -e $READY ] && break; sleep 0.1; done; rm -f $READY; sleep 0.3";

    private const string WaitForExpiry =
        "for i in $(seq 300); do conntrack -L -p icmp | grep -q src= || break; sleep 0.1; done";

    // TCP port 80 over IPv6 and 21 over IPv4 listen last, UDP port 53 after them.
    private const string WaitForServers =
        "for i in $(seq 300); do grep -q ':0015 .* 0A ' /proc/net/tcp && grep -q ':0035 ' /proc/net/udp "
        + "&& grep -q ':0035 ' /proc/net/udp6 && break; sleep 0.1; done";

    // Columns of /proc/net/tcp: sl local_address rem_address st; 0A is LISTEN.
    private const string AreEnded =
        "awk '$4 != \"st\" && $4 != \"0A\" { n++ } END { exit n > 0 }' /proc/net/tcp /proc/net/tcp6";

    private const string WaitForEnds = $"for i in $(seq 300); do {AreEnded} && break; sleep 0.1; done";

    private static readonly TimeSpan _limit = TimeSpan.FromSeconds(30);
    private static readonly Lock _gate = new();
    private static int _count;
    private static int _holders;
    private static bool _madeLabelFolder;

    private readonly string _prefix =
        $"tt{Environment.ProcessId % 10000}{(char)('a' + (Interlocked.Increment(ref _count) % 26))}";

    private readonly string _folder = Directory.CreateTempSubdirectory("tt-cli-").FullName;
    public CaseLab()
    {
        // Who runs without privileges must be able to reach them.
        Command.Require("chmod", ["755", _folder]);
        foreach (string program in (string[])["conntrack", "nfct"])
        {
            string built = Path.Combine(Testing.Repository.Root, "dist", program);
            if (!File.Exists(built)) throw new LabException($"{built} is missing: make dist");
            File.Copy(built, Path.Combine(_folder, program));
        }

        File.WriteAllText(Path.Combine(_folder, "functions"), ListenerWatch.Functions);
        HoldLabelFolder(1);
        Topology("up");
        Shell(_prefix + "s", WaitForServers);
    }

    public void Dispose()
    {
        Topology("down");
        Directory.Delete(_folder, recursive: true);
        DeleteLabels();
        if (Directory.Exists("/etc/netns") && Directory.GetFileSystemEntries("/etc/netns").Length == 0)
            Directory.Delete("/etc/netns");
        HoldLabelFolder(-1);
    }

    /// <summary>Puts that many flows, and no others, into the lonely namespace.</summary>
    public void Load(int count)
    {
        File.WriteAllLines(Path.Combine(_folder, "flows"), Lines(count));
        CommandResult result = Shell(
            _prefix + "t", $"{_folder}/conntrack -F 2>/dev/null; {_folder}/conntrack -R {_folder}/flows");
        if (result.ExitCode != 0) throw new LabException($"{count} flows were not loaded: {result.FirstLine}");
    }

    /// <summary>
    /// Runs a script of bash in the lonely namespace: ours are $CONNTRACK and $NFCT, $WORK/flows is a load file,
    /// until_it_listens and until_it_rests wait for a listener.
    /// </summary>
    public CommandResult Shell(string script, int count = 0, params string[] arguments)
    {
        if (count > 0) File.WriteAllLines(Path.Combine(_folder, "flows"), Lines(count));
        string[] environment =
        [
            "TZ=UTC", "LC_ALL=C", $"CONNTRACK={_folder}/conntrack", $"NFCT={_folder}/nfct", $"WORK={_folder}",
            $"BASH_ENV={_folder}/functions",
        ];
        return Command.Run(
            "ip", ["netns", "exec", _prefix + "t", "env", .. environment, "bash", "-c", script, .. arguments]);
    }

    /// <summary>Gives the lonely namespace names of labels, and flows room for them.</summary>
    public void UseLabels()
    {
        WriteLabels(_prefix + "t");
        Shell("iptables -A OUTPUT -m connlabel --label 0");
    }

    // A bind mount needs a place; labs that run beside each other share it.
    private static void HoldLabelFolder(int change)
    {
        const string folder = "/etc/xtables";
        lock (_gate)
        {
            _madeLabelFolder |= !Directory.Exists(folder);
            Directory.CreateDirectory(folder);
            _holders += change;
            if (_holders == 0 && _madeLabelFolder) Directory.Delete(folder);
        }
    }

    private static IEnumerable<string> Lines(int count) =>
        from i in Enumerable.Range(0, count)
        select $"-I -s 10.83.{100 + (i / 250)}.{1 + (i % 250)} -d 10.83.0.2 -p udp --sport {1024 + i} --dport 53 -t 600";

    /// <summary>Runs a case.</summary>
    /// <returns>What it left.</returns>
    internal RecordedResult Run(RecordedCase recorded)
    {
        string space = _prefix + (recorded.Topology == "router" ? "r" : "t");
        const string reset = "conntrack -F; conntrack -F expect; nfct flush timeout; iptables -F";
        DeleteLabels();
        if (recorded.HasLabels || recorded.Topology is not null) WriteLabels(space);
        if (recorded.Topology is not null) EndTraffic();
        ShellQuietly(space, space.EndsWith('t') ? reset : "conntrack -F; conntrack -F expect");
        foreach (string command in recorded.Setup) ShellQuietly(space, command);

        RecordedResult result = recorded.Trigger is null ? Execute(space, recorded) : Listen(space, recorded);
        result = result with
        {
            After =
            [
                .. recorded.Expected.After!.Select(after =>
                {
                    CommandResult shown = Shell(space, after.Cmd);
                    return new RecordedCommand { Cmd = after.Cmd, Stdout = shown.Output, Exit = shown.ExitCode };
                }),
            ],
        };
        foreach (string command in recorded.Cleanup) ShellQuietly(space, command);
        return result;
    }

    private RecordedResult Execute(string space, RecordedCase recorded)
    {
        CommandResult result = Command.Run("ip", CommandLine(space, recorded), recorded.Stdin);
        return new() { Stdout = result.Output, Stderr = result.Errors, Exit = result.ExitCode };
    }

    private RecordedResult Listen(string space, RecordedCase recorded)
    {
        var start = new ProcessStartInfo("ip", CommandLine(space, recorded))
        {
            RedirectStandardOutput = true,
            RedirectStandardError = true,
            UseShellExecute = false,
        };
        SetEnvironment(start);
        using Process process = Process.Start(start)!;
        Task<string> output = process.StandardOutput.ReadToEndAsync();
        Task<string> errors = process.StandardError.ReadToEndAsync();
        ListenerWatch.WaitForStart(process);
        foreach (string command in recorded.Trigger!) ShellQuietly(space, command);
        ListenerWatch.WaitForRest(process);
        Command.Run("kill", [$"-{recorded.Signal}", $"{process.Id}"]);
        if (!process.WaitForExit(_limit)) process.Kill();
        process.WaitForExit();
        return new()
        {
            Stdout = output.GetAwaiter().GetResult(),
            Stderr = errors.GetAwaiter().GetResult(),
            Exit = process.ExitCode,
        };
    }

    private string[] CommandLine(string space, RecordedCase recorded)
    {
        string program = Path.Combine(_folder, recorded.Prog);
        string[] user = recorded.RunAs is null ? [] : ["setpriv", "--reuid", "65534", "--clear-groups"];
        return ["netns", "exec", space, "env", "TZ=UTC", "LC_ALL=C", .. user, program, .. recorded.Args];
    }

    // What it leaves running must not hold our pipes.
    private void ShellQuietly(string space, string command) =>
        Shell(space, $"exec >/dev/null 2>&1 </dev/null; {command}");

    private CommandResult Shell(string space, string command)
    {
        // The original's -U ends in "Protocol error" when a second of the clock ends meanwhile.
        string text = command.Replace("h3", _prefix, StringComparison.Ordinal)
            .Replace("conntrack -U", $"{_folder}/conntrack -U", StringComparison.Ordinal)
            .Replace("3 & sleep 0.4", UnderWay, StringComparison.Ordinal)
            .Replace("3 & sleep 0.6", UnderWay, StringComparison.Ordinal)
            .Replace("icmp_timeout=1", "icmp_timeout=4", StringComparison.Ordinal) // a second may pass between two pings
            .Replace("sleep 2.5; conntrack -L >/dev/null", WaitForExpiry, StringComparison.Ordinal)
            .Replace("ping -c2 -i0.2", "python3 $LAB/traffic.py ping", StringComparison.Ordinal)
            .Replace("python3", "/usr/bin/python3", StringComparison.Ordinal)
            .Replace("$LAB", Path.Combine(GoldenFiles.Root, "cli"), StringComparison.Ordinal);
        string[] environment = ["TZ=UTC", "LC_ALL=C", $"READY={_folder}/ready"];
        return Command.Run("ip", ["netns", "exec", space, "env", .. environment, "sh", "-c", text]);
    }

    // The next case uses the same ports, and counts its own packets only.
    private void EndTraffic()
    {
        NetNamespace client = NetNamespace.Open(_prefix + "c");
        client.KillProcesses();
        client.Close();
        Shell(_prefix + "c", WaitForEnds);

        // Where the router forgot a connection, its server never hears that it ended.
        string server = _prefix + "s";
        string script = $"for i in $(seq 300); do ip netns exec {server} {AreEnded} && break; "
            + $"for p in $(ip netns pids {server}); do kill -USR1 $p; done; sleep 0.1; done";
        Command.Run("sh", ["-c", script]);
    }

    private void Topology(string verb) =>
        Command.Require(
            "env", [$"LAB_PREFIX={_prefix}", "sh", Path.Combine(GoldenFiles.Root, "cli", "topology.sh"), verb]);

    private static void WriteLabels(string space)
    {
        string folder = $"/etc/netns/{space}/xtables";
        Directory.CreateDirectory(folder);
        File.Copy(Path.Combine(GoldenFiles.Root, "cli", "connlabel.conf"), $"{folder}/connlabel.conf");
    }

    private void DeleteLabels()
    {
        foreach (string space in (string[])["r", "t"])
        {
            if (Directory.Exists($"/etc/netns/{_prefix}{space}"))
                Directory.Delete($"/etc/netns/{_prefix}{space}", recursive: true);
        }

    }

    private static void SetEnvironment(ProcessStartInfo start) =>
        start.Environment["PATH"] = Environment.GetEnvironmentVariable("PATH") + ":/usr/sbin:/sbin:/usr/bin:/bin";
}
