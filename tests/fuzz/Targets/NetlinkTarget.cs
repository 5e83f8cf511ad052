using TwinTrack.Conntrack;
using TwinTrack.Conntrack.Kernel;
using TwinTrack.Netlink;
using TwinTrack.Tests;

namespace TwinTrack.Fuzz.Targets;

/// <summary>A netlink datagram: messages, attributes within attributes, and every decoder there is.</summary>
internal sealed class NetlinkTarget : Target
{
    private const int Deepest = 6;

    private PackedFlow _flow;
    private PackedExpectation _expectation;

    public override string Name => "netlink";

    public override IReadOnlyList<byte[]> Words { get; } =
    [
        [0x14, 0, 0, 0, 3, 0, 0, 0], [0x24, 0, 0, 0, 2, 0, 0, 0], [8, 0, 1, 0, 10, 0, 0, 1], [4, 0, 1, 0x80],
        [5, 0, 1, 0, 6, 0, 0, 0], [0, 0, 0, 0], [4, 0, 0, 0],
    ];

    /// <summary>Recorded datagrams, and several in one.</summary>
    public static IEnumerable<byte[]> Recordings(Func<string, bool> filter) =>
        GoldenFiles.Below("netlink", "*.hex").Where(path => filter(Path.GetFileName(path)))
            .Select(path => Convert.FromHexString(string.Concat(GoldenFiles.Read(path).Split())));

    public override IEnumerable<byte[]> Seeds() => Recordings(_ => true);

    public override void Repair(Span<byte> input) => RepairMessage(input);

    /// <summary>Makes the first message as long as the input.</summary>
    public static void RepairMessage(Span<byte> input)
    {
        if (input.Length >= sizeof(int)) BitConverter.TryWriteBytes(input, input.Length);
    }

    public override ulong Run(ReadOnlySpan<byte> input)
    {
        var signature = new Signature();
        var reader = new MessageReader(input);
        int covered = 0;
        while (reader.MoveNext())
        {
            covered += reader.Message.Length;
            if (covered > input.Length) throw new FuzzFailure("messages are longer than their datagram");
            signature.Add((ulong)NetlinkError.Read(reader.Message).Code);
            Decode(reader.Message, ref signature);
            int attributes = 0;
            Walk(reader.Payload.Length > 4 ? reader.Payload[4..] : default, 0, ref attributes);
            signature.AddCount((ulong)attributes);
        }

        signature.Add(reader.IsMalformed);
        return signature.Value;
    }

    private void Decode(ReadOnlySpan<byte> message, ref Signature signature)
    {
        if (NetfilterHeader.TryRead(message, out NetfilterHeader header)) signature.Add((ulong)EventKinds.Of(in header));
        signature.Add(FlowCodec.TryRead(message, ref _flow));
        signature.Add(ExpectationCodec.TryRead(message, ref _expectation));
        signature.Add(HelperCodec.Read(message) is not null);
        signature.Add(TimeoutPolicyCodec.Read(message) is not null);
        signature.Add(TableSize.TryRead(message, out _));
        signature.Add(CpuStats.TryRead(message, out _));
        signature.Add(ExpectationCpuStats.TryRead(message, out _));
        if (PacketQueueCodec.TryRead(message, out QueuedPacket packet)) signature.AddCount((ulong)packet.Payload.Length);
    }

    private static void Walk(ReadOnlySpan<byte> bytes, int depth, ref int count)
    {
        var reader = new AttributeReader(bytes);
        int covered = 0;
        while (reader.MoveNext())
        {
            count++;
            covered += reader.Value.Length + 4;
            if (covered > bytes.Length) throw new FuzzFailure("attributes are longer than their message");
            if (reader.ReadString().Length > reader.Value.Length) throw new FuzzFailure("a string is too long");
            if (depth < Deepest) Walk(reader.Value, depth + 1, ref count);
            reader.ReadUInt64();
        }
    }
}
