using TwinTrack.Conntrack;
using TwinTrack.Conntrack.Kernel;
using TwinTrack.Netlink;
using TwinTrack.Replication;

namespace TwinTrack.Daemon;

/// <summary>
/// Empties the kernel's table of the flows that pass the filter, in steps: a dump, and deletions in batches on a socket
/// of its own, by which the events they cause are told from others.
/// </summary>
internal sealed class KernelFlush(SyncOptions options) : IDisposable
{
    private const int NoEntry = 2; // ENOENT: it went by itself

    private readonly FlowDump _dump = new();
    private readonly RequestQueue _requests = new();
    private PackedFlow _flow;
    private bool _isOfExpectations;
    private int _errno;

    /// <summary>Marks the events of the deletions.</summary>
    public uint PortId => _requests.Socket.PortId;

    public bool IsRunning { get; private set; }

    public void Start()
    {
        _isOfExpectations = false;
        _errno = (int)_dump.Start().Code;
        IsRunning = true;
    }

    /// <summary>Deletes all expectations instead.</summary>
    public void StartExpectations()
    {
        _isOfExpectations = true;
        _errno = 0;
        IsRunning = true;
    }

    /// <summary>Deletes one batch.</summary>
    /// <returns>0 or an errno at the end, null while there is more.</returns>
    public int? Step()
    {
        bool isEnd = _isOfExpectations ? CollectExpectations() : Collect();
        if (_requests.Pending > 0 && _requests.Send().Code is not (Errno.TryAgain or Errno.OutOfMemory))
        {
            while (_requests.TryReadAnswer(out RequestAnswer answer))
            {
                if ((int)answer.Error.Code is not (0 or NoEntry)) _errno = (int)answer.Error.Code;
            }
        }

        if (!isEnd || _requests.Pending > 0) return null;
        IsRunning = false;
        return _errno;
    }

    public void Dispose()
    {
        _dump.Dispose();
        _requests.Dispose();
    }

    private bool CollectExpectations()
    {
        if (_requests.Pending == 0) _requests.FlushExpectations(token: 0);
        return true;
    }

    private bool Collect()
    {
        while (!_requests.IsFull)
        {
            switch (_dump.Read(ref _flow))
            {
                case DumpStatus.Flow:
                    if (options.Filter.Accepts(in _flow, isDestroy: false)) _requests.Delete(token: 0, in _flow);
                    continue;
                case DumpStatus.WouldBlock:
                    return false;
                case DumpStatus.Failed:
                    _errno = (int)_dump.Error.Code;
                    return true;
                default:
                    return true;
            }
        }

        return false;
    }
}
