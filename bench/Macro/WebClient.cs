using System.Diagnostics;
using System.Globalization;
using TwinTrack.Lab;

namespace TwinTrack.Bench;

/// <summary>What wrk reports.</summary>
/// <param name="Requests">Answers received, one for each connection.</param>
/// <param name="RequestsPerSecond">As wrk counts them.</param>
/// <param name="Errors">Its lines about socket errors and answers that were no success; usually empty.</param>
internal sealed record WebLoad(long Requests, double RequestsPerSecond, string Errors);

/// <summary>wrk in the client's namespace.</summary>
internal static class WebClient
{
    /// <summary>Connections open at a time.</summary>
    public const int Connections = 64;

    /// <summary>Loads the server for some seconds.</summary>
    /// <exception cref="LabException">wrk failed.</exception>
    public static WebLoad Run(Topology topology, RunDirectory directory, int seconds, CancellationToken cancellation)
    {
        string program = Command.Find("wrk") ?? throw new LabException("wrk is missing: install wrk");
        string output = $"{directory.Path}/wrk.out";
        File.Delete(output);
        using Process process = topology.Client.Start(
            output, program, "-t1", $"-c{Connections}", $"-d{seconds}s", "-H", "Connection: close", WebServer.Url);
        while (!process.WaitForExit(100)) cancellation.ThrowIfCancellationRequested();
        return Parse(File.ReadAllText(output));
    }

    //   104961 requests in 8.00s, 430.42MB read
    //   Socket errors: connect 0, read 12, write 0, timeout 0
    // Requests/sec:  13119.85
    private static WebLoad Parse(string text)
    {
        string[] lines = [.. text.Split('\n').Select(line => line.Trim())];
        string? requests = Array.Find(lines, line => line.Contains(" requests in ", StringComparison.Ordinal));
        string? rate = Array.Find(lines, line => line.StartsWith("Requests/sec:", StringComparison.Ordinal));
        if (requests is null || rate is null) throw new LabException($"wrk: {text.Trim()}");
        return new(
            long.Parse(requests.Split(' ')[0], CultureInfo.InvariantCulture),
            double.Parse(rate.Split(':')[1], CultureInfo.InvariantCulture),
            string.Join("; ", lines.Where(IsComplaint)));
    }

    private static bool IsComplaint(string line) =>
        line.StartsWith("Socket errors", StringComparison.Ordinal)
        || line.StartsWith("Non-2xx", StringComparison.Ordinal);
}
