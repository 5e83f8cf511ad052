using TwinTrack.Conntrack;
using TwinTrack.Conntrack.Kernel;
using TwinTrack.Netlink;
using TwinTrack.Replication;

namespace TwinTrack.Daemon;

/// <summary>
/// Has the kernel leave out, while there is much to hear, what says only that a TCP connection is on its way from one
/// lasting state to the next.
/// </summary>
/// <remarks>
/// A connection that nobody would recover costs its events all the same: of seven, three tell of SYN_RECV, FIN_WAIT and
/// LAST_ACK. What is left out is told with the next event of the flow; when the load is over, the table is compared
/// once for those that have none.
/// </remarks>
internal sealed class EventThinning(EventStream events, FilterInstruction[]? usual, FilterInstruction[] thin)
{
    private const long WindowMicroseconds = 100_000;
    private const int Many = 400;    // events of a window
    private const int Few = 100;
    private const int QuietWindows = 5;

    private static readonly TcpState[] Passing =
        [TcpState.SynReceived, TcpState.FinWait, TcpState.CloseWait, TcpState.LastAck];

    private Instant _windowBegan;
    private int _count;
    private int _quietWindows;

    /// <summary>Whether the kernel leaves them out at present.</summary>
    public bool IsOn { get; private set; }

    /// <summary>Adds the leaving out to a filter.</summary>
    public static KernelFilter Extend(KernelFilter filter) => filter.IgnorePassage(Passing);

    /// <summary>Tells how many events were read, and of turns that read none.</summary>
    public void OnRead(Instant now, int count)
    {
        _count += count;
        long elapsed = now.Microseconds - _windowBegan.Microseconds;
        if (elapsed < WindowMicroseconds) return;

        // Of a longer time without a reading only the last window counts.
        long inWindow = _count * WindowMicroseconds / elapsed;
        _windowBegan = now;
        _count = 0;
        if (!IsOn && inWindow > Many) IsOn = events.Socket.AttachFilter(thin).IsSuccess;
        _quietWindows = inWindow < Few ? _quietWindows + (int)(elapsed / WindowMicroseconds) : 0;
        if (IsOn && _quietWindows >= QuietWindows) IsOn = !End().IsSuccess;
    }

    private NetlinkError End() =>
        usual is null ? events.Socket.DetachFilter() : events.Socket.AttachFilter(usual);
}
