using TwinTrack.Conntrack;
using TwinTrack.Conntrack.Kernel;
using TwinTrack.Netlink;

namespace TwinTrack.Cli.Flows;

/// <summary>-R: carries out the command lines of a file.</summary>
internal sealed class LoadCommand : IDisposable
{
    private readonly Session _session;
    private readonly LoadOptions _options;
    private readonly RequestQueue _queue = new();
    private readonly List<(LoadPlan Plan, int Offset)> _created = []; // requests that may have to be taken back
    private readonly List<Creation> _batch = new(RequestQueue.Capacity);
    private readonly NetlinkError[] _errorOf = new NetlinkError[RequestQueue.Capacity];
    private readonly bool[] _isCreated = new bool[RequestQueue.Capacity];
    private LoadPlan[] _plans = [];
    private LoadPlan _plan = null!; // that is carried out
    private int _errors;

    private LoadCommand(Session session, LoadOptions options)
    {
        _session = session;
        _options = options;
    }

    /// <summary>Carries the command out.</summary>
    /// <param name="session">Where output goes.</param>
    /// <param name="path">The file; a dash for standard input.</param>
    /// <param name="words">What follows on the command line.</param>
    /// <returns>The exit status.</returns>
    public static int Run(Session session, string path, ReadOnlySpan<string> words)
    {
        using var command = new LoadCommand(session, LoadOptions.Read(words));
        session.HasTrailers = false;
        try
        {
            command._plans = LoadPlan.ReadAll(session, command._options, ReadFile(path));
            foreach (LoadPlan plan in command._plans) command.Execute(plan);
        }
        finally
        {
            session.Progress.Clear();
        }

        return command._errors + command._plans.Sum(plan => plan.Errors) == 0 ? ExitCode.Success : ExitCode.Failure;
    }

    public void Dispose() => _queue.Dispose();

    private static ReadOnlyMemory<byte> ReadFile(string path)
    {
        bool isRead = path == "-"
            ? FileText.TryRead(Libc.StandardInput, out ReadOnlyMemory<byte> content)
            : FileText.TryRead(path, out content);
        return isRead ? content : throw new ToolException($"Failed to open file {path} for reading");
    }

    private void Execute(LoadPlan plan)
    {
        _plan = plan;
        foreach (LoadStep step in plan.Steps)
        {
            if (step.Creations > 0)
            {
                Create(step);
                continue;
            }

            try
            {
                ConntrackTool.Execute(_session, _plan.Parse(step));
            }
            catch (ToolException e)
            {
                Refuse(step.Line, e.Message);
            }
        }
    }

    private void Create(LoadStep step)
    {
        for (int offset = step.Start; offset < step.End;)
        {
            _batch.Clear();
            while (offset < step.End && _batch.Count < RequestQueue.Capacity)
            {
                ReadOnlySpan<byte> request = RequestAt(_plan, offset, out NetlinkHeader header);
                bool mayExist = (header.Flags & MessageFlags.Exclusive) == MessageFlags.None;
                _batch.Add(new(offset, request.Length, (int)header.Sequence, mayExist));
                offset += (request.Length + 3) & ~3;
            }

            CreateBatch();
            int line = _batch[^1].Line;
            if (line / Progress.Interval != _batch[0].Line / Progress.Interval)
                _session.Progress.Show("carried out", line, _plans[^1].Lines);
        }
    }

    // First as if nothing existed: what was created is then known, and can be taken back. What may exist and does is
    // changed after that. Behind the first line that fails nothing stays, as if lines were carried out one by one.
    private void CreateBatch()
    {
        for (int i = 0; i < _batch.Count; i++) Queue(i, MessageFlags.Exclusive);
        Collect();
        int first = FirstFailure();
        for (int i = 0; i < first; i++)
        {
            _isCreated[i] = _errorOf[i].IsSuccess;
            if (IsUpdate(i)) Queue(i, MessageFlags.None);
        }

        for (int i = first; i < _batch.Count; i++) _isCreated[i] = _errorOf[i].IsSuccess;
        Collect();
        first = _options.KeepsGoing ? _batch.Count : Math.Min(first, FirstFailure());
        if (_options.IsAllOrNothing) RememberCreated();
        if (first < _batch.Count)
        {
            TakeBack(first);
            Refuse(_batch[first].Line, Text(_errorOf[first]));
        }

        if (!_options.KeepsGoing) return;
        for (int i = 0; i < _batch.Count; i++)
        {
            if (!_errorOf[i].IsSuccess) Refuse(_batch[i].Line, Text(_errorOf[i]));
        }
    }

    private bool IsUpdate(int index) =>
        _batch[index].MayExist && _errorOf[index].Code == Errno.Exists && !_options.IsAllOrNothing;

    private int FirstFailure()
    {
        if (_options.KeepsGoing) return _batch.Count;
        for (int i = 0; i < _batch.Count; i++)
        {
            if (!_errorOf[i].IsSuccess && !IsUpdate(i)) return i;
        }

        return _batch.Count;
    }

    private void Queue(int index, MessageFlags flags) =>
        _queue.Add((uint)index, _plan.Requests.Written.Slice(_batch[index].Offset, _batch[index].Length), flags);

    private void Collect()
    {
        NetlinkError error = _queue.Send();
        if (error.Code is Errno.TryAgain or Errno.OutOfMemory)
            throw new ToolException($"Operation failed: {error}", ExitCode.Failure);
        while (_queue.TryReadAnswer(out RequestAnswer answer)) _errorOf[answer.Token] = answer.Error;
    }

    private static ReadOnlySpan<byte> RequestAt(LoadPlan plan, int offset, out NetlinkHeader header)
    {
        var reader = new MessageReader(plan.Requests.Written[offset..]);
        if (!reader.MoveNext()) throw new InvalidOperationException("a request of the plan cannot be read");

        header = reader.Header;
        return reader.Message;
    }

    private void RememberCreated()
    {
        for (int i = 0; i < _batch.Count; i++)
        {
            if (_isCreated[i]) _created.Add((_plan, _batch[i].Offset));
        }
    }

    // Everything behind the failed line; with --all-or-nothing everything of the file.
    private void TakeBack(int failed)
    {
        if (!_options.IsAllOrNothing)
        {
            for (int i = failed + 1; i < _batch.Count; i++)
            {
                if (_isCreated[i]) _created.Add((_plan, _batch[i].Offset));
            }
        }

        PackedFlow flow = default;
        foreach ((LoadPlan plan, int offset) in _created)
        {
            if (!FlowCodec.TryRead(RequestAt(plan, offset, out _), ref flow)) continue;
            _queue.Delete(0, in flow);
            if (_queue.IsFull) Forget();
        }

        Forget();
        _created.Clear();
    }

    private void Forget()
    {
        _queue.Send();
        while (_queue.TryReadAnswer(out _)) { }
    }

    // The command is known from the request: -I alone refuses what exists.
    private static string Text(NetlinkError error)
    {
        CommandId command = error.Code == Errno.Exists ? CommandId.Create : CommandId.Add;
        return $"Operation failed: {KernelErrors.Text(command, TableId.Conntrack, error.Code)}";
    }

    private void Refuse(int line, string message)
    {
        string text = $"line {line}: {message}";
        if (!_options.KeepsGoing) throw new ToolException(text, ExitCode.Failure);

        _errors++;
        _session.Say($"{ConntrackTool.Signature}: {text}");
    }

    // A request of the plan, the line it came from, and whether the flow may exist (-A).
    private readonly record struct Creation(int Offset, int Length, int Line, bool MayExist);
}
