using TwinTrack.Replication;
using TwinTrack.Replication.Wire;

namespace TwinTrack.Fuzz.Targets;

/// <summary>A TCP stream of a peer: the same messages come out of it however it is cut.</summary>
/// <remarks>The first byte says into how long pieces.</remarks>
internal sealed class StreamTarget : Target
{
    public override string Name => "stream";

    public override IEnumerable<byte[]> Seeds() =>
        PeerTarget.Conversations().SelectMany((datagrams, number) => datagrams.Chunk(6).Take(8).Select(
            chunk => (byte[])[(byte)((number * 7) + 1), .. chunk.SelectMany(datagram => datagram)]));

    public override ulong Run(ReadOnlySpan<byte> input)
    {
        if (input.IsEmpty) return 0;

        List<byte> whole = [];
        List<byte> cut = [];
        bool isBroken = Read(input[1..], input.Length, whole);
        if (Read(input[1..], input[0] + 1, cut) != isBroken || !whole.SequenceEqual(cut))
            throw new FuzzFailure("cut otherwise, it holds other messages");

        var signature = new Signature();
        signature.Add(isBroken);
        SyncStats stats = default;
        byte[] messages = [.. whole];
        var reader = new PeerMessageReader(messages);
        while (reader.MoveNext(ref stats)) signature.Add((ulong)reader.Header.Type);
        if (!isBroken && stats.BadSize + stats.Truncated > 0) throw new FuzzFailure("half a message was let through");
        signature.AddCount((ulong)messages.Length);
        return signature.Value;
    }

    private static bool Read(ReadOnlySpan<byte> stream, int piece, List<byte> messages)
    {
        var framer = new StreamFramer();
        while (!stream.IsEmpty && !framer.IsBroken)
        {
            Span<byte> room = framer.Room;
            int length = Math.Min(Math.Min(piece, stream.Length), room.Length);
            if (length == 0) throw new FuzzFailure("there is no room for more");
            stream[..length].CopyTo(room);
            framer.Add(length);
            stream = stream[length..];
            while (framer.TryTake(out ReadOnlySpan<byte> taken)) messages.AddRange(taken);
        }

        return framer.IsBroken;
    }
}
