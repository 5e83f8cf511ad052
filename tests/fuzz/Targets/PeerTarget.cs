using System.Buffers.Binary;
using System.Text.Json;
using TwinTrack.Conntrack;
using TwinTrack.Netlink;
using TwinTrack.Replication;
using TwinTrack.Replication.Tests;
using TwinTrack.Replication.Wire;
using TwinTrack.Tests;

namespace TwinTrack.Fuzz.Targets;

/// <summary>Datagrams of a peer, one after the other, into an engine; and all that the engine says and asks for.</summary>
/// <remarks>
/// The first byte chooses the configuration; each datagram follows its length (16 bits, big-endian). In the end the
/// caches are listed and committed.
/// </remarks>
internal sealed class PeerTarget : Target
{
    private const int Capacity = 1472;
    private const int MostOutputs = 10_000;      // per input of the engine: more would not end
    private const int RecordedTogether = 5;

    private readonly byte[] _datagram = new byte[9000 + SyncEngine.MessageLimit];
    private readonly byte[] _text = new byte[8192];
    private readonly NetlinkWriter _writer = new();
    private KernelRequest _request;
    private SyncNotice _notice;
    private PackedFlow _flow;
    private PackedExpectation _expectation;

    public override string Name => "peer";

    public override IReadOnlyList<byte[]> Words { get; } =
    [
        [0x10, 0, 0, 8], [0x11, 0, 0, 8], [0x12, 0, 0, 8], [0x13, 0, 0, 8], [0x14, 0, 0, 8], [0x15, 0, 0, 8],
        [0x1a, 2, 0, 16], [0x1a, 4, 0, 16], [0x1a, 8, 0, 16], [0x1a, 0x20, 0, 8], [0, 12, 0, 0, 10, 0, 0, 1, 10, 0, 0, 2],
        [0xd0, 0, 0, 8], [0xd1, 0, 0, 8], [0xd2, 0, 0, 8], [0x1a, 0x90, 0, 8],
        [0, 5, 0, 3, 6, 0, 0, 0], [0, 8, 0, 2, 0, 0, 1, 0x8e],
    ];

    /// <summary>Recorded conversations: the datagrams of each.</summary>
    public static IEnumerable<IReadOnlyList<byte[]>> Conversations() =>
        Pcap.FtfwRecordings().Select(name => Pcap.Read(name).Select(datagram => datagram.Payload).ToList());

    public override IEnumerable<byte[]> Seeds()
    {
        byte configuration = 0;
        foreach (IReadOnlyList<byte[]> datagrams in Conversations())
        {
            foreach (byte[][] chunk in datagrams.Chunk(RecordedTogether).Take(12))
                yield return Join(configuration = (byte)((configuration + 1) % 32), chunk);
        }

        foreach (byte[] datagram in Crafted()) yield return Join(0, [datagram]);
        byte[][] dense = [.. Conversations().SelectMany(datagrams => datagrams).Select(MakeDense).Where(IsFlow)];
        foreach (byte[][] chunk in dense.Chunk(RecordedTogether)) yield return Join(0, chunk);
    }

    // Lengths of the datagrams, and of the messages in them, as far as they can be followed.
    public override void Repair(Span<byte> input)
    {
        for (int at = 1; at + 2 < input.Length;)
        {
            int length = Math.Min(BinaryPrimitives.ReadUInt16BigEndian(input[at..]), input.Length - at - 2);
            BinaryPrimitives.WriteUInt16BigEndian(input[at..], (ushort)length);
            Span<byte> datagram = input.Slice(at + 2, length);
            while (datagram.Length >= PeerHeader.Size)
            {
                int message = BinaryPrimitives.ReadUInt16BigEndian(datagram[2..]);
                if (message < PeerHeader.Size || message > datagram.Length) message = datagram.Length;
                BinaryPrimitives.WriteUInt16BigEndian(datagram[2..], (ushort)message);
                datagram = datagram[message..];
            }

            at += 2 + length;
        }
    }

