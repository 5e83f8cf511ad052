using System.Buffers.Binary;
using TwinTrack.Conntrack;
using TwinTrack.Replication.Wire;
using Xunit;

namespace TwinTrack.Replication.Tests;

/// <summary>
/// Our engine in the place of one node of a recording: it hears what the node heard, its kernel tells what the node's
/// kernel must have told, and it has to say what the node said.
/// </summary>
/// <remarks>
/// The clock stands still between the events of the recording. The keep-alive timer of the original fires some
/// milliseconds late, so ours may be due a little before or after the recorded moment.
/// </remarks>
internal sealed class FtfwReplay(Recording recording, Life life, bool offersDense) : IDisposable
{
    private const long ToleranceMicroseconds = 100_000;
    private const int Capacity = 1500 - 28;

    private readonly SyncOptions _options = new()
    {
        AckWindow = recording.AckWindow,
        CommitTimeoutSeconds = recording.CommitTimeout,
        TcpWindowTracking = recording.HasWindowTracking,
        StartupResync = recording.HasStartupResync,
        Expectations = ExpectationFilter.All,
        DenseFormat = offersDense,
    };

    private readonly Dictionary<uint, uint> _ourNumbers = [];   // of a recorded message
    private readonly byte[] _buffer = new byte[Capacity + SyncEngine.MessageLimit];
    private readonly List<RecordedDatagram> _datagrams = recording.Datagrams();
    private SyncEngine _engine = null!;
    private Instant _now = new(Recording.Microseconds(life.Start));
    private uint _offset;                                       // our number less the recorded one, at last

    /// <summary>Runs the life; fails the test at the first difference.</summary>
    /// <returns>How many messages were compared.</returns>
    public int Run()
    {
        var first = new Seq(BinaryPrimitives.ReadUInt32BigEndian(_datagrams.First(IsOurs).Payload.AsSpan(4)));
        _engine = new SyncEngine(_options, first, _now);
        int compared = 0;
        foreach ((long at, object what) in Events())
        {
            if (new Instant(at) > _now) _now = new Instant(at);
            string where = $"{recording.Name} node {life.Node} at {at / 1e6:0.000000}";
            if (_engine.NextDeadline == default) _engine.OnDeadline(_now);   // it sweeps, and says nothing
            Assert.True(IsQuiet(at), where + ": the engine would have spoken");
            if (what is Act act) Do(act);
            else if (what is RecordedDatagram datagram && !IsOurs(datagram)) Hear(datagram);
            else compared += Say((RecordedDatagram)what, where);
        }

        Assert.Equal(0, _engine.PollTransmit(_now, _buffer, Capacity));
        return compared;
    }

    public void Dispose() => _engine?.Dispose();

    // A flow that is to be read from the kernel is no reason to speak.
    private bool IsQuiet(long at)
    {
        while (_engine.NextDeadline.Microseconds + ToleranceMicroseconds <= at)
        {
            KernelRequest request = default;
            _engine.OnDeadline(_engine.NextDeadline);
            if (!_engine.PollKernel(_now, ref request) || request.Kind != KernelRequestKind.Get) return false;
        }

        return true;
    }

    private bool IsInLife(long at) =>
        at >= Recording.Microseconds(life.Start) && at < Recording.Microseconds(life.End);

    private bool IsOurs(RecordedDatagram datagram) =>
        IsInLife(datagram.Microseconds) && datagram.Node == life.Node;

    private bool IsDeaf(long at) => recording.Deafnesses.Any(deafness =>
        deafness.Node == life.Node
        && at >= Recording.Microseconds(deafness.From) && at < Recording.Microseconds(deafness.To));

    private IEnumerable<(long At, object What)> Events()
    {
        IEnumerable<(long, object)> acts = recording.Acts
            .Where(act => act.Node == life.Node && IsInLife(Recording.Microseconds(act.At)))
            .Select(act => (Recording.Microseconds(act.At), (object)act));
        IEnumerable<(long, object)> datagrams = _datagrams
            .Where(datagram => IsInLife(datagram.Microseconds) && (IsOurs(datagram) || !IsDeaf(datagram.Microseconds)))
            .Select(datagram => (HeardAt(datagram), (object)datagram));
        return acts.Concat(datagrams).OrderBy(entry => entry.Item1);
    }

