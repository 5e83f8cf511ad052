namespace TwinTrack.Bench;

/// <summary>Something measured.</summary>
/// <param name="Workload">What was done meanwhile, see <see cref="Workloads"/>.</param>
/// <param name="Name">What it is, for a row of the table.</param>
/// <param name="Unit">Its unit, for people.</param>
/// <param name="Decimals">How many of them mean something.</param>
internal sealed record Figure(string Workload, string Name, string Unit, int Decimals)
{
    public string Format(double value) => value.ToString("N" + Decimals);
}

/// <summary>The names of the workloads, as <c>--only</c> takes them.</summary>
internal static class Workloads
{
    public const string Burst = "burst";
    public const string Commit = "commit";
    public const string Dump = "dump";
    public const string Http = "http";
    public const string Tools = "tools";
    public const string Delay = "delay";
    public const string Pause = "pause";

    /// <summary>What is measured unless something else is asked for.</summary>
    public static readonly string[] Standard = [Burst, Dump, Commit, Http, Delay, Pause, Tools];

    /// <summary>All there are.</summary>
    public static readonly string[] All = [.. Standard, .. Trouble.All.Select(trouble => trouble.Workload)];

    /// <summary>The heading of a workload's tables.</summary>
    public static string Title(string workload, BenchOptions options) => workload switch
    {
        Burst => $"Burst of {options.Flows:N0} new flows on the primary",
        Dump => $"Dump (-e, and -i) of {options.Flows:N0} flows to /dev/null",
        Tools => $"conntrack(8) with {options.Flows:N0} flows, output to /dev/null",
        Delay => "From a lasting flow's begin on the primary to its datagram on the backup",
        Pause => "Turns of the loop with 1,000,000 flows, 10 % churn, a dump, a listing and a commit under way",
        Commit => $"Commit (-c) of {options.Flows:N0} flows on the backup",
        _ => $"HTTP GETs of 4 KB, each on its own connection, through the primary: "
            + $"{WebClient.Connections} at a time, {options.Seconds} s"
            + (options.EventRules is null ? "" : ", with fewer-events.nft"),
    };
}

/// <summary>Every figure the runs take, in the order of the tables.</summary>
internal static class Figures
{
    public static readonly Figure TimeToEqual = new(Workloads.Burst, "time to equal caches", "s", 3);
    public static readonly Figure TimeAfterLast = new(Workloads.Burst, "of it after the last flow was made", "s", 3);
    public static readonly Figure BurstPrimary = new(Workloads.Burst, "CPU per flow, primary", "µs", 2);
    public static readonly Figure BurstBackup = new(Workloads.Burst, "CPU per flow, backup", "µs", 2);
    public static readonly Figure BurstPrimaryKernel = new(Workloads.Burst, "of it in the kernel, primary", "µs", 2);
    public static readonly Figure BurstBackupKernel = new(Workloads.Burst, "of it in the kernel, backup", "µs", 2);
    public static readonly Figure MemoryPrimary = new(Workloads.Burst, "resident memory per flow, primary", "B", 0);
    public static readonly Figure MemoryBackup = new(Workloads.Burst, "resident memory per flow, backup", "B", 0);
    public static readonly Figure PeakPrimary = new(Workloads.Burst, "the same at its peak, primary", "B", 0);
    public static readonly Figure PeakBackup = new(Workloads.Burst, "the same at its peak, backup", "B", 0);
    public static readonly Figure BasePrimary = new(Workloads.Burst, "resident memory before, primary", "KiB", 0);
    public static readonly Figure BurstBytesPrimary = new(Workloads.Burst, "bytes sent per flow, primary", "B", 1);
    public static readonly Figure BurstBytesBackup = new(Workloads.Burst, "bytes sent per flow, backup", "B", 2);
    public static readonly Figure BurstPacketsPrimary =
        new(Workloads.Burst, "datagrams per 1,000 flows, primary", "", 1);
    public static readonly Figure BurstPacketsBackup =
        new(Workloads.Burst, "datagrams per 1,000 flows, backup", "", 1);

    public static readonly Figure DumpTime = new(Workloads.Dump, "time of the client's call, -e on the backup", "s", 3);
    public static readonly Figure DumpOwnTime = new(Workloads.Dump, "the same, -i on the primary", "s", 3);
    public static readonly Figure DumpDaemon = new(Workloads.Dump, "CPU of the daemon and its children, -e", "s", 3);
    public static readonly Figure DumpClient = new(Workloads.Dump, "CPU of the client, -e", "s", 3);

    public static readonly Figure CommitTime = new(Workloads.Commit, "time of the client's call", "s", 3);
    public static readonly Figure CommitDaemon = new(Workloads.Commit, "CPU of the daemon and its children", "s", 3);
    public static readonly Figure CommitKernel = new(Workloads.Commit, "of it in the kernel", "s", 3);
    public static readonly Figure CommitClient = new(Workloads.Commit, "CPU of the client", "s", 3);

