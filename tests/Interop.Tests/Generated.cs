namespace TwinTrack.Interop.Tests;

/// <summary>The flows of <see cref="Lab.FlowGenerator"/> as listings show them.</summary>
internal static class Generated
{
    private const int PortsPerAddress = 32;

    /// <summary>The original tuple of flow n.</summary>
    public static string Tuple(int n)
    {
        int host = n / PortsPerAddress;
        return $"src=10.{100 + (host >> 16)}.{host >> 8 & 255}.{host & 255} dst=10.77.2.10 "
            + $"sport={1024 + (n % PortsPerAddress)} dport=80";
    }

    public static IEnumerable<string> Tuples(int first, int count) => Enumerable.Range(first, count).Select(Tuple);
}
