using System.Diagnostics;

namespace TwinTrack.Cli.Tests;

/// <summary>Waits for what a listener in a namespace of its own does, however slow the machine is.</summary>
internal static class ListenerWatch
{
    /// <summary>The same two as functions of bash, for a process of the shell's namespace.</summary>
    public const string Functions =
        """
        socket() { awk '$2 == 12 && $4 != "00000000" { print $5; exit }' /proc/net/netlink; }
        state() { sed -n 's/^State:.\(.\).*/\1/p' /proc/$1/status 2>/dev/null; }
        until_it_listens() {
            for i in $(seq 1500); do
                case $(state $1) in ''|Z) return ;; esac
                [ -n "$(socket)" ] && return
                sleep 0.02
            done
        }
        until_it_rests() {
            quiet=0
            for i in $(seq 1500); do
                case $(state $1) in
                    ''|Z) return ;;
                    S) [ "$(socket)" = 0 ] && quiet=$((quiet + 1)) || quiet=0 ;;
                    *) quiet=0 ;;
                esac
                [ $quiet = 3 ] && return
                sleep 0.02
            done
        }

        """;

    private const string Netfilter = "12"; // NETLINK_NETFILTER
    private static readonly TimeSpan _pause = TimeSpan.FromMilliseconds(20);
    private static readonly TimeSpan _limit = TimeSpan.FromSeconds(30);

    /// <summary>Waits until it hears events, or has ended.</summary>
    public static void WaitForStart(Process process) =>
        WaitUntil(process, () => IsMoved(process) && Waiting(process) is not null);

    /// <summary>Waits until it has read everything and waits for more, or has ended.</summary>
    public static void WaitForRest(Process process)
    {
        int quiet = 0;
        WaitUntil(process, () =>
        {
            quiet = Waiting(process) is 0 && IsAsleep(process) ? quiet + 1 : 0;
            return quiet == 3;
        });
    }

    private static void WaitUntil(Process process, Func<bool> isDone)
    {
        var watch = Stopwatch.StartNew();
        while (watch.Elapsed < _limit && !process.HasExited && !isDone()) Thread.Sleep(_pause);
    }

    // Before, it is not the program yet but what starts it.
    private static bool IsMoved(Process process) => Space($"{process.Id}") != Space("self");

    private static string Space(string process)
    {
        try
        {
            return File.ResolveLinkTarget($"/proc/{process}/ns/net", returnFinalTarget: false)?.Name ?? "";
        }
        catch (IOException)
        {
            return ""; // it has ended
        }
    }

    // Bytes that wait in the socket that joined groups; null without such a socket.
    // Columns of /proc/net/netlink: sk Eth Pid Groups Rmem ...
    private static long? Waiting(Process process)
    {
        string[]? socket = Lines($"/proc/{process.Id}/net/netlink")
            .Select(line => line.Split(' ', StringSplitOptions.RemoveEmptyEntries))
            .FirstOrDefault(columns => columns[1] == Netfilter && columns[3] != "00000000");
        return socket is null ? null : long.Parse(socket[4]);
    }

    private static bool IsAsleep(Process process) =>
        Lines($"/proc/{process.Id}/status").Any(line => line.StartsWith("State:\tS", StringComparison.Ordinal));

    private static string[] Lines(string path)
    {
        try
        {
            return File.ReadAllLines(path);
        }
        catch (IOException)
        {
            return []; // it has ended
        }
    }
}
