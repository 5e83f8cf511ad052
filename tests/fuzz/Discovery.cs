using System.Diagnostics;
using System.IO.MemoryMappedFiles;
using TwinTrack.Testing;

namespace TwinTrack.Fuzz;

/// <summary>Changes inputs of a corpus for as long as one likes, keeps what makes something new happen.</summary>
internal sealed class Discovery
{
    private const int MostInputs = 5000;
    private static readonly TimeSpan Patience = TimeSpan.FromSeconds(2);

    private readonly Target _target;
    private readonly List<byte[]> _inputs;
    private readonly HashSet<ulong> _seen = [];

    /// <summary>Begins with the inputs given, or with one empty input.</summary>
    public Discovery(Target target, IEnumerable<byte[]> inputs)
    {
        _target = target;
        _inputs = [.. inputs];
        if (_inputs.Count == 0) _inputs.Add([]);
    }

    /// <summary>Inputs that made something new happen, in the order of their discovery.</summary>
    public List<byte[]> Found { get; } = [];

    /// <summary>Inputs tried.</summary>
    public long Tried { get; private set; }

    /// <summary>Where the input under trial is left should the process die of it.</summary>
    public static string CurrentPath(Target target) => Path.Combine(Repository.Root, "artifacts", "fuzz", target.Name + ".current");

    /// <summary>Tries the inputs as they are.</summary>
    /// <returns>A failing input and what it failed with; null if all are survived.</returns>
    public (byte[] Input, Exception Error)? Replay()
    {
        foreach (byte[] input in _inputs.ToArray())
        {
            if (Try(input, out _) is { } error) return (input, error);
        }

        return null;
    }

    /// <summary>Tries changed inputs until the time or the number is reached, or one fails.</summary>
    /// <returns>A failing input and what it failed with; null if all were survived.</returns>
    public (byte[] Input, Exception Error)? Walk(int seed, long most, TimeSpan time, bool keepsCurrent)
    {
        var mutator = new Mutator(_target, seed);
        using MemoryMappedFile? file = keepsCurrent ? OpenCurrent(_target) : null;
        using MemoryMappedViewAccessor? current = file?.CreateViewAccessor();
        var watch = Stopwatch.StartNew();
        for (long i = 0; i < most && watch.Elapsed < time; i++)
        {
            byte[] input = mutator.Change(
                _inputs[mutator.Next(_inputs.Count)], _inputs[mutator.Next(_inputs.Count)]);
            current?.Write(0, input.Length);
            current?.WriteArray(sizeof(int), input, 0, input.Length);
            if (Try(input, out bool isNew) is { } error) return (input, error);
            if (!isNew || _inputs.Count >= MostInputs) continue;
            _inputs.Add(input);
            Found.Add(input);
        }

        return null;
    }

    private Exception? Try(byte[] input, out bool isNew)
    {
        Tried++;
        isNew = false;
        long start = Stopwatch.GetTimestamp();
        try
        {
            isNew = _seen.Add(_target.Run(input));
        }
        catch (Exception error)
        {
            return error; // whatever it is, the input is what matters
        }

        return Stopwatch.GetElapsedTime(start) > Patience ? new FuzzFailure("it takes too long") : null;
    }

    private static MemoryMappedFile OpenCurrent(Target target)
    {
        string path = CurrentPath(target);
        Directory.CreateDirectory(Path.GetDirectoryName(path)!);
        return MemoryMappedFile.CreateFromFile(path, FileMode.Create, mapName: null, Corpus.LongestInput + sizeof(int));
    }
}
