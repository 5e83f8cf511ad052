using System.Globalization;
using TwinTrack.Router.Config;
using TwinTrack.Router.Live;
using TwinTrack.Router.Sync;

namespace TwinTrack.Router.Shell;

/// <summary>Configuration mode: commands that change the candidate, and put it into effect.</summary>
internal sealed class ConfigSession
{
    public const int Done = 0;
    public const int Refused = 1;

    private static readonly TimeSpan _usualTime = TimeSpan.FromMinutes(10);

    /// <summary>The commands, with what they do.</summary>
    public static readonly IReadOnlyList<(string Word, string Help)> Commands =
    [
        ("set", "Set the value of a node"), ("delete", "Delete a node or a value"),
        ("show", "Show the configuration that is edited"), ("compare", "Show what was changed"),
        ("commit", "Put the changes into effect"), ("commit-confirm", "The same, taken back unless confirmed in time"),
        ("confirm", "Confirm the last commit"), ("discard", "Forget the changes"),
        ("rollback", "Load a former configuration"), ("save", "Save the running configuration"),
        ("load", "Replace what is edited by a file"), ("merge", "Add a file to what is edited"),
        ("edit", "Go to a place in the tree"), ("up", "Go up by one"), ("top", "Go to the root"),
        ("export", "Write the running configuration for an old router, or the file its generator makes"),
        ("migrate", "Bring the file of an old router up to date"), ("run", "Run an operational command"),
        ("exit", "Leave"),
    ];

    private readonly RouterPaths _paths;
    private TextWriter _output;
    private readonly TextWriter _errors;
    private readonly Committer _committer;
    private readonly List<string> _place = [];
    private ConfigNode _candidate;

    public ConfigSession(RouterPaths paths, TextWriter output, TextWriter errors)
    {
        _paths = paths;
        _output = output;
        _errors = errors;
        _committer = new(paths, output, errors);
        _candidate = FileStore.ReadConfig(File.Exists(paths.Candidate) ? paths.Candidate : paths.Running);
    }

    /// <summary>Whether <c>exit</c> was typed.</summary>
    public bool IsOver { get; private set; }

    /// <summary>The words of the place that commands are relative to.</summary>
    public IReadOnlyList<string> Place => _place;

    private ConfigNode Running => FileStore.ReadConfig(_paths.Running);

    /// <summary>Carries a line out.</summary>
    /// <returns>The exit status.</returns>
    public int Execute(string line)
    {
        if (FileStore.Read(_paths.Notice) is { } notice)
        {
            _errors.Write(notice);
            File.Delete(_paths.Notice);
        }

        string text = line.Trim();
        if (text.Length == 0 || text[0] == '#') return Done;
        List<string> words = [];
        try
        {
            words = WordSplitter.Split(text);
            return Execute(Command(words[0]), words[1..]);
        }
        catch (PathException e)
        {
            PointAt(words, e);
            return Refused;
        }
        catch (Exception e) when (e is RouterException or IOException or UnauthorizedAccessException)
        {
            _errors.WriteLine($"\n  {e.Message}\n");
            return Refused;
        }
    }

    private int Execute(string command, List<string> words)
    {
        switch (command)
        {
            case "set": Set([.. _place, .. words]); break;
            case "delete": Delete([.. _place, .. words]); break;
            case "show" or "compare": ShowPiped(command, words); break;
            case "export": Export(words); break;
            case "migrate": Migrate(words); break;
            case "commit": Commit(words); break;
            case "commit-confirm": _committer.CommitUntilConfirmed(_candidate, Time(words)); break;
            case "confirm": _committer.Confirm(); break;
            case "discard": Discard(); break;
            case "rollback": Rollback(Number(words, 0)); break;
            case "save": FileStore.Write(words.FirstOrDefault(_paths.Saved), ConfigText.File(Running)); break;
            case "load": Load(words.FirstOrDefault(_paths.Saved), isMerge: false); break;
            case "merge": Load(words.FirstOrDefault(_paths.Saved), isMerge: true); break;
            case "edit": Edit(words); break;
            case "up" when _place.Count > 0: _place.RemoveAt(_place.Count - 1); break;
            case "top": _place.Clear(); break;
            case "run": return Operations.Run(words, _paths, _output, _errors);
            case "revert": _committer.Revert(words[0]); break;
            case "exit": return Exit(words.Contains("discard", StringComparer.Ordinal));
        }

        return Done;
    }

