using TwinTrack.Replication.Modes;
using TwinTrack.Replication.Store;
using TwinTrack.Replication.Wire;
using Xunit;

namespace TwinTrack.Replication.Tests;

public sealed class AckTrackerTests : IDisposable
{
    private readonly EntrySlabs _slabs = new();
    private readonly EntryQueue _transmit;
    private readonly ControlOutbox _outbox;

    public AckTrackerTests()
    {
        _transmit = new EntryQueue(_slabs, QueueId.Transmit);
        _outbox = new ControlOutbox(_slabs, _transmit);
    }

    [Fact]
    public void Until_the_peer_is_heard_no_number_is_early_or_late()
    {
        var tracker = new AckTracker(10, bit: 1);
        Assert.Equal(SequenceOrder.Unset, tracker.Order(new Seq(0)));
        Assert.Equal(SequenceOrder.Unset, tracker.Order(new Seq(uint.MaxValue)));
        Assert.False(tracker.Acknowledge(_outbox));
    }

    [Theory]
    [InlineData(100u, 101u, "InSync")]
    [InlineData(100u, 102u, "After")]
    [InlineData(100u, 100u, "Before")]
    [InlineData(100u, 99u, "Before")]
    [InlineData(uint.MaxValue, 0u, "InSync")]
    [InlineData(uint.MaxValue, 1u, "After")]
    [InlineData(0u, uint.MaxValue, "Before")]
    [InlineData(100u, 101u + 0x7fff_ffff, "After")]
    [InlineData(100u, 101u + 0x8000_0000, "After")]      // both directions: later wins
    [InlineData(100u, 101u + 0x8000_0001, "Before")]
    public void A_number_stands_before_at_or_after_the_one_expected(uint last, uint sequence, string order)
    {
        var tracker = new AckTracker(10, bit: 1);
        tracker.Accept(new Seq(last), isHello: false, _outbox);
        Assert.Equal(order, tracker.Order(new Seq(sequence)).ToString());
    }

    [Fact]
    public void A_full_window_is_acknowledged_at_once()
    {
        var tracker = new AckTracker(3, bit: 1);
        Accept(tracker, 7, 8);
        Assert.Empty(Queued());
        Accept(tracker, 9);
        Assert.Equal(["Ack 7..9"], Queued());
        Accept(tracker, 10, 11, 12);
        Assert.Equal(["Ack 10..12"], Queued());
        Assert.False(tracker.Acknowledge(_outbox));
    }

    [Fact]
    public void An_acknowledgement_by_the_timer_does_not_lengthen_the_window()
    {
        var tracker = new AckTracker(5, bit: 1);
        Accept(tracker, 1, 2, 3);
        Assert.True(tracker.Acknowledge(_outbox));
        Assert.Equal(["Ack 1..3"], Queued());
        Accept(tracker, 4, 5);
        Assert.Equal(["Ack 4..5"], Queued());
        Accept(tracker, 6, 7, 8, 9);
        Assert.Empty(Queued());
    }

    [Fact]
    public void Beyond_a_gap_what_came_is_acknowledged_and_what_did_not_is_asked_for()
    {
        var tracker = new AckTracker(5, bit: 1);
        Accept(tracker, 1, 2);
        tracker.AcceptAfterGap(new Seq(5), isHello: false, _outbox);
        Assert.Equal(["Ack 1..2", "Nack 3..4"], Queued());
        Assert.Equal(new Seq(5), tracker.Last);
        Accept(tracker, 6, 7, 8, 9);
        Assert.Equal(["Ack 5..9"], Queued());                  // the first after the gap counts for the window
    }

    [Fact]
    public void A_gap_with_nothing_pending_is_only_asked_for()
    {
        var tracker = new AckTracker(5, bit: 1);
        Accept(tracker, 1);
        tracker.Acknowledge(_outbox);
        Queued();
        tracker.AcceptAfterGap(new Seq(3), isHello: false, _outbox);
        Assert.Equal(["Nack 2..2"], Queued());
    }