    public static readonly Figure Requests = new(Workloads.Http, "requests/s", "", 0);
    public static readonly Figure HttpPrimary = new(Workloads.Http, "CPU per connection, primary", "µs", 1);
    public static readonly Figure HttpBackup = new(Workloads.Http, "CPU per connection, backup", "µs", 1);
    public static readonly Figure HttpPrimaryKernel = new(Workloads.Http, "of it in the kernel, primary", "µs", 1);
    public static readonly Figure HttpBackupKernel = new(Workloads.Http, "of it in the kernel, backup", "µs", 1);
    public static readonly Figure HttpBytesPrimary = new(Workloads.Http, "bytes sent per connection, primary", "B", 1);
    public static readonly Figure HttpBytesBackup = new(Workloads.Http, "bytes sent per connection, backup", "B", 1);
    public static readonly Figure HttpPacketsPrimary = new(Workloads.Http, "datagrams per connection, primary", "", 3);
    public static readonly Figure HttpPacketsBackup = new(Workloads.Http, "datagrams per connection, backup", "", 3);

    public static readonly Figure DelayIdleMedian = new(Workloads.Delay, "idle, median", "ms", 2);
    public static readonly Figure DelayIdle = new(Workloads.Delay, "idle, 99th percentile", "ms", 2);
    public static readonly Figure DelayLoadedMedian = new(Workloads.Delay, "under HTTP load, median", "ms", 1);
    public static readonly Figure DelayLoaded = new(Workloads.Delay, "under HTTP load, 99th percentile", "ms", 1);
    public static readonly Figure DelayRate = new(Workloads.Delay, "connections/s of the load", "", 0);

    public static readonly Figure PauseWorst = new(Workloads.Pause, "longest turn, CPU without the kernel's", "ms", 2);
    public static readonly Figure PauseHigh = new(Workloads.Pause, "99.9th percentile", "ms", 2);
    public static readonly Figure PauseMedian = new(Workloads.Pause, "median", "ms", 2);
    public static readonly Figure PauseMemory = new(Workloads.Pause, "resident memory per flow and cache", "B", 0);
    public static readonly Figure PauseCommit =
        new(Workloads.Pause, "CPU per committed flow, without the kernel's", "µs", 2);

    public static readonly Figure ToolStart = new(Workloads.Tools, "start and end (-C): time", "ms", 2);
    public static readonly Figure ToolStartCpu = new(Workloads.Tools, "start and end (-C): CPU", "ms", 2);
    public static readonly Figure ToolLoad = new(Workloads.Tools, "load (-R): time", "s", 3);
    public static readonly Figure ToolLoadCpu = new(Workloads.Tools, "load (-R): CPU", "s", 3);
    public static readonly Figure ToolList0 = new(Workloads.Tools, "list (-L), none assured: time", "s", 3);
    public static readonly Figure ToolList0Cpu = new(Workloads.Tools, "list (-L), none assured: CPU", "s", 3);
    public static readonly Figure ToolParted0 = new(Workloads.Tools, "the same, ours over two sockets: time", "s", 3);
    public static readonly Figure ToolList50 = new(Workloads.Tools, "list (-L), 50 % assured: time", "s", 3);
    public static readonly Figure ToolList50Cpu = new(Workloads.Tools, "list (-L), 50 % assured: CPU", "s", 3);
    public static readonly Figure ToolParted50 =
        new(Workloads.Tools, "the same, ours over two sockets: time ", "s", 3);
    public static readonly Figure ToolList95 = new(Workloads.Tools, "list (-L), 95 % assured: time", "s", 3);
    public static readonly Figure ToolList95Cpu = new(Workloads.Tools, "list (-L), 95 % assured: CPU", "s", 3);
    public static readonly Figure ToolParted95 =
        new(Workloads.Tools, "the same, ours over two sockets: time  ", "s", 3);
    public static readonly Figure ToolDelete = new(Workloads.Tools, "delete (-D): time", "s", 3);
    public static readonly Figure ToolDeleteCpu = new(Workloads.Tools, "delete (-D): CPU", "s", 3);
    public static readonly Figure ToolEventsCpu =
        new(Workloads.Tools, "events (-E -e NEW) to a file: CPU per event", "µs", 2);
    public static readonly Figure ToolEventsLost =
        new(Workloads.Tools, "events lost (buffer of 16 MiB asked for)", "", 0);

    public static readonly Figure[] All =
    [
        TimeToEqual, TimeAfterLast, BurstPrimary, BurstPrimaryKernel, BurstBackup, BurstBackupKernel,
        MemoryPrimary, MemoryBackup, PeakPrimary, PeakBackup, BasePrimary,
        BurstBytesPrimary, BurstBytesBackup, BurstPacketsPrimary, BurstPacketsBackup,
        DumpTime, DumpOwnTime, DumpDaemon, DumpClient,
        CommitTime, CommitDaemon, CommitKernel, CommitClient,
        Requests, HttpPrimary, HttpPrimaryKernel, HttpBackup, HttpBackupKernel, HttpBytesPrimary, HttpBytesBackup,
        HttpPacketsPrimary, HttpPacketsBackup,
        DelayIdleMedian, DelayIdle, DelayLoadedMedian, DelayLoaded, DelayRate, PauseWorst, PauseHigh, PauseMedian,
        PauseMemory, PauseCommit,
        ToolStart, ToolStartCpu, ToolLoad, ToolLoadCpu, ToolList0, ToolList0Cpu, ToolParted0, ToolList50,
        ToolList50Cpu, ToolParted50, ToolList95, ToolList95Cpu, ToolParted95, ToolDelete, ToolDeleteCpu,
        ToolEventsCpu, ToolEventsLost,
        .. Trouble.All.Select(trouble => trouble.Time),
    ];
}
