using TwinTrack.Conntrack;
using TwinTrack.Replication;

namespace TwinTrack.Sim.Kernel;

/// <summary>One event as it waits in a socket's buffer.</summary>
internal sealed class KernelEvent
{
    public PackedFlow Flow;

    public FlowChange Change { get; set; }

    /// <summary>Who asked for the change through netlink; 0 for traffic and timers.</summary>
    public uint PortId { get; set; }
}

/// <summary>
/// The receive buffer of an event socket: what does not fit is lost, and so is what follows until the buffer was read
/// empty; the loss is told once.
/// </summary>
internal sealed class EventBuffer(int capacity)
{
    private readonly Queue<KernelEvent> _waiting = new();
    private readonly Stack<KernelEvent> _unused = new();
    private bool _isOverrun;
    private bool _isCongested;

    /// <summary>Events that fit.</summary>
    public int Capacity { get; set; } = capacity;

    /// <summary>Called when there is something to read.</summary>
    public Action? Arrived { get; init; }

    public bool IsEmpty => _waiting.Count == 0 && !_isOverrun;

    /// <summary>Events lost so far.</summary>
    public long Lost { get; private set; }

    /// <summary>The event to fill; null when it is lost for lack of room.</summary>
    public KernelEvent? Offer(FlowChange change, uint portId)
    {
        Arrived?.Invoke();
        if (_isCongested || _waiting.Count >= Capacity)
        {
            Lost++;
            _isOverrun |= !_isCongested;
            _isCongested = true;
            return null;
        }

        KernelEvent taken = _unused.TryPop(out KernelEvent? unused) ? unused : new KernelEvent();
        taken.Change = change;
        taken.PortId = portId;
        _waiting.Enqueue(taken);
        return taken;
    }

    /// <summary>Loses everything that is to come until the next read, as a flood of events would.</summary>
    public void Overrun()
    {
        _isOverrun = true;
        _isCongested = true;
        Arrived?.Invoke();
    }

    /// <summary>Whether events were lost since the last call (ENOBUFS, which recv tells before anything else).</summary>
    public bool TakeOverrun()
    {
        bool taken = _isOverrun;
        _isOverrun = false;
        return taken;
    }

    public KernelEvent? Read()
    {
        _waiting.TryDequeue(out KernelEvent? read);
        _isCongested &= _waiting.Count > 0;
        return read;
    }

    /// <summary>Gives an event back for reuse.</summary>
    public void Recycle(KernelEvent read) => _unused.Push(read);
}