    private long HeardAt(RecordedDatagram datagram)
    {
        const long wire = 100;
        bool isLate = !IsOurs(datagram) && recording.Crossed.Contains(datagram.Frame);
        return datagram.Microseconds + (isLate ? wire : 0);
    }

    private void Do(Act act)
    {
        PackedFlow none = default;
        switch (act.Kind)
        {
            case ActKind.Bulk:
                _engine.OnCommand(_now, SyncCommand.SendBulk, ticket: 0);
                return;
            case ActKind.UnseenFlow:
                Feed(MessagesOf(act.Frames).Single());
                Assert.NotEqual(0, _engine.PollTransmit(_now, _buffer, Capacity));
                return;
        }

        SnapshotPurpose purpose =
            act.Kind == ActKind.StartDump ? SnapshotPurpose.Start : SnapshotPurpose.Resync;
        _engine.OnSnapshot(_now, purpose, SnapshotStep.Begin, in none);
        foreach (byte[] message in MessagesOf(act.Frames))
        {
            if (PeerHeader.Read(message).Type > PeerMessageType.FlowDelete) continue;
            PackedFlow flow = KernelFlowOf(message);
            _engine.OnSnapshot(_now, purpose, SnapshotStep.Entry, in flow);
        }

        _engine.OnSnapshot(_now, purpose, SnapshotStep.End, in none);
        PackedExpectation nothing = default;
        _engine.OnExpectationSnapshot(_now, purpose, SnapshotStep.Begin, in nothing);
        foreach (byte[] message in MessagesOf(act.Frames))
        {
            if (PeerHeader.Read(message).Type <= PeerMessageType.FlowDelete) continue;
            PackedExpectation expectation = ExpectationOf(message);
            _engine.OnExpectationSnapshot(_now, purpose, SnapshotStep.Entry, in expectation);
        }

        _engine.OnExpectationSnapshot(_now, purpose, SnapshotStep.End, in nothing);
    }

    private IEnumerable<byte[]> MessagesOf(int[] frames) =>
        frames.SelectMany(frame => _datagrams.Single(datagram => datagram.Frame == frame).Messages());

    private void Hear(RecordedDatagram datagram)
    {
        byte[] copy = [.. datagram.Payload];
        for (int at = 0; at < copy.Length; at += PeerHeader.Read(copy.AsSpan(at)).Length) Renumber(copy.AsSpan(at));
        _engine.OnPeer(_now, default, default, copy);
    }

    // An acknowledgement names messages by the numbers that the recorded node gave them.
    private void Renumber(Span<byte> message)
    {
        PeerHeader header = PeerHeader.Read(message);
        if (!header.HasRange || (header.Flags & PeerFlags.Resync) != 0) return;

        (Seq from, Seq to) = PeerHeader.ReadRange(message);
        var ours = new List<uint>();
        for (Seq number = from; !number.IsAfter(to); number = number.Next)
            ours.Add(_ourNumbers.TryGetValue(number.Value, out uint known) ? known : number.Value + _offset);
        BinaryPrimitives.WriteUInt32BigEndian(message[8..], ours.Min());
        BinaryPrimitives.WriteUInt32BigEndian(message[12..], ours.Max());
    }

    private int Say(RecordedDatagram datagram, string where)
    {
        List<byte[]> recorded = [.. datagram.Messages()];
        OwnFrame? own = recording.OwnFrames.FirstOrDefault(frame => frame.Number == datagram.Frame);
        if (own is null) recorded.ForEach(Feed);

        int length = _engine.PollTransmit(_now, _buffer, Capacity);
        if (length == 0)
        {
            Assert.True(
                _engine.NextDeadline.Microseconds - _now.Microseconds < ToleranceMicroseconds,
                where + ": the engine would have been silent");
            if (_engine.NextDeadline > _now) _now = _engine.NextDeadline;
            _engine.OnDeadline(_now);
            length = _engine.PollTransmit(_now, _buffer, Capacity);
        }

        List<byte[]> ours = [.. (datagram with { Payload = _buffer[..length] }).Messages()];
        if (offersDense) ours.ForEach(TakeOffer);
        var also = own is null ? [] : MessagesOf(own.AlsoRepeated).ToList();
        ReplayComparison.Check(where, recorded, ours, also, isAnyOrder: own is not null);
        NumberMessages(recorded, ours);
        return recorded.Count;
    }

