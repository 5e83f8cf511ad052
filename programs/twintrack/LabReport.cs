using System.Globalization;
using Spectre.Console;
using TwinTrack.Lab;

namespace TwinTrack.Programs;

/// <summary>Prints the result of a run as tables.</summary>
internal static class LabReport
{
    /// <summary>Prints it.</summary>
    public static void Write(LabResult result)
    {
        AnsiConsole.WriteLine();
        AnsiConsole.Write(Summary(Rows(result)));
        AnsiConsole.Write(Flows(result));
        foreach (string problem in result.Problems) AnsiConsole.WriteLine($"note: {problem}");
        Color colour = result.Passed ? Color.Green : Color.Red;
        AnsiConsole.Write(new Text(
            $"{result.Alive} of {result.Connections} connections alive\n",
            new Style(colour, decoration: Decoration.Bold)));
    }

    /// <summary>Prints what keepalived made of it.</summary>
    public static void Write(KeepalivedResult result) => Write(
        result.Changes, result.Connections, result.Broken, result.Passed,
        $"fw1 {result.PrimaryProgram}, fw2 {result.BackupProgram}, " + (result.Script ?? "both active, no script"));

    /// <summary>Prints what became of firewalls that were configured by set commands.</summary>
    public static void Write(RouterResult result)
    {
        AnsiConsole.WriteLine();
        AnsiConsole.WriteLine("fw1 was told (fw2 the same with another priority):");
        foreach (string command in result.Commands) AnsiConsole.WriteLine($"  {command}");
        Write(result.Changes, result.Connections, result.Broken, result.Passed, result.Program);
    }

    private static void Write(
        IReadOnlyList<KeepalivedChange> changes, int connections, IReadOnlyDictionary<string, int> broken,
        bool hasPassed, string programs)
    {
        AnsiConsole.WriteLine();
        Table table = new Table().Border(TableBorder.Rounded)
            .AddColumns("what happens", "connections alive", "UDP stream", "roles after", "longest stall");
        foreach (KeepalivedChange change in changes)
        {
            table.AddRow(
                $"{change.Firewall} {(change.Returns ? "returns" : "fails")}",
                $"{change.Alive} of {connections}",
                change.UdpAlive ? "alive" : "lost",
                Ms(change.RolesMs),
                Ms(change.LongestStallMs));
        }

        AnsiConsole.Write(table);
        foreach ((string reason, int count) in broken) AnsiConsole.WriteLine($"note: {count} {reason}");
        AnsiConsole.WriteLine(programs);
        AnsiConsole.Write(new Text(
            hasPassed ? "no connection was lost\n" : "connections were lost\n",
            new Style(hasPassed ? Color.Green : Color.Red, decoration: Decoration.Bold)));
    }

    /// <summary>Prints what became of an FTP session.</summary>
    public static void Write(FtpResult result)
    {
        AnsiConsole.WriteLine();
        AnsiConsole.Write(Summary(Rows(result)));
        foreach (string problem in result.Problems) AnsiConsole.WriteLine($"note: {problem}");
        AnsiConsole.Write(new Text(
            result.Passed ? "the FTP session lived\n" : "the FTP session was lost\n",
            new Style(result.Passed ? Color.Green : Color.Red, decoration: Decoration.Bold)));
    }

    private static IEnumerable<(string What, string Value)> Rows(FtpResult result)
    {
        yield return (
            "FTP data connection", result.DataMs is { } data ? $"let through, {Ms(data)} with its bytes" : "lost");
        yield return ("FTP control connection", result.ControlAlive ? "alive" : "lost");
        yield return ("backup knew all after", result.ReplicationMs is { } time ? Ms(time) : "never");
        yield return ("expectations", result.ReplicatesExpectations ? "replicated" : "not replicated");
        yield return ("whole take-over", Ms(result.TakeOver.TotalMs));
        yield return ("primary", result.PrimaryProgram);
        yield return ("backup", result.BackupProgram);
        yield return ("run", $"{(result.SourceNat ? "with" : "without")} NAT");
    }

    private static Table Summary(IEnumerable<(string What, string Value)> rows)
    {
        Table table = new Table().Border(TableBorder.Rounded).HideHeaders().AddColumns("what", "value");
        foreach ((string what, string value) in rows) table.AddRow(new Text(what), new Text(value));
        return table;
    }

    private static IEnumerable<(string What, string Value)> Rows(LabResult result)
    {
        TakeOverTimes times = result.TakeOver;
        yield return ("connections alive", $"{result.Alive} of {result.Connections}{Reasons(result)}");
        yield return (
            "longest stall", $"{Ms(result.LongestStallMs)} (half of them at most {Ms(result.MedianStallMs)})");
        yield return (
            "UDP stream",
            $"{(result.Udp.Alive ? "alive" : "lost")}, {result.Udp.Lost} of {result.Udp.Sent} datagrams lost, "
            + $"longest gap {Ms(result.Udp.LongestGapMs)}");
        yield return ("backup knew all after", result.ReplicationMs is { } time ? Ms(time) : "never");
        if (result.Links > 1)
        {
            string other = result.LinkFailOverMs is { } ms ? $"another one in use after {Ms(ms)}" : "no other was used";
            yield return ("dedicated link cut", $"1 of {result.Links} under traffic, {other}");
        }

        yield return ("commit", times.CommitMs is { } commit ? Ms(commit) : "none");
        yield return (
            "whole take-over",
            $"{Ms(times.TotalMs)} (cut {Ms(times.CutMs)}, flush {Ms(times.FlushMs ?? 0)}, resync "
            + $"{Ms(times.ResyncMs ?? 0)}, bulk {Ms(times.BulkMs ?? 0)}, addresses {Ms(times.MoveMs)})");
        yield return ("handshakes after the cut", Number(result.SynAfterCut));
        yield return ("packets by the old primary", $"{result.OldPrimaryForwardedAfterCut} after the cut");
        yield return ("primary", result.PrimaryProgram ?? "no conntrackd");
        yield return ("backup", result.BackupProgram ?? "no conntrackd");
        string nat = result.SourceNat ? "with" : "without";
        yield return ("run", $"{Ms(result.TotalMs)}, {nat} NAT, seed {result.Seed}");
    }

    private static Table Flows(LabResult result)
    {
        Table table = new Table().Border(TableBorder.Rounded)
            .AddColumns("flows", "", "kernel", "internal cache", "external cache");
        foreach (FlowCount count in result.Flows)
        {
            table.AddRow(
                count.Firewall, count.Moment, Number(count.Kernel), Number(count.Internal), Number(count.External));
        }

        return table;
    }

    private static string Reasons(LabResult result) => result.Broken.Count == 0
        ? ""
        : $" ({string.Join(", ", result.Broken.Select(reason => $"{reason.Value} {reason.Key}"))})";

    private static string Ms(double milliseconds) =>
        string.Create(CultureInfo.InvariantCulture, $"{milliseconds:0.#} ms");

    private static string Number(long? number) => number?.ToString(CultureInfo.InvariantCulture) ?? "-";

    private static string Number(ulong number) => number.ToString(CultureInfo.InvariantCulture);
}
