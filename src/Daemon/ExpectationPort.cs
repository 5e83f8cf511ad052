using TwinTrack.Conntrack;
using TwinTrack.Conntrack.Kernel;
using TwinTrack.Netlink;
using TwinTrack.Replication;

namespace TwinTrack.Daemon;

/// <summary>Expectations between the kernel and the engine: events and dumps.</summary>
internal sealed class ExpectationPort(SyncEngine engine) : IDisposable
{
    private const int MostDumpedPerTurn = 1024;

    private readonly ExpectationDump _dump = new();
    private PackedExpectation _expectation;
    private SnapshotPurpose _purpose;
    private ulong _malformedBefore;

    /// <summary>The descriptor of a dump under way, or -1.</summary>
    public int DumpDescriptor => _dump.IsRunning ? _dump.Descriptor : -1;

    /// <summary>Hands on the event that the stream read last.</summary>
    public void OnEvent(Instant now, EventStream events, EventOrigin origin)
    {
        if (!ExpectationCodec.TryRead(events.Message, ref _expectation)) return;
        FlowChange change = events.Kind == EventKind.ExpectationDestroy ? FlowChange.Destroy : FlowChange.New;
        engine.OnExpectation(now, change, origin, in _expectation);
    }

    /// <summary>Fills the internal cache and returns when it is complete.</summary>
    /// <returns>The kernel's error if the dump failed.</returns>
    public NetlinkError LoadTable()
    {
        StartDump(Clock.Now, SnapshotPurpose.Start);
        while (_dump.IsRunning)
        {
            ReadDump(Clock.Now);
            if (_dump.IsRunning) _dump.Wait(1);
        }

        return _dump.Error;
    }

    public void StartDump(Instant now, SnapshotPurpose purpose)
    {
        _purpose = purpose;
        _malformedBefore = _dump.Malformed;
        engine.OnExpectationSnapshot(now, purpose, SnapshotStep.Begin, in _expectation);
        if (!_dump.Start().IsSuccess)
            engine.OnExpectationSnapshot(now, purpose, SnapshotStep.Abort, in _expectation);
    }

    /// <summary>Hands a slice of a dump under way to the engine.</summary>
    public void ReadDump(Instant now)
    {
        for (int count = 0; _dump.IsRunning && count < MostDumpedPerTurn; count++)
        {
            switch (_dump.Read(ref _expectation))
            {
                case DumpStatus.Expectation:
                    engine.OnExpectationSnapshot(now, _purpose, SnapshotStep.Entry, in _expectation);
                    continue;
                case DumpStatus.WouldBlock:
                    return;
                case DumpStatus.End when !_dump.WasInterrupted && _dump.Malformed == _malformedBefore:
                    engine.OnExpectationSnapshot(now, _purpose, SnapshotStep.End, in _expectation);
                    return;
                default:
                    engine.OnExpectationSnapshot(now, _purpose, SnapshotStep.Abort, in _expectation);
                    return;
            }
        }
    }

    public void Dispose() => _dump.Dispose();
}