    // One bit of each control message is all that an original gets to see of the offer.
    private static void TakeOffer(byte[] message)
    {
        if (PeerHeader.Read(message).Type != PeerMessageType.Control) return;
        Assert.Equal((byte)PeerFlags.Dense, message[1] & (byte)PeerFlags.Dense);
        message[1] &= (byte)~PeerFlags.Dense;
    }

    private void NumberMessages(List<byte[]> recorded, List<byte[]> ours)
    {
        foreach (byte[] message in recorded)
        {
            byte[] match = ours.Count == recorded.Count && !ReplayComparison.IsFlow(message)
                ? ours[recorded.IndexOf(message)]
                : ours.FirstOrDefault(candidate => ReplayComparison.IsSameFlow(message, candidate)) ?? ours[^1];
            uint number = PeerHeader.Read(message).Sequence.Value;
            _ourNumbers[number] = PeerHeader.Read(match).Sequence.Value;
        }

        _offset = PeerHeader.Read(ours[^1]).Sequence.Value - PeerHeader.Read(recorded[^1]).Sequence.Value;
    }

    // What the kernel, or the operator, must have said for the node to send this.
    private void Feed(byte[] message)
    {
        PeerHeader header = PeerHeader.Read(message);
        if (header.Type == PeerMessageType.Control)
        {
            bool isStart = recording.HasStartupResync && (header.Flags & PeerFlags.Hello) != 0;
            if ((header.Flags & PeerFlags.Resync) != 0 && !isStart)
                _engine.OnCommand(_now, SyncCommand.RequestResync, ticket: 0);
            return;
        }

        if (header.Type > PeerMessageType.FlowDelete)
        {
            Assert.NotEqual(PeerMessageType.ExpectationUpdate, header.Type);   // the kernel tells of no changes
            PackedExpectation expectation = ExpectationOf(message);
            FlowChange change = header.Type == PeerMessageType.ExpectationNew ? FlowChange.New : FlowChange.Destroy;
            _engine.OnExpectation(_now, change, EventOrigin.Other, in expectation);
            return;
        }

        PackedFlow flow = KernelFlowOf(message);
        if (header.Type == PeerMessageType.FlowNew || !IsCached(in flow))
            _engine.OnFlow(_now, FlowChange.New, EventOrigin.Other, in flow);
        if (header.Type == PeerMessageType.FlowUpdate) _engine.OnFlow(_now, FlowChange.Update, EventOrigin.Other, in flow);
        if (header.Type == PeerMessageType.FlowDelete)
            _engine.OnFlow(_now, FlowChange.Destroy, EventOrigin.Other, in flow);
    }

    private static PackedFlow KernelFlowOf(byte[] message)
    {
        PackedFlow flow = Flows.Read(message.AsSpan(PeerHeader.Size));
        Flows.ToKernelView(ref flow);
        return flow;
    }

    private static PackedExpectation ExpectationOf(byte[] message)
    {
        PackedExpectation expectation = default;
        Assert.True(ExpectationMessage.TryRead(message.AsSpan(PeerHeader.Size), ref expectation));
        return expectation;
    }

    private bool IsCached(in PackedFlow wanted)
    {
        ulong cursor = 0;
        PackedFlow flow = default;
        while (_engine.ReadNext(CacheKind.Internal, ref cursor, _now, ref flow, out _))
        {
            bool isSameZone = flow.Has(FlowFields.Zone) == wanted.Has(FlowFields.Zone)
                && (!flow.Has(FlowFields.Zone) || flow.Zone == wanted.Zone);
            if (isSameZone && flow.Original == wanted.Original) return true;
        }

        return false;
    }
}
