using System.Buffers.Binary;

namespace TwinTrack.Replication.Wire;

/// <summary>For which direction of a flow a zone counts.</summary>
internal enum ZoneScope : byte
{
    Both = 0,
    Original = 1,
    Reply = 2,
}

/// <summary>
/// Four bytes behind the last attribute: what has no attribute of the original's, whose receivers pass over up to four
/// stray bytes at the end of a message.
/// <code>
/// 0  0x5a
/// 1  for which direction the zone counts: 0 both, 1 original, 2 reply
/// 2  zone, big-endian
/// </code>
/// </summary>
internal readonly record struct PeerTrailer(ZoneScope Scope, ushort Zone)
{
    private const int Size = 4;
    private const byte Mark = 0x5a;

    public static bool TryRead(ReadOnlySpan<byte> rest, out PeerTrailer trailer)
    {
        bool isTrailer = rest.Length == Size && rest[0] == Mark && rest[1] <= (byte)ZoneScope.Reply;
        trailer = isTrailer
            ? new PeerTrailer((ZoneScope)rest[1], BinaryPrimitives.ReadUInt16BigEndian(rest[2..]))
            : default;
        return isTrailer;
    }

    public void Write(ref PeerWriter writer)
    {
        Span<byte> bytes = writer.AddTrailer(Size);
        bytes[0] = Mark;
        bytes[1] = (byte)Scope;
        BinaryPrimitives.WriteUInt16BigEndian(bytes[2..], Zone);
    }
}
