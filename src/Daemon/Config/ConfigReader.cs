namespace TwinTrack.Daemon.Config;

/// <summary>Reads configuration files.</summary>
public static class ConfigReader
{
    /// <summary>Largest file that is read, in bytes.</summary>
    public const int LargestFile = 1 << 20;

    /// <summary>Reads a file and stops at the first error, as every invocation but <c>--check</c> does.</summary>
    /// <param name="file">Path of the file.</param>
    public static ConfigResult Load(string file)
    {
        ConfigResult result = Check(file);
        int first = 0;
        while (first < result.Problems.Count && result.Problems[first].Level != ProblemLevel.Error) first++;
        return result with { Problems = [.. result.Problems.Take(first + 1)] };
    }

    /// <summary>Reads a file and reports everything that is wrong with it.</summary>
    /// <param name="file">Path of the file.</param>
    public static ConfigResult Check(string file)
    {
        try
        {
            if (Directory.Exists(file)) return Unreadable(file, "Is a directory");
            return TextFile.Read(file, LargestFile) is { } text
                ? Parse(file, text, ProtocolNames.OfSystem())
                : Unreadable(file, $"larger than {LargestFile} bytes");
        }
        catch (Exception e) when (e is FileNotFoundException or DirectoryNotFoundException)
        {
            return Unreadable(file, "No such file or directory");
        }
        catch (UnauthorizedAccessException)
        {
            return Unreadable(file, "Permission denied");
        }
        catch (Exception e) when (e is IOException or ArgumentException or NotSupportedException)
        {
            return Unreadable(file, "it cannot be read");
        }
    }

    /// <summary>Parses the text of a file and reports everything that is wrong with it.</summary>
    /// <param name="file">Name for messages.</param>
    /// <param name="text">What the file contains.</param>
    /// <param name="protocols">Protocols a filter may name.</param>
    public static ConfigResult Parse(string file, string text, ProtocolNames protocols)
    {
        var draft = new ConfigDraft(protocols);
        new Parser(text, draft).ParseFile();
        DaemonConfig? config = draft.Finish();
        return new ConfigResult(file, config, draft.Problems) { Statements = draft.Statements };
    }

    private static ConfigResult Unreadable(string file, string reason) =>
        new(file, null, [new ConfigProblem(ProblemLevel.Error, 0, 0, $"can't open config file `{file}': {reason}")]);
}