    private static string Command(string typed)
    {
        List<string> found =
            [.. Commands.Select(one => one.Word).Where(word => word.StartsWith(typed, StringComparison.Ordinal))];
        string hint = found.Count > 1 ? $"; it may be {string.Join(", ", found)}" : "";
        if (typed == "revert" || found.Contains(typed, StringComparer.Ordinal)) return typed;
        return found.Count == 1
            ? found[0]
            : throw new PathException("S01", $"'{typed}' is not a command{hint}");
    }

    private void Set(List<string> words)
    {
        ConfigPath path = PathReader.ForSet(words);
        foreach (string notice in path.Notices) _errors.WriteLine($"  {notice}");
        if (_candidate.Set(path)) Keep();
        else _output.WriteLine($"  S15: [{string.Join(' ', words)}] is set already");
    }

    private void Delete(List<string> words)
    {
        if (words.Count == 0) throw new PathException("S01", "delete needs a path");
        if (_candidate.Delete(PathReader.ForPlace(words))) Keep();
        else _output.WriteLine($"  S16: nothing to delete: [{string.Join(' ', words)}] is not set");
    }

    private void ShowPiped(string command, List<string> words)
    {
        PipedCommand piped = Pipes.Split(words);
        TextWriter output = _output;
        using var shown = new StringWriter();
        _output = shown;
        try
        {
            if (command == "compare") Compare(piped.Words);
            else Show([.. _place, .. piped.Words], piped.IsJson);
        }
        finally
        {
            _output = output;
        }

        _output.Write(piped.Filter(shown.ToString()));
    }

    private void Export(List<string> words)
    {
        if (words is ["profile", "legacy" or "modern", ..])
        {
            var generation = Enum.Parse<ReferenceGeneration>(words[1], ignoreCase: true);
            string text = Committer.Reference(Running, generation);
            if (words.Count > 2) FileStore.Write(words[2], text);
            else _output.Write(text);
            return;
        }

        if (words is not ["dialect", "old", ..])
            throw new PathException("S01", "export takes 'dialect old [FILE]' or 'profile legacy|modern [FILE]'", 1);
        IReadOnlyList<string> refusals = OldDialect.Refusals(Running);
        if (refusals.Count > 0)
            throw new RouterException($"old routers do not know: {string.Join("; ", refusals)}");
        if (words.Count > 2) FileStore.Write(words[2], OldDialect.File(Running));
        else _output.Write(OldDialect.File(Running));
    }

    // The file is replaced; what it was and what was done stay beside it.
    private void Migrate(List<string> words)
    {
        if (words is not ([_] or [_, "cluster=keep" or "cluster=to-vrrp"]))
            throw new PathException("S01", "migrate takes FILE, and cluster=keep or cluster=to-vrrp", 1);
        string file = words[0];
        string text = FileStore.Read(file) ?? throw new RouterException($"{file} does not exist");
        var migration = new Migration(
            text, words.Contains("cluster=to-vrrp", StringComparer.Ordinal), Environment.MachineName);
        foreach (string warning in migration.Warnings) _errors.WriteLine($"  warning: {warning}");
        string made = ConfigText.File(migration.Result);
        if (made == text) return;
        FileStore.Write($"{file}.before", text);
        FileStore.Write($"{file}.report", migration.Report().ToJsonString() + "\n");
        FileStore.Write(file, made);
    }

    private void Show(List<string> words, bool isJson)
    {
        ConfigPath path = PathReader.ForPlace(words);
        string[] steps = [.. path.Steps.Select(step => step.Name)];
        if (isJson)
        {
            _output.WriteLine((_candidate.At(steps) is { } node ? ConfigText.Json(node) : []).ToJsonString());
            return;
        }

        string now = Braces(_candidate.At(steps));
        string before = Braces(Running.At(steps));
        IReadOnlyList<string> marks = MarkedLines.Between(before, now);
        foreach (string line in marks) _output.WriteLine(line);
        if (marks.Count == 0) _output.WriteLine("Configuration under specified path is empty");
    }

    private static string Braces(ConfigNode? node)
    {
        if (node is null) return "";
        return node.Values.Count > 0
            ? string.Concat(node.Values.Select(value => $"{node.Name} \"{value}\"\n"))
            : ConfigText.Braces(node);
    }

