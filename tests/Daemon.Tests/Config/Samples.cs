using TwinTrack.Daemon.Config;

namespace TwinTrack.Daemon.Tests.Config;

/// <summary>The sample files of tests/golden/conf and what is recorded about them.</summary>
internal static class Samples
{
    public static readonly ProtocolNames Protocols = new(() => "sctp 132 SCTP\nfc 133 FC\n");

    private static readonly string Root = Path.Combine(AppContext.BaseDirectory, "golden", "conf");

    public static IEnumerable<string> Names(string folder) =>
        Directory.GetFiles(Path.Combine(Root, folder), "*.conf").Order(StringComparer.Ordinal)
            .Select(path => $"{folder}/{Path.GetFileName(path)}");

    public static IEnumerable<string> AllNames => Names("valid").Concat(Names("invalid"));

    public static string Text(string name) => File.ReadAllText(Path.Combine(Root, name));

    public static ConfigResult Read(string name) => ConfigReader.Parse(name, Text(name), Protocols);

    /// <summary>The lines of diagnostics.txt about a sample: what conntrackd says, or what we say.</summary>
    public static string[] Recorded(string name, bool original)
    {
        const string mark = "original: ";
        return [.. File.ReadLines(Path.Combine(Root, "diagnostics.txt"))
            .SkipWhile(line => line != $"== {name}").Skip(1)
            .TakeWhile(line => !line.StartsWith("== ", StringComparison.Ordinal))
            .Where(line => line.StartsWith(mark, StringComparison.Ordinal) == original)
            .Select(line => original ? line[mark.Length..] : line)];
    }

    public static string Show(ConfigProblem problem) =>
        $"{problem.Level switch { ProblemLevel.Error => "error", ProblemLevel.Warning => "warning", _ => "start" }} "
        + $"{problem.Line}:{problem.Column}: {problem.Text}";
}
