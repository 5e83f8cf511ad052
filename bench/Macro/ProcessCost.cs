using System.Diagnostics;
using System.Globalization;
using TwinTrack.Lab;

namespace TwinTrack.Bench;

/// <summary>CPU time that a process and its children that ended have used.</summary>
/// <param name="Total">
/// All of it; the process's own share is exact, that of children comes in hundredths of a second.
/// </param>
/// <param name="Kernel">The part spent in the kernel, in hundredths of a second.</param>
internal readonly record struct CpuTime(TimeSpan Total, TimeSpan Kernel)
{
    public static CpuTime operator -(CpuTime later, CpuTime earlier) =>
        new(later.Total - earlier.Total, later.Kernel - earlier.Kernel);
}

/// <summary>What a running process costs, read from the kernel.</summary>
internal static class ProcessCost
{
    private const int TicksPerSecond = 100; // USER_HZ, the same on every architecture
    private const int ProcessClockKind = 2; // CPUCLOCK_SCHED, <linux/posix-timers.h>

    private static readonly TimeSpan IdleWindow = TimeSpan.FromMilliseconds(250);
    private static readonly TimeSpan IdleShare = TimeSpan.FromMilliseconds(4);
    private static readonly TimeSpan IdleDeadline = TimeSpan.FromSeconds(15);

    /// <summary>Reads the CPU time.</summary>
    /// <exception cref="LabException">The process is gone.</exception>
    public static CpuTime Cpu(int processId)
    {
        // MAKE_PROCESS_CPUCLOCK: the sum over all threads, also ended ones, in nanoseconds.
        if (Libc.GetClock((~processId << 3) | ProcessClockKind, out Libc.TimeValue own) != 0)
            throw new LabException($"process {processId} is gone");

        string[] stat = Stat(processId);
        // proc(5): 14 utime, 15 stime, 16 cutime, 17 cstime.
        TimeSpan total = TimeSpan.FromSeconds(own.Seconds) + TimeSpan.FromTicks(own.Fraction / 100)
            + Ticks(stat[16]) + Ticks(stat[17]);
        return new(total, Ticks(stat[15]) + Ticks(stat[17]));
    }

    /// <summary>CPU time of the children this program started and collected.</summary>
    public static TimeSpan CollectedChildren()
    {
        _ = Libc.GetUsage(Libc.ChildrenUsage, out Libc.Usage usage);
        return TimeSpan.FromSeconds(usage.User.Seconds + usage.System.Seconds)
            + TimeSpan.FromMicroseconds(usage.User.Fraction + usage.System.Fraction);
    }

    /// <summary>Bytes of a line of /proc/PID/status, such as VmRSS or VmHWM.</summary>
    public static long Memory(int processId, string line)
    {
        string found = File.ReadLines($"/proc/{processId}/status")
            .First(text => text.StartsWith(line + ":", StringComparison.Ordinal));
        string kibibytes = found.Split(' ', StringSplitOptions.RemoveEmptyEntries)[1];
        return long.Parse(kibibytes, CultureInfo.InvariantCulture) * 1024;
    }

    /// <summary>How the process is scheduled: policy (0 is the normal one) and nice value.</summary>
    public static (string Policy, string Nice) Scheduling(int processId)
    {
        string[] stat = Stat(processId);
        return (stat[41], stat[19]);
    }

    /// <summary>Waits until processes have no children and hardly use the CPU: work put off is counted too.</summary>
    /// <returns>False if they go on working.</returns>
    public static bool WaitUntilIdle(CancellationToken cancellation, params int[] processIds)
    {
        var watch = Stopwatch.StartNew();
        TimeSpan before = TotalCpu(processIds);
        while (watch.Elapsed < IdleDeadline)
        {
            if (cancellation.WaitHandle.WaitOne(IdleWindow)) cancellation.ThrowIfCancellationRequested();
            TimeSpan now = TotalCpu(processIds);
            if (now - before < IdleShare && !Array.Exists(processIds, HasChildren)) return true;
            before = now;
        }

        return false;
    }

    private static TimeSpan TotalCpu(int[] processIds) =>
        processIds.Aggregate(TimeSpan.Zero, (sum, id) => sum + Cpu(id).Total);

    private static bool HasChildren(int processId) =>
        File.ReadAllText($"/proc/{processId}/task/{processId}/children").Trim().Length > 0;

    // Index n is field n of proc(5); the name in parentheses, field 2, may hold spaces.
    private static string[] Stat(int processId)
    {
        string text = File.ReadAllText($"/proc/{processId}/stat");
        return ["", "", "", .. text[(text.LastIndexOf(')') + 2)..].Split(' ')];
    }

    private static TimeSpan Ticks(string value) =>
        TimeSpan.FromSeconds(double.Parse(value, CultureInfo.InvariantCulture) / TicksPerSecond);
}
