using System.Diagnostics;
using Xunit.Sdk;

namespace TwinTrack.Interop.Tests;

/// <summary>Waits for conditions. The machine may be busy: deadlines are generous, a condition met ends the wait.</summary>
internal static class Eventually
{
    public static readonly TimeSpan Patience = TimeSpan.FromSeconds(60);

    private static readonly TimeSpan Interval = TimeSpan.FromMilliseconds(20);

    /// <summary>Waits until the function returns null; its last text explains a failure.</summary>
    /// <returns>How long it took.</returns>
    public static TimeSpan Holds(Func<string?> whyNot, TimeSpan? patience = null)
    {
        var watch = Stopwatch.StartNew();
        while (true)
        {
            string? reason = whyNot();
            if (reason is null) return watch.Elapsed;
            if (watch.Elapsed > (patience ?? Patience))
                throw new XunitException($"not even after {watch.Elapsed.TotalSeconds:0} s: {reason}");
            Thread.Sleep(Interval);
        }
    }

    /// <summary>Waits until the function returns the value.</summary>
    public static TimeSpan Equals<T>(T expected, Func<T> actual, string what, TimeSpan? patience = null) => Holds(
        () => actual() is var value && EqualityComparer<T>.Default.Equals(value, expected)
            ? null
            : $"{what}: {value} instead of {expected}",
        patience);
}
