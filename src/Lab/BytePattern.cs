using System.Buffers.Binary;

namespace TwinTrack.Lab;

/// <summary>An endless sequence of bytes that a seed decides, so that any piece can be checked by its offset.</summary>
/// <param name="seed">Different for each direction of each connection.</param>
internal readonly struct BytePattern(ulong seed)
{
    /// <summary>Writes the bytes from an offset on.</summary>
    public void Fill(Span<byte> destination, long offset)
    {
        Span<byte> word = stackalloc byte[sizeof(ulong)];
        while (destination.Length > 0)
        {
            int start = (int)(offset & 7);
            BinaryPrimitives.WriteUInt64LittleEndian(word, Mix(seed + (ulong)(offset >> 3)));
            int length = Math.Min(sizeof(ulong) - start, destination.Length);
            word.Slice(start, length).CopyTo(destination);
            destination = destination[length..];
            offset += length;
        }
    }

    /// <summary>Whether these are the bytes from an offset on.</summary>
    public bool Matches(ReadOnlySpan<byte> received, long offset)
    {
        Span<byte> expected = stackalloc byte[512];
        while (received.Length > 0)
        {
            Span<byte> piece = expected[..Math.Min(expected.Length, received.Length)];
            Fill(piece, offset);
            if (!received.StartsWith(piece)) return false;
            received = received[piece.Length..];
            offset += piece.Length;
        }

        return true;
    }

    /// <summary>Spreads a number over all bits (the finaliser of SplitMix64).</summary>
    public static ulong Mix(ulong value)
    {
        value += 0x9e3779b97f4a7c15;
        value = (value ^ (value >> 30)) * 0xbf58476d1ce4e5b9;
        value = (value ^ (value >> 27)) * 0x94d049bb133111eb;
        return value ^ (value >> 31);
    }
}
