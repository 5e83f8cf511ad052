using TwinTrack.Replication.Modes;
using TwinTrack.Replication.Store;
using TwinTrack.Replication.Wire;
using Xunit;

namespace TwinTrack.Replication.Tests;

public sealed class ControlOutboxTests : IDisposable
{
    private const int Limit = 65_536;

    private readonly EntrySlabs _slabs = new();
    private readonly EntryQueue _transmit;
    private readonly ControlOutbox _outbox;

    public ControlOutboxTests()
    {
        _transmit = new EntryQueue(_slabs, QueueId.Transmit);
        _outbox = new ControlOutbox(_slabs, _transmit);
    }

    [Fact]
    public void A_message_waits_with_its_range()
    {
        Assert.True(_outbox.Queue(PeerFlags.Nack, new Seq(3), new Seq(9), peer: 1));
        ControlRecord control = _slabs.Control(_transmit.Head);
        Assert.Equal(((byte)PeerFlags.Nack, 3u, 9u), (control.Flags, control.From, control.To));
        Assert.Equal(1u, _outbox.Count);
    }

    [Fact]
    public void At_the_limit_messages_are_dropped_and_counted_until_one_is_taken()
    {
        for (int message = 0; message < Limit; message++) Assert.True(_outbox.Queue(PeerFlags.Alive));
        Assert.False(_outbox.Queue(PeerFlags.Alive));
        Assert.Equal((1u, Limit), (_outbox.Dropped, _transmit.Count));

        uint taken = _transmit.Head;
        _outbox.Take(taken);
        Assert.True(_outbox.Queue(PeerFlags.Alive));
        _outbox.QueueAgain(taken);                       // what was sent before is never dropped
        Assert.False(_outbox.Queue(PeerFlags.Alive));
    }

    public void Dispose() => _slabs.Dispose();
}
