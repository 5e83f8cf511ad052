using System.Globalization;
using System.Security.Cryptography;
using TwinTrack.Lab;

namespace TwinTrack.Bench;

/// <summary>What the figures depend on besides the programs.</summary>
internal static class Machine
{
    private const string TableLimitPath = "/proc/sys/net/netfilter/nf_conntrack_max";

    private static readonly TimeSpan LookAround = TimeSpan.FromMilliseconds(400);

    /// <summary>Lines for the head of the report.</summary>
    public static IEnumerable<string> Describe(BenchOptions options)
    {
        yield return $"kernel: Linux {ReadLine("/proc/sys/kernel/osrelease")}, "
            + $"{Environment.ProcessorCount} cores ({Processor()})";
        yield return $"original: {Version(options.Original)}";
        yield return $"ours: {Version(options.Ours)}, {new FileInfo(options.Ours).Length / 1024:N0} KiB, "
            + $"SHA-256 {Digest(options.Ours)}";
        if (options.Has(Workloads.Http))
            yield return $"load: {VersionLine("nginx", "-v")}, {VersionLine("wrk", "-v")}";
        yield return $"host-wide: nf_conntrack_max {ReadLine(TableLimitPath)}, "
            + $"buckets {ReadLine("/proc/sys/net/netfilter/nf_conntrack_buckets")}";
    }

    /// <summary>What stands in the way of a run: null, or one sentence.</summary>
    public static string? Obstacle(BenchOptions options)
    {
        foreach (string program in (string[])[options.Original, options.Ours])
            if (!File.Exists(program)) return $"{program} is missing";
        if (!File.Exists(TableLimitPath)) return "the kernel lacks connection tracking (module nf_conntrack)";

        return TableLimit < options.Flows
            ? $"nf_conntrack_max is {TableLimit}, {options.Flows} flows need at least as much: raise it with sysctl"
            : null;
    }

    /// <summary>Flows that the host's table holds.</summary>
    public static long TableLimit => long.Parse(ReadLine(TableLimitPath), CultureInfo.InvariantCulture);

    /// <summary>The share of the machine that is in use while this program does nothing: by others, thus.</summary>
    public static double OtherWork(CancellationToken cancellation)
    {
        (long busy, long all) before = ReadUse();
        if (cancellation.WaitHandle.WaitOne(LookAround)) cancellation.ThrowIfCancellationRequested();
        (long busy, long all) after = ReadUse();
        return (double)(after.busy - before.busy) / Math.Max(1, after.all - before.all);
    }

    /// <summary>A name for the machine that says what matters and not whose it is.</summary>
    public static string Name()
    {
        string[] release = ReadLine("/proc/sys/kernel/osrelease").Split('.');
        return $"{Environment.ProcessorCount}-cores-linux-{release[0]}.{release[1]}";
    }

    // cpu  USER NICE SYSTEM IDLE IOWAIT IRQ SOFTIRQ STEAL ..., proc(5)
    private static (long Busy, long All) ReadUse()
    {
        long[] ticks =
        [
            .. File.ReadLines("/proc/stat").First().Split(' ', StringSplitOptions.RemoveEmptyEntries).Skip(1).Take(8)
                .Select(word => long.Parse(word, CultureInfo.InvariantCulture)),
        ];
        long all = ticks.Sum();
        return (all - ticks[3] - ticks[4], all);
    }

    private static string Processor() => File.ReadLines("/proc/cpuinfo")
        .FirstOrDefault(line => line.StartsWith("model name", StringComparison.Ordinal))?.Split(':')[1].Trim()
        ?? "unknown";

    private static string Version(string program) => VersionLine(program, "-v");

    private static string VersionLine(string program, string option) =>
        Command.Run(Command.Find(program) ?? program, [option]).FirstLine;

    private static string Digest(string path) =>
        Convert.ToHexStringLower(SHA256.HashData(File.ReadAllBytes(path)))[..16];

    private static string ReadLine(string path) => File.ReadAllText(path).Trim();
}
