using System.Diagnostics;

namespace TwinTrack.Lab;

/// <summary>One step of a run.</summary>
/// <param name="Text">What is being done.</param>
/// <param name="Outcome">What came of it; empty while it is going on.</param>
/// <param name="Elapsed">How long it took, or has taken so far.</param>
/// <param name="IsDone">Whether it is over.</param>
public sealed record LabStep(string Text, string Outcome, TimeSpan Elapsed, bool IsDone);

/// <summary>The steps of a run, written by its thread, read by those who show it.</summary>
public sealed class LabProgress
{
    private readonly Lock _gate = new();
    private readonly List<LabStep> _done = [];
    private string? _current;
    private long _started;

    /// <summary>The steps so far, the current one last.</summary>
    public IReadOnlyList<LabStep> Steps()
    {
        lock (_gate)
        {
            return _current is null
                ? [.. _done]
                : [.. _done, new(_current, "", Stopwatch.GetElapsedTime(_started), IsDone: false)];
        }
    }

    internal void Begin(string text)
    {
        lock (_gate)
        {
            _current = text;
            _started = Stopwatch.GetTimestamp();
        }
    }

    internal void End(string outcome)
    {
        lock (_gate)
        {
            if (_current is null) return;

            _done.Add(new(_current, outcome, Stopwatch.GetElapsedTime(_started), IsDone: true));
            _current = null;
        }
    }
}
