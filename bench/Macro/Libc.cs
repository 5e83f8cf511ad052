using System.Runtime.InteropServices;

namespace TwinTrack.Bench;

/// <summary>The system calls of the benchmark, laid out as on a 64-bit Linux.</summary>
internal static partial class Libc
{
    public const int ChildrenUsage = -1; // RUSAGE_CHILDREN

    private const string Library = "libc";

    [StructLayout(LayoutKind.Sequential)]
    public struct TimeValue // timespec and timeval
    {
        public long Seconds;
        public long Fraction;
    }

    [StructLayout(LayoutKind.Sequential)]
    public struct Usage // rusage
    {
        public TimeValue User;
        public TimeValue System;
        public OtherCounts Others;
    }

    [System.Runtime.CompilerServices.InlineArray(14)]
    public struct OtherCounts
    {
        private long _first;
    }

    [LibraryImport(Library, EntryPoint = "clock_gettime", SetLastError = true)]
    public static partial int GetClock(int clock, out TimeValue time);

    [LibraryImport(Library, EntryPoint = "getrusage", SetLastError = true)]
    public static partial int GetUsage(int who, out Usage usage);
}
