using TwinTrack.Conntrack;
using TwinTrack.Netlink;

namespace TwinTrack.Cli.Flows;

/// <summary>A piece of a load file: lines that create flows, or one other line.</summary>
/// <param name="Line">Number of the first line.</param>
/// <param name="Creations">How many flows it creates; 0 for another command.</param>
/// <param name="Start">First byte: of the requests, or of the line in the file.</param>
/// <param name="End">Behind its last byte.</param>
internal readonly record struct LoadStep(int Line, int Creations, int Start, int End);

/// <summary>A load file, read and checked as a whole before anything of it is carried out.</summary>
/// <remarks>
/// Lines that create flows are kept as the requests they become, numbered by their line, others as text: a file of a
/// million lines takes a few hundred bytes a line at most.
/// </remarks>
internal sealed class LoadPlan(Session session, LoadOptions options)
{
    private readonly Request _request = new();
    private readonly LineWords _words = new();
    private readonly RequestParser _parser = new(session.Say);
    private readonly List<LoadStep> _steps = [];
    private PackedFlow _flow;
    private ReadOnlyMemory<byte> _file;

    /// <summary>The pieces, in order.</summary>
    public IReadOnlyList<LoadStep> Steps => _steps;

    /// <summary>Requests of the lines that create flows.</summary>
    public NetlinkWriter Requests { get; private set; } = new();

    /// <summary>Lines of the file.</summary>
    public int Lines { get; private set; }

    /// <summary>Lines that cannot be carried out.</summary>
    public int Errors { get; private set; }

    /// <summary>Reads a file.</summary>
    /// <exception cref="ToolException">A line makes no sense, unless the options say to go on.</exception>
    public void Read(ReadOnlyMemory<byte> file)
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
            if (Lines % Progress.Interval == 0) session.Progress.Show("read", Lines);
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
        if (_request.CommandId is CommandId.Create or CommandId.Add)
        {
            AddCreation();
            return;
        }

        if (options.IsAllOrNothing)
            throw new ToolException($"-{_request.Command!.Letter} cannot be taken back: not with --all-or-nothing");
        _steps.Add(new(Lines, 0, start, start + line.Length));
    }

    private void AddCreation()
    {
        FlowCommands.MakeFlow(_request, ref _flow);
        int start = Requests.Length;
        bool isExclusive = _request.CommandId == CommandId.Create;
        FlowCodec.WriteCreate(Requests, in _flow, (uint)Lines, isExclusive);
        if (_steps.Count > 0 && _steps[^1] is { Creations: > 0 } last)
            _steps[^1] = last with { Creations = last.Creations + 1, End = Requests.Length };
        else
            _steps.Add(new(Lines, 1, start, Requests.Length));
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
        session.Say($"{ConntrackTool.Signature}: {text}");
    }
}
