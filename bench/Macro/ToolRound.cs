using System.Diagnostics;
using System.Globalization;
using TwinTrack.Lab;

namespace TwinTrack.Bench;

/// <summary>One round of conntrack(8), the original's or ours: start, load, listings, events, deletion.</summary>
internal sealed class ToolRound(BenchOptions options, string subject, string program, int number)
{
    private const int Starts = 100;
    private const int EventSockets = 2;
    private const int PortsPerSocket = 50_000;
    private const string Space = "ttbenchcli";

    // Distinct flows of a listing and its lines: "tcp 6 5999 ESTABLISHED src=10.0.0.1 dst=10.200.0.2 sport=1024 ...".
    private const string CountLines =
        "\"$0\" \"$@\" 2>/dev/null | cut -d= -f2-5 | sort | awk '{ lines++ } $0 != last { flows++ } { last = $0 } "
        + "END { print flows + 0, lines + 0 }'";

    private static readonly TimeSpan Limit = TimeSpan.FromSeconds(900);
    private static readonly TimeSpan Settle = TimeSpan.FromMilliseconds(500);

    private readonly RoundResult _result = new(Workloads.Tools, subject, number);

    /// <summary>The conntrack beside a conntrackd.</summary>
    public static string Program(string conntrackd) =>
        Path.Combine(Path.GetDirectoryName(conntrackd)!, "conntrack");

    /// <summary>Runs the round in a namespace of its own.</summary>
    public RoundResult Run()
    {
        using NetNamespace space = NetNamespace.Create(Space);
        string file = Path.GetTempFileName();
        try
        {
            MeasureStart(space);
            foreach (int share in (int[])[0, 95, 50])
            {
                WriteFlows(file, share);
                Call(space, ["-F"]);
                (double time, double cpu) = Call(space, ["-R", file]);
                if (share == 50) Add(Figures.ToolLoad, Figures.ToolLoadCpu, time, cpu);
                MeasureList(space, share);
            }

            (double deleteTime, double deleteCpu) = Call(space, ["-D"]);
            Add(Figures.ToolDelete, Figures.ToolDeleteCpu, deleteTime, deleteCpu);
            MeasureEvents(space);
        }
        finally
        {
            File.Delete(file);
            space.KillProcesses();
        }

        return _result;
    }

    private void MeasureStart(NetNamespace space)
    {
        const string loop = "i=0; while [ $i -lt $1 ]; do \"$0\" -C >/dev/null; i=$((i + 1)); done";
        const string nothing = "i=0; while [ $i -lt $1 ]; do : >/dev/null; i=$((i + 1)); done";
        string count = Starts.ToString(CultureInfo.InvariantCulture);
        (double time, double cpu) = Measure(space, ["/bin/sh", "-c", loop, program, count]);
        (double shell, double shellCpu) = Measure(space, ["/bin/sh", "-c", nothing, program, count]);
        Add(
            Figures.ToolStart, Figures.ToolStartCpu, Math.Max(0, time - shell) * 1000 / Starts,
            Math.Max(0, cpu - shellCpu) * 1000 / Starts);
    }

    private void MeasureList(NetNamespace space, int share)
    {
        Figure[] figures = share switch
        {
            0 => [Figures.ToolList0, Figures.ToolList0Cpu, Figures.ToolParted0],
            50 => [Figures.ToolList50, Figures.ToolList50Cpu, Figures.ToolParted50],
            _ => [Figures.ToolList95, Figures.ToolList95Cpu, Figures.ToolParted95],
        };
        bool isOurs = subject == Subjects.Ours;
        (double time, double cpu) = Call(space, isOurs ? ["-L", "--sockets", "1"] : ["-L"]);
        Add(figures[0], figures[1], time, cpu);

        // The original has one socket only: that is what two of ours are compared with.
        _result.Add(figures[2], isOurs ? Call(space, ["-L", "--sockets", "2"]).Time : time);
        if (!isOurs) return;

        foreach (string sockets in (string[])["1", "2"])
        {
            CommandResult result = Command.Run(
                "ip",
                ["netns", "exec", space.Name, "/bin/sh", "-c", CountLines, program, "-L", "--sockets", sockets],
                timeout: Limit);
            string expected = $"{options.Flows} {options.Flows}";
            if (result.Output.Trim() != expected)
                _result.Invalidate($"-L --sockets {sockets}: {result.Output.Trim()} flows and lines, not {expected}");
        }
    }

    // Packets that make flows, at full speed, to a neighbour that is not there.
    private void MeasureEvents(NetNamespace space)
    {
        space.Ip(
            "link add e0 type veth peer name e1\nlink set e0 up\nlink set e1 up\naddr add 10.99.0.1/16 dev e0\n"
            + "neigh add 10.99.0.2 lladdr 02:00:00:00:00:01 dev e0\n");
        const string rules = "table ip t { chain c { type filter hook output priority 0; ct state new; }; }";
        space.Require(["nft", "-f", "-"], rules);
        Call(space, ["-F"]);
        string output = Path.GetTempFileName();
        Process listener = space.Start(output, program, "-E", "-e", "NEW", "-b", "16777216");
        Thread.Sleep(Settle);
        int events = Math.Min(options.Flows, EventSockets * PortsPerSocket);
        double before = ProcessCost.Cpu(listener.Id).Total.TotalMicroseconds;
        PacketSpray.Send(space, "10.99.0.2", EventSockets, events / EventSockets);
        Thread.Sleep(Settle);
        double cpu = ProcessCost.Cpu(listener.Id).Total.TotalMicroseconds - before;
        Command.Run("kill", ["-INT", listener.Id.ToString(CultureInfo.InvariantCulture)]);
        listener.WaitForExit();
        string text = File.ReadAllText(output);
        File.Delete(output);
        int shown = text.Split('\n').Count(line => line.Contains("[NEW]", StringComparison.Ordinal));
        _result.Add(Figures.ToolEventsCpu, cpu / Math.Max(1, shown));
        _result.Add(Figures.ToolEventsLost, events - shown);
    }

    private void WriteFlows(string file, int assuredPercent)
    {
        using var writer = new StreamWriter(file);
        for (int i = 0; i < options.Flows; i++)
        {
            string status = i % 100 < assuredPercent ? " -u SEEN_REPLY,ASSURED" : "";
            writer.Write($"-I -s 10.{i >> 16 & 255}.{i >> 8 & 255}.{i & 255} -d 10.200.0.2 -p tcp ");
            writer.Write($"--sport {1024 + (i % 60000)} --dport 80 -t 6000 --state ESTABLISHED{status}\n");
        }
    }

    private (double Time, double Cpu) Call(NetNamespace space, string[] arguments) =>
        Measure(space, ["/bin/sh", "-c", "exec \"$0\" \"$@\" >/dev/null", program, .. arguments]);

    private (double Time, double Cpu) Measure(NetNamespace space, string[] command)
    {
        TimeSpan before = ProcessCost.CollectedChildren();
        CommandResult result = Command.Run("ip", ["netns", "exec", space.Name, .. command], timeout: Limit);
        TimeSpan cpu = ProcessCost.CollectedChildren() - before;
        if (result.ExitCode != 0)
            _result.Invalidate($"{command[^1]} exited with {result.ExitCode}: {result.FirstLine}");
        return (result.Elapsed.TotalSeconds, cpu.TotalSeconds);
    }

    private void Add(Figure time, Figure cpu, double timeValue, double cpuValue)
    {
        _result.Add(time, timeValue);
        _result.Add(cpu, cpuValue);
    }
}
