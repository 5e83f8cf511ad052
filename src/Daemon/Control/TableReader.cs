using TwinTrack.Conntrack;
using TwinTrack.Conntrack.Kernel;

namespace TwinTrack.Daemon.Control;

/// <summary>The kernel's table, read as fast as a client takes it.</summary>
internal sealed class TableReader : IDisposable
{
    // Each read makes the kernel write the next part, so there is nothing to wait for unless memory is short.
    private const int PatienceMilliseconds = 10;

    private readonly FlowDump _dump = new();

    public TableReader() => _dump.Start();

    /// <summary>Reads the next flow.</summary>
    /// <returns>False at the end, and when the kernel has nothing more to say.</returns>
    public bool Read(ref PackedFlow flow)
    {
        DumpStatus status;
        do
        {
            status = _dump.Read(ref flow);
        }
        while (status == DumpStatus.WouldBlock && _dump.Wait(PatienceMilliseconds));

        return status == DumpStatus.Flow;
    }

    public void Dispose() => _dump.Dispose();
}
