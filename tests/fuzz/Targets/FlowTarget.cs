using TwinTrack.Conntrack;
using TwinTrack.Netlink;
using TwinTrack.Replication;
using TwinTrack.Replication.Wire;

namespace TwinTrack.Fuzz.Targets;

/// <summary>A flow message of the kernel: decoded, shown, cached, told to a peer, and encoded again.</summary>
internal sealed class FlowTarget : Target
{
    // What a request to create can carry; the rest is the kernel's alone.
    private const FlowFields Written = FlowFields.Mark | FlowFields.Zone | FlowFields.Timeout | FlowFields.Labels;

    private readonly byte[] _datagram = new byte[9000 + SyncEngine.MessageLimit];
    private readonly byte[] _text = new byte[8192];
    private readonly NetlinkWriter _writer = new();
    private PackedFlow _flow;
    private PackedFlow _again;

    public override string Name => "flow";

    public override IReadOnlyList<byte[]> Words { get; } =
    [
        [4, 0, 1, 0x80], [4, 0, 2, 0x80], [8, 0, 1, 0, 10, 0, 0, 1], [20, 0, 3, 0], [5, 0, 1, 0, 17, 0, 0, 0],
        [6, 0, 2, 0, 0, 80, 0, 0], [8, 0, 3, 0, 0, 0, 1, 0x8e], [8, 0, 8, 0, 0, 0, 0, 9], [6, 0, 18, 0, 0, 7, 0, 0],
        [20, 0, 22, 0],
    ];

    public override IEnumerable<byte[]> Seeds() =>
        NetlinkTarget.Recordings(name => !name.StartsWith("expect", StringComparison.Ordinal)).Where(IsFlow);

    public override void Repair(Span<byte> input) => NetlinkTarget.RepairMessage(input);

    public override ulong Run(ReadOnlySpan<byte> input)
    {
        var signature = new Signature();
        bool isRead = FlowCodec.TryRead(input, ref _flow);
        signature.Add(isRead);
        if (!isRead) return signature.Value;

        signature.Add((ulong)_flow.Fields);
        signature.Add(_flow.Original.Protocol);
        signature.Add((ulong)_flow.Original.Parts);
        Show(in _flow);
        Cache(in _flow, ref signature);
        Tell(in _flow);
        Encode(ref signature);
        return signature.Value;
    }

    private bool IsFlow(byte[] message) => FlowCodec.TryRead(message, ref _flow) && _flow.Has(FlowFields.Original);

    private void Show(in PackedFlow flow)
    {
        foreach (FlowTextParts parts in (FlowTextParts[])[FlowTextParts.None, (FlowTextParts)int.MaxValue])
        {
            var style = new FlowTextStyle(parts, 1);
            LineWriter text = new(_text.AsSpan(0, FlowText.MaxLength));
            FlowText.Write(ref text, in flow, in style);
            if (text.IsFull) throw new FuzzFailure("the line is longer than FlowText.MaxLength");
            LineWriter xml = new(_text.AsSpan(0, FlowXml.MaxLength));
            FlowXml.Write(ref xml, in flow, in style);
            if (xml.IsFull) throw new FuzzFailure("the element is longer than FlowXml.MaxLength");
        }
    }

    private void Cache(in PackedFlow flow, ref Signature signature)
    {
        var now = new Instant(1_000_000);
        using var engine = new SyncEngine(new SyncOptions { TcpWindowTracking = true }, new Seq(1), now);
        foreach (FlowChange change in (FlowChange[])[FlowChange.Update, FlowChange.New, FlowChange.Update])
            engine.OnFlow(now, change, EventOrigin.Other, in flow);
        engine.OnSnapshot(now, SnapshotPurpose.Repair, SnapshotStep.Begin, in flow);
        engine.OnSnapshot(now, SnapshotPurpose.Repair, SnapshotStep.Entry, in flow);
        engine.OnSnapshot(now, SnapshotPurpose.Repair, SnapshotStep.End, in flow);
        ulong cursor = 0;
        while (engine.ReadNext(CacheKind.Internal, ref cursor, now, ref _again, out _)) Show(in _again);
        int sent = Transmit(engine, now);
        engine.OnFlow(now, FlowChange.Destroy, EventOrigin.Other, in flow);
        signature.Add((ulong)(sent + Transmit(engine, now)));
        signature.Add(engine.Stats.Internal.Active);
    }

    // A peer learns the same of a flow in either form.
    private void Tell(in PackedFlow flow)
    {
        if (!flow.Has(FlowFields.Original) || !flow.Original.Has(TupleParts.Addresses | TupleParts.Protocol)) return;
        var options = new SyncOptions { TcpWindowTracking = true };
        Span<byte> body = stackalloc byte[FlowMessage.MaxSize];
        int plain = FlowMessage.Write(in flow, options, body);
        if (!FlowMessage.TryRead(body[..plain], options, ref _again)) throw new FuzzFailure("a peer would refuse it");
        FlowFields fields = _again.Fields;
        uint timeout = _again.Timeout;
        FlowStatus status = _again.Status;
        int dense = DenseFlow.Write(in flow, options, body);
        if (!DenseFlow.TryRead(body[..dense], options, ref _again)) throw new FuzzFailure("one of ours would refuse it");
        if (dense > plain || fields != _again.Fields || timeout != _again.Timeout || status != _again.Status)
            throw new FuzzFailure("the dense form tells something else");
    }

    private int Transmit(SyncEngine engine, Instant now)
    {
        int flows = 0;
        SyncStats stats = default;
        for (int length; (length = engine.PollTransmit(now, _datagram, 1472)) > 0;)
        {
            var reader = new PeerMessageReader(_datagram.AsSpan(0, length));
            while (reader.MoveNext(ref stats))
            {
                if (reader.Header.Type > PeerMessageType.FlowDelete) continue;
                flows++;
                if (!FlowMessage.TryRead(reader.Message[PeerHeader.Size..], engine.Options, ref _again))
                    throw new FuzzFailure("a peer would refuse what is sent");
            }
        }

        if (stats.BadSize + stats.Truncated > 0) throw new FuzzFailure("a datagram that is no row of messages");
        return flows;
    }

    private void Encode(ref Signature signature)
    {
        if (!_flow.Has(FlowFields.Original | FlowFields.Reply) || !_flow.Original.Has(TupleParts.Addresses)) return;
        _writer.Clear();
        FlowCodec.WriteCreate(_writer, in _flow, 1);
        bool isRead = FlowCodec.TryRead(_writer.Written, ref _again);
        signature.Add(isRead);
        if (!isRead) throw new FuzzFailure("what was encoded cannot be decoded");
        if (_again.Original.Source != _flow.Original.Source || (_flow.Fields & Written) != (_again.Fields & Written)
            || (_flow.Has(FlowFields.Mark) && _flow.Mark != _again.Mark))
        {
            throw new FuzzFailure("what was encoded is another flow");
        }
    }
}