    private void Compare(List<string> words)
    {
        ConfigNode before = words.Count > 0 ? Revision(Number(words, 0)) : Running;
        ConfigNode after = words.Count > 1 ? Revision(Number(words[1..], 0)) : words.Count > 0 ? Running : _candidate;
        IReadOnlyList<string> lines = ConfigDiff.Between(before, after);
        foreach (string line in lines) _output.WriteLine(line);
        if (lines.Count == 0) _output.WriteLine("No changes between working and active configurations.");
    }

    private void Commit(List<string> words)
    {
        if (words.FirstOrDefault() == "dry-run")
        {
            _committer.DryRun(_candidate, isJson: words[1..] is ["json"] or ["|", "json"] or ["--json"]);
            return;
        }

        if (words.Count > 0 && words is not ["comment", _])
            throw new PathException("S01", "commit takes 'dry-run' or 'comment TEXT'", 1);
        if (_committer.Commit(_candidate) && words.Count > 0) _committer.Note(words[1]);
        File.Delete(_paths.Candidate);
    }

    private void Discard()
    {
        _candidate = Running;
        File.Delete(_paths.Candidate);
    }

    private void Rollback(int number)
    {
        _candidate = Revision(number);
        Keep();
        _output.WriteLine($"revision {number} is loaded: see 'compare', then 'commit'");
    }

    private void Load(string file, bool isMerge)
    {
        string text = FileStore.Read(file) ?? throw new RouterException($"{file} does not exist");
        ConfigNode loaded = isMerge ? _candidate.Clone() : ConfigNode.Empty();
        ConfigText.Read(
            text, loaded, (line, e) => throw new RouterException($"{file}:{line}: {e.Message}"),
            notice => _errors.WriteLine($"  {notice}"));
        _candidate = loaded;
        Keep();
    }

    private void Edit(List<string> words)
    {
        ConfigPath path = PathReader.ForPlace([.. _place, .. words]);
        if (path.End.Kind is NodeKind.Leaf or NodeKind.Multi or NodeKind.Flag)
            throw new PathException("S01", "that is a value, not a place");
        _place.Clear();
        _place.AddRange(path.Steps.Select(step => step.Name));
    }

    private int Exit(bool isForced)
    {
        if (_place.Count > 0 && !isForced)
        {
            _place.Clear();
            return Done;
        }

        bool isChanged = ConfigDiff.Between(Running, _candidate).Count > 0;
        if (isChanged && !isForced)
        {
            _errors.WriteLine("  Cannot exit: configuration modified. 'commit', or 'exit discard'.");
            return Refused;
        }

        if (isForced) Discard();
        IsOver = true;
        return Done;
    }

    private void Keep() => FileStore.Write(_paths.Candidate, ConfigText.File(_candidate));

    private ConfigNode Revision(int number)
    {
        string file = FileStore.Revision(_paths.Archive, number);
        return File.Exists(file)
            ? FileStore.ReadConfig(file)
            : throw new RouterException($"there is no revision {number}");
    }

    // Minutes; with an s seconds.
    private static TimeSpan Time(List<string> words)
    {
        if (words.Count == 0) return _usualTime;
        return words[0].EndsWith('s')
            ? TimeSpan.FromSeconds(Number([words[0][..^1]], 0))
            : TimeSpan.FromMinutes(Number(words, 0));
    }

    private static int Number(List<string> words, int usual)
    {
        if (words.Count == 0) return usual;
        return int.TryParse(words[0], NumberStyles.None, CultureInfo.InvariantCulture, out int number)
            ? number
            : throw new RouterException($"'{words[0]}' is not a number");
    }

    // The line again, and under it the word that is wrong.
    private void PointAt(List<string> words, PathException e)
    {
        _errors.WriteLine();
        if (words.Count > 0)
        {
            string line = string.Join(' ', words);
            int word = e.Word < 0 ? -1 : e.Word - _place.Count + 1;
            int column = word < 0 ? line.Length + 1 : words.Take(word).Sum(before => before.Length + 1);
            int length = word < 0 || word >= words.Count ? 1 : words[word].Length;
            _errors.WriteLine($"  {line}");
            _errors.WriteLine($"  {new string(' ', Math.Max(0, column))}{new string('^', length)}");
        }

        _errors.WriteLine($"  {e.Id}: {e.Message}");
        _errors.WriteLine($"  {(words.Count > 0 ? words[0] : "command")} failed");
        _errors.WriteLine();
    }
}
