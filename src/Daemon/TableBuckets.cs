using System.Globalization;

namespace TwinTrack.Daemon;

/// <summary>How the kernel's table is laid out.</summary>
internal static class TableBuckets
{
    private const string BucketsPath = "/proc/sys/net/netfilter/nf_conntrack_buckets";

    /// <summary>The number of buckets; 0 where the kernel does not tell.</summary>
    public static int Read()
    {
        try
        {
            return int.TryParse(File.ReadAllText(BucketsPath), CultureInfo.InvariantCulture, out int count) ? count : 0;
        }
        catch (Exception error) when (error is IOException or UnauthorizedAccessException)
        {
            return 0;
        }
    }
}