    [Fact]
    public void A_window_of_one_counts_as_two_lest_acknowledgements_answer_each_other_without_end()
    {
        var tracker = new AckTracker(1, bit: 1);
        Accept(tracker, 1);
        Assert.Empty(Queued());
        tracker.AcceptAfterGap(new Seq(3), isHello: false, _outbox);
        Assert.Equal(["Ack 1..1", "Nack 2..2"], Queued());
        Accept(tracker, 4, 5, 6);
        Assert.Equal(["Ack 3..4", "Ack 5..6"], Queued());
    }

    [Theory]
    [InlineData(50u)]
    [InlineData(500u)]
    public void A_peer_that_starts_afresh_is_acknowledged_from_its_first_message_on(uint first)
    {
        var tracker = new AckTracker(4, bit: 1);
        Accept(tracker, 100, 101);
        tracker.Restart();
        Accept(tracker, first, first + 1);
        Assert.Empty(Queued());
        Assert.True(tracker.Acknowledge(_outbox));
        Assert.Equal([$"Ack {first}..{first + 1}"], Queued());
    }

    [Theory]
    [InlineData(1000u, 999u, 0, 0, true)]
    [InlineData(1000u, 1000u, 0, 0, true)]
    [InlineData(100_000u, 34_465u, 0, 0, true)]
    [InlineData(100_000u, 34_464u, 0, 0, false)]      // too far away
    [InlineData(10u, 0xffff_ff00u, 0, 0, true)]
    [InlineData(1000u, 999u, 1499, 0, true)]
    [InlineData(1000u, 999u, 1500, 0, false)]         // too long after the last HELLO
    [InlineData(1000u, 999u, 60_000, 7, true)]        // the same process
    [InlineData(1000u, 999u, 60_000, 8, false)]
    public void A_hello_shortly_before_the_last_one_is_late_rather_than_a_restart(
        uint last, uint sequence, int milliseconds, int port, bool isLate)
    {
        Instant start = new Instant(0).PlusSeconds(50);
        var tracker = new AckTracker(10, bit: 1) { HeardAt = start };
        tracker.Accept(new Seq(last), isHello: true, _outbox);
        tracker.Enter(PeerRun.Same, 7, start);
        Instant now = start.PlusMilliseconds(milliseconds);
        Assert.Equal(isLate, tracker.IsLateGreeting(new Seq(sequence), (ushort)port, hasOthers: false, now));
    }

    [Theory]
    [InlineData(1008u, 0, true)]
    [InlineData(1003u, 0, false)]      // what came before it came long ago
    [InlineData(1008u, 1500, false)]   // nothing has come for long
    public void Among_several_peers_a_greeting_that_was_overtaken_just_now_is_late(
        uint sequence, int milliseconds, bool isLate)
    {
        Instant start = new Instant(0).PlusSeconds(50);
        var tracker = new AckTracker(100, bit: 1);
        for (uint second = 0; second < 10; second++)
        {
            tracker.HeardAt = start.PlusSeconds(second);
            tracker.Accept(new Seq(1000 + second), isHello: false, _outbox);
        }

        Instant now = tracker.HeardAt.PlusMilliseconds(milliseconds);
        Assert.Equal(isLate, tracker.IsLateGreeting(new Seq(sequence), port: 0, hasOthers: true, now));
    }

    [Theory]
    [InlineData(1000u, 1002u, true)]
    [InlineData(1000u, 66_535u, true)]
    [InlineData(1000u, 66_536u, false)]
    public void Messages_behind_a_gap_of_the_same_run_are_shortly_after(uint last, uint sequence, bool isShortly)
    {
        var tracker = new AckTracker(10, bit: 1);
        Accept(tracker, last);
        Assert.Equal(isShortly, tracker.IsShortlyAfter(new Seq(sequence)));
    }

    public void Dispose() => _slabs.Dispose();

    private void Accept(AckTracker tracker, params uint[] sequences)
    {
        foreach (uint sequence in sequences) tracker.Accept(new Seq(sequence), isHello: false, _outbox);
    }

    private List<string> Queued()
    {
        var queued = new List<string>();
        while (_transmit.Head is var handle and not 0)
        {
            ControlRecord control = _slabs.Control(handle);
            queued.Add($"{(PeerFlags)control.Flags} {control.From}..{control.To}");
            _transmit.Remove(handle);
            _slabs.Free(handle);
        }

        return queued;
    }
}
