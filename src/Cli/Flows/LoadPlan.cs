using TwinTrack.Conntrack;
using TwinTrack.Netlink;

namespace TwinTrack.Cli.Flows;

/// <summary>A piece of a load file: lines that create flows, or one other line.</summary>
/// <param name="Line">Number of the first line.</param>
/// <param name="Creations">How many flows it creates; 0 for another command.</param>
/// <param name="Start">First byte: of the requests, or of the line in the file.</param>
/// <param name="End">Behind its last byte.</param>
internal readonly record struct LoadStep(int Line, int Creations, int Start, int End);

/// <summary>A load file or a half of one, read and checked before anything of the file is carried out.</summary>
/// <remarks>
/// Lines that create flows are kept as the requests they become, numbered by their line, others as text: a file of a
/// million lines takes a few hundred bytes a line at most.
/// </remarks>
/// <param name="options">What follows the file on the command line.</param>
/// <param name="say">Takes warnings and lines that are passed over.</param>
/// <param name="progress">Where it is told how far reading is; null for nowhere.</param>
internal sealed class LoadPlan(LoadOptions options, Action<string> say, Progress? progress)
{
    // Smaller files are read before a second thread has begun.
    private const int LeastBytesToPart = 4 << 20;

    private readonly Request _request = new();
    private readonly LineWords _words = new();
    private readonly RequestParser _parser = new(say);
    private readonly List<LoadStep> _steps = [];
    private PackedFlow _flow;
    private ReadOnlyMemory<byte> _file;

    /// <summary>The pieces, in order.</summary>
    public IReadOnlyList<LoadStep> Steps => _steps;

    /// <summary>Requests of the lines that create flows.</summary>
    public NetlinkWriter Requests { get; private set; } = new();

    /// <summary>Lines of the file, up to the end of this half.</summary>
    public int Lines { get; private set; }

    /// <summary>Lines that cannot be carried out.</summary>
    public int Errors { get; private set; }

    /// <summary>Reads a file, a large one in two halves at the same time.</summary>
    /// <exception cref="ToolException">A line makes no sense, unless the options say to go on.</exception>
    public static LoadPlan[] ReadAll(Session session, LoadOptions options, ReadOnlyMemory<byte> file)
    {
        var first = new LoadPlan(options, session.Say, session.Progress);
        int end = Environment.ProcessorCount > 1 && file.Length >= LeastBytesToPart ? Middle(file.Span) : file.Length;
        if (end == file.Length)
        {
            first.Read(file);
            return [first];
        }

        // What the second half has to say waits for the first.
        List<string> said = [];
        ToolException? error = null;
        var second = new LoadPlan(options, said.Add, null) { Lines = file.Span[..end].Count((byte)'\n') };
        var reader = new Thread(() =>
        {
            try
            {
                second.Read(file[end..]);
            }
            catch (ToolException e)
            {
                error = e;
            }
        });
        reader.Start();
        try
        {
            first.Read(file[..end]);
        }
        finally
        {
            reader.Join();
        }

        said.ForEach(session.Say);
        return error is null ? [first, second] : throw error;
    }

    // Behind the line that has the byte in the middle.
    private static int Middle(ReadOnlySpan<byte> file)
    {
        int middle = file.Length / 2;
        int end = file[middle..].IndexOf((byte)'\n');
        return end < 0 ? file.Length : middle + end + 1;
    }

    private void Read(ReadOnlyMemory<byte> file)
    {
        _file = file;
        Requests = new NetlinkWriter(Math.Max(4096, file.Length / 2 * 3)); // a request is longer than its line
        ReadOnlySpan<byte> rest = file.Span;
        int start = 0;
        while (FileText.TryTakeLine(ref rest, out ReadOnlySpan<byte> line))
        {
            Lines++;
            try
            {
                Take(line, start);
            }
            catch (ToolException e)
            {
                Refuse(e);
            }

            start = file.Length - rest.Length;
            if (Lines % Progress.Interval == 0) progress?.Show("read", Lines);
        }
    }

    /// <summary>Reads the line of a step again.</summary>
    public Request Parse(LoadStep step)
    {
        _words.Split(_file.Span.Slice(step.Start, step.End - step.Start));
        _parser.Parse(_request, _words.Words, _words.Count);
        return _request;
    }

    private void Take(ReadOnlySpan<byte> line, int start)
    {
        _words.Split(line);
        if (_words.Count == 0) return;

        _parser.Parse(_request, _words.Words, _words.Count);
        CheckCommand();
        bool isCreation = _request.CommandId is CommandId.Create or CommandId.Add;
        if (isCreation && TryAddCreation()) return;
        if (!isCreation && options.IsAllOrNothing)
            throw new ToolException($"-{_request.Command!.Letter} cannot be taken back: not with --all-or-nothing");
        _steps.Add(new(Lines, 0, start, start + line.Length));
    }

    // What the kernel would refuse is refused when its turn comes: what makes no sense in a later line comes first.
    private bool TryAddCreation()
    {
        try
        {
            FlowCommands.MakeFlow(_request, ref _flow);
        }
        catch (ToolException) when (!options.IsAllOrNothing)
        {
            return false;
        }

        int start = Requests.Length;
        bool isExclusive = _request.CommandId == CommandId.Create;
        FlowCodec.WriteCreate(Requests, in _flow, (uint)Lines, isExclusive);
        if (_steps.Count > 0 && _steps[^1] is { Creations: > 0 } last)
            _steps[^1] = last with { Creations = last.Creations + 1, End = Requests.Length };
        else
            _steps.Add(new(Lines, 1, start, Requests.Length));
        return true;
    }

    private void CheckCommand()
    {
        bool isExpect = _request.Table == TableId.Expect;
        bool isLoadable = _request.CommandId is CommandId.Create or CommandId.Add or CommandId.Update
            or CommandId.Delete or CommandId.Flush;
        if (isLoadable && !isExpect) return;

        string command = _request.Command is { } row ? $"-{row.Letter}{(isExpect ? " expect" : "")}" : "unknown";
        throw new ToolException($"Cannot use command `{command}' with --load-file");
    }

    private void Refuse(ToolException e)
    {
        string text = $"line {Lines}: {e.Message}";
        if (!options.KeepsGoing) throw new ToolException(text, e.Status);

        Errors++;
        say($"{ConntrackTool.Signature}: {text}");
    }
}