    public override ulong Run(ReadOnlySpan<byte> input)
    {
        if (input.IsEmpty) return 0;

        var now = new Instant(10_000_000);
        using var engine = new SyncEngine(OptionsOf(input[0]), new Seq(0x4fffffff), now);
        Drain(engine, now);
        for (ReadOnlySpan<byte> rest = input[1..]; rest.Length > 2;)
        {
            int length = Math.Min(BinaryPrimitives.ReadUInt16BigEndian(rest), rest.Length - 2);
            engine.OnPeer(now, default, new PeerId(Address.Read([10, 0, 0, 9]), 3780), rest.Slice(2, length));
            Drain(engine, now);
            now = now.PlusMilliseconds(300);
            Drain(engine, now);
            rest = rest[(2 + length)..];
        }

        engine.OnCommand(now, SyncCommand.Commit, 1);
        Drain(engine, now);
        var signature = new Signature();
        Add(ref signature, in engine.Stats);
        List(engine, now, ref signature);
        return signature.Value;
    }

    private static SyncOptions OptionsOf(byte choice)
    {
        var mode = (SyncModeKind)(choice % 3);
        bool injects = (choice & 4) != 0;
        return new SyncOptions
        {
            Mode = mode,
            DenseFormat = true,
            DisableExternalCache = injects,
            DisableInternalCache = mode == SyncModeKind.Notrack && (choice & 8) != 0,
            TcpWindowTracking = (choice & 16) != 0,
            PeersAreLittleEndian = (choice & 32) == 0,
            StartupResync = (choice & 64) != 0,
            Expectations = (choice & 64) != 0 ? new ExpectationFilter([]) : null,
            CacheLimit = (choice & 128) != 0 ? 2 : 262_144,
            AckWindow = 3,
            CommitTimeoutSeconds = (choice & 4) == 0 && (choice & 64) != 0 ? 100 : null,
        };
    }

    private void Drain(SyncEngine engine, Instant now)
    {
        int outputs = 0;
        while (engine.NextDeadline <= now)
        {
            engine.OnDeadline(now);
            if (++outputs > MostOutputs) throw new FuzzFailure("the deadline never passes");
        }

        while (engine.PollKernel(now, ref _request))
        {
            Ask(engine, now);
            if (++outputs > MostOutputs) throw new FuzzFailure("it never stops asking the kernel");
        }

        while (engine.PollNotice(now, ref _notice))
        {
            if (++outputs > MostOutputs) throw new FuzzFailure("it never stops reporting");
        }

        SyncStats stats = default;
        for (int length; (length = engine.PollTransmit(now, _datagram, Capacity)) > 0;)
        {
            var reader = new PeerMessageReader(_datagram.AsSpan(0, length));
            while (reader.MoveNext(ref stats))
            {
            }

            if (stats.BadSize + stats.Truncated > 0) throw new FuzzFailure("it sends what is no row of messages");
            if (++outputs > MostOutputs) throw new FuzzFailure("it never stops sending");
        }
    }

    private void Ask(SyncEngine engine, Instant now)
    {
        switch (_request.Kind)
        {
            case KernelRequestKind.Dump:
                engine.OnSnapshot(now, _request.Purpose, SnapshotStep.Begin, in _flow);
                engine.OnSnapshot(now, _request.Purpose, SnapshotStep.End, in _flow);
                return;
            case KernelRequestKind.DumpExpectations:
                engine.OnExpectationSnapshot(now, _request.Purpose, SnapshotStep.Begin, in _expectation);
                engine.OnExpectationSnapshot(now, _request.Purpose, SnapshotStep.End, in _expectation);
                return;
            case KernelRequestKind.CreateExpectation:
                _writer.Clear();
                ExpectationCodec.WriteCreate(_writer, in _request.Expectation, 1);
                if (!ExpectationCodec.TryRead(_writer.Written, ref _expectation))
                    throw new FuzzFailure("a request to the kernel cannot be read");
                break;
            case KernelRequestKind.Create:
                _writer.Clear();
                FlowCodec.WriteCreate(_writer, in _request.Flow, 1);
                if (!FlowCodec.TryRead(_writer.Written, ref _flow))
                    throw new FuzzFailure("a request to the kernel cannot be read");
                break;
        }

        // Now and then the kernel refuses: EEXIST, EINVAL.
        int errno = (_request.Token % 4) switch
        {
            1 => 17,
            3 => 22,
            _ => 0,
        };
        engine.OnKernelAnswer(now, _request.Kind, _request.Token, errno);
    }

