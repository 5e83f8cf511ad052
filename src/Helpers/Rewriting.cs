namespace TwinTrack.Helpers;

/// <summary>Changes of one packet's payload, kept in the order of their places.</summary>
public sealed class Rewriting
{
    private const int MostChanges = 64;
    private const int MostBytes = 4096;

    private readonly (int Offset, int Length, int Start, int Size)[] _changes =
        new (int Offset, int Length, int Start, int Size)[MostChanges];

    private readonly byte[] _bytes = new byte[MostBytes];
    private int _used;

    /// <summary>Changes so far.</summary>
    public int Count { get; private set; }

    /// <summary>Bytes the payload grows by; negative when it shrinks.</summary>
    public int Growth { get; private set; }

    /// <summary>Forgets all changes.</summary>
    public void Clear()
    {
        Count = 0;
        Growth = 0;
        _used = 0;
    }

    /// <summary>Puts bytes in place of others.</summary>
    /// <param name="offset">Where they begin in the payload.</param>
    /// <param name="length">How many of them there are.</param>
    /// <param name="bytes">What comes in their place.</param>
    /// <returns>False when there is no room for more changes, or a part of the place is changed already.</returns>
    public bool TryReplace(int offset, int length, ReadOnlySpan<byte> bytes)
    {
        if (Count == MostChanges || bytes.Length > MostBytes - _used) return false;

        int place = Count;
        while (place > 0 && _changes[place - 1].Offset > offset) place--;
        if (place > 0 && _changes[place - 1].Offset + _changes[place - 1].Length > offset) return false;
        if (place < Count && offset + length > _changes[place].Offset) return false;

        Array.Copy(_changes, place, _changes, place + 1, Count - place);
        bytes.CopyTo(_bytes.AsSpan(_used));
        _changes[place] = (offset, length, _used, bytes.Length);
        _used += bytes.Length;
        Growth += bytes.Length - length;
        Count++;
        return true;
    }

    /// <summary>Writes the changed payload.</summary>
    /// <param name="payload">The payload as it was.</param>
    /// <param name="destination">Takes its length plus <see cref="Growth"/>.</param>
    public void Write(ReadOnlySpan<byte> payload, Span<byte> destination)
    {
        int read = 0;
        int written = 0;
        foreach ((int offset, int length, int start, int size) in _changes.AsSpan(0, Count))
        {
            payload[read..offset].CopyTo(destination[written..]);
            written += offset - read;
            _bytes.AsSpan(start, size).CopyTo(destination[written..]);
            written += size;
            read = offset + length;
        }

        payload[read..].CopyTo(destination[written..]);
    }
}
