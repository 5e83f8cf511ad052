using TwinTrack.Replication.Modes;
using TwinTrack.Replication.Store;

namespace TwinTrack.Replication;

/// <summary>Sends the internal caches, flows first, a few entries at a time, as fast as the peer takes them.</summary>
/// <param name="flows">Null without a cache of flows.</param>
/// <param name="expectations">Those of the internal cache.</param>
/// <param name="mode">Sends them.</param>
/// <param name="announcer">Knows which of them wait.</param>
internal sealed class Bulk(FlowStore? flows, ExpectationStore expectations, SyncMode mode, Announcer announcer)
{
    private const int EntriesPerStep = 256;

    private ulong? _cursor;          // null unless under way
    private bool _isInExpectations;
    private bool _isWantedAgain;

    /// <summary>Begins; one that is wanted while another is under way follows it, for what has passed since.</summary>
    public void Start()
    {
        if (_cursor is null) _cursor = 0;
        else _isWantedAgain = true;
    }

    /// <summary>Gives up: there is nothing left to send.</summary>
    public void Stop()
    {
        _cursor = null;
        _isInExpectations = false;
        _isWantedAgain = false;
        mode.OnBulkEnd();
    }

    /// <summary>Adds to the transmit queue while it is short.</summary>
    public void Feed()
    {
        if (_cursor is not { } cursor) return;
        for (int step = 0; step < EntriesPerStep && mode.HasRoomForBulk; step++)
        {
            uint handle = Next(ref cursor);
            if (handle == 0)
            {
                _isInExpectations = false;
                _cursor = _isWantedAgain ? 0 : null;
                _isWantedAgain = false;
                if (_cursor is null) mode.OnBulkEnd();
                return;
            }

            if (announcer.IsAnnounceable(handle)) announcer.Tell(handle);
        }

        _cursor = cursor;
    }

    private uint Next(ref ulong cursor)
    {
        if (!_isInExpectations)
        {
            if (flows is not null && flows.Next(ref cursor) is var flow and not 0) return flow;
            _isInExpectations = true;
            cursor = 0;
        }

        return expectations.Next(ref cursor);
    }
}