    private void List(SyncEngine engine, Instant now, ref Signature signature)
    {
        foreach (CacheKind cache in (CacheKind[])[CacheKind.Internal, CacheKind.External])
        {
            int flows = 0;
            ulong cursor = 0;
            while (engine.ReadNext(cache, ref cursor, now, ref _flow, out _))
            {
                flows++;
                signature.Add((ulong)_flow.Fields);
                LineWriter text = new(_text.AsSpan(0, FlowText.MaxLength));
                FlowText.Write(ref text, in _flow, new FlowTextStyle(FlowTextParts.None));
                LineWriter xml = new(_text.AsSpan(0, FlowXml.MaxLength));
                FlowXml.Write(ref xml, in _flow, new FlowTextStyle(FlowTextParts.None));
                if (text.IsFull || xml.IsFull) throw new FuzzFailure("the text is longer than its MaxLength");
            }

            signature.AddCount((ulong)flows);
        }
    }

    private static void Add(ref Signature signature, in SyncStats stats)
    {
        signature.AddCount(stats.WrongVersion);
        signature.AddCount(stats.MalformedHeader);
        signature.AddCount(stats.MalformedPayload);
        signature.AddCount(stats.BadType);
        signature.AddCount(stats.Truncated);
        signature.AddCount(stats.BadSize);
        signature.AddCount(stats.Lost);
        signature.AddCount(stats.Before);
        signature.AddCount(stats.MessagesAccepted);
        signature.AddCount(stats.MessagesSent);
        signature.AddCount(stats.External.Created);
        signature.AddCount(stats.External.Destroyed);
        signature.AddCount(stats.External.CreateFailed);
    }

    private static bool IsFlow(byte[] datagram) => datagram.Length > 0;

    // The flow messages of a datagram as one of ours would have told them; no bytes if there are none.
    private static byte[] MakeDense(byte[] datagram)
    {
        var options = new SyncOptions { TcpWindowTracking = true };
        var dense = new List<byte>();
        byte[] message = new byte[SyncEngine.MessageLimit];
        SyncStats stats = default;
        PackedFlow flow = default;
        var reader = new PeerMessageReader(datagram);
        while (reader.MoveNext(ref stats))
        {
            PeerHeader header = reader.Header;
            if (!header.IsFlow || !FlowMessage.TryRead(reader.Message[PeerHeader.Size..], options, ref flow)) continue;
            Span<byte> body = message.AsSpan(PeerHeader.Size);
            int length = PeerHeader.Size + (header.Type == PeerMessageType.FlowDelete
                ? DenseFlow.WriteEnd(in flow, options, body)
                : DenseFlow.Write(in flow, options, body));
            (header with { Version = PeerHeader.DenseVersion, Length = (ushort)length }).Write(message);
            dense.AddRange(message.AsSpan(0, length));
        }

        return [.. dense];
    }

    private static List<byte[]> Crafted()
    {
        using JsonDocument file = JsonDocument.Parse(GoldenFiles.Read(Path.Combine("sync", "crafted.json")));
        return
        [
            .. file.RootElement.GetProperty("cases").EnumerateArray()
                .Select(entry => Convert.FromHexString(entry.GetProperty("payload").GetString()!)),
        ];
    }

    private static byte[] Join(byte configuration, IEnumerable<byte[]> datagrams)
    {
        List<byte> joined = [configuration];
        foreach (byte[] datagram in datagrams)
        {
            joined.Add((byte)(datagram.Length >> 8));
            joined.Add((byte)datagram.Length);
            joined.AddRange(datagram);
        }

        return [.. joined];
    }
}
