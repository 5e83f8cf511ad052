using TwinTrack.Replication;

namespace TwinTrack.Sim;

/// <summary>The world's only clock and its only queue of things to come; equal times keep their order.</summary>
internal sealed class Agenda
{
    private readonly PriorityQueue<Action, (long Time, long Order)> _queue = new();
    private long _order;

    public Instant Now { get; private set; }

    /// <summary>Actions done.</summary>
    public long Steps { get; private set; }

    public void At(Instant time, Action action) =>
        _queue.Enqueue(action, (Math.Max(time.Microseconds, Now.Microseconds), _order++));

    public void After(long microseconds, Action action) => At(new Instant(Now.Microseconds + microseconds), action);

    /// <summary>Does the next thing that is due until then; the clock stands at that time when nothing is.</summary>
    public bool Step(Instant until)
    {
        if (!_queue.TryPeek(out Action? action, out (long Time, long Order) due) || due.Time > until.Microseconds)
        {
            Now = until;
            return false;
        }

        _queue.Dequeue();
        Now = new Instant(due.Time);
        Steps++;
        action();
        return true;
    }
}
