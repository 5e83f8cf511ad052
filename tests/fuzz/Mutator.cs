namespace TwinTrack.Fuzz;

/// <summary>Changes inputs: bits, bytes, numbers, pieces; deterministic by its seed.</summary>
internal sealed class Mutator(Target target, int seed)
{
    private const int MostChanges = 6;

    private readonly Random _random = new(seed);

    private static ReadOnlySpan<byte> Telling => [0, 1, 2, 3, 4, 5, 8, 15, 16, 17, 0x7f, 0x80, 0xfe, 0xff];

    /// <summary>A number below the limit.</summary>
    public int Next(int limit) => _random.Next(limit);

    /// <summary>Makes a new input of one, and pieces of another.</summary>
    public byte[] Change(byte[] input, byte[] other)
    {
        List<byte> bytes = [.. input];
        for (int changes = _random.Next(1, MostChanges + 1); changes > 0; changes--) ChangeOnce(bytes, other);
        byte[] changed = [.. bytes.Take(Corpus.LongestInput)];
        if (_random.Next(4) != 0) target.Repair(changed);
        return changed;
    }

    private void ChangeOnce(List<byte> bytes, byte[] other)
    {
        if (bytes.Count == 0) bytes.Add((byte)_random.Next(256));
        int at = _random.Next(bytes.Count);
        switch (_random.Next(10))
        {
            case 0:
                bytes[at] ^= (byte)(1 << _random.Next(8));
                break;
            case 1:
                bytes[at] = Telling[_random.Next(Telling.Length)];
                break;
            case 2:
                bytes[at] = (byte)_random.Next(256);
                break;
            case 3:
                bytes[at] += (byte)(_random.Next(9) - 4);
                break;
            case 4:
                bytes.RemoveRange(at, Length(bytes.Count - at));
                break;
            case 5:
                bytes.InsertRange(_random.Next(bytes.Count + 1), bytes.GetRange(at, Length(bytes.Count - at)));
                break;
            case 6 when other.Length > 0:
                int from = _random.Next(other.Length);
                bytes.InsertRange(at, other.AsSpan(from, Length(other.Length - from)).ToArray());
                break;
            case 7 when other.Length > 0:
                int start = _random.Next(other.Length);
                Overwrite(bytes, at, other.AsSpan(start, Length(other.Length - start)));
                break;
            case 8 when target.Words.Count > 0:
                bytes.InsertRange(at, target.Words[_random.Next(target.Words.Count)]);
                break;
            default:
                Overwrite(bytes, at, [0, (byte)_random.Next(64)]); // a length or a type, big-endian
                break;
        }
    }

    // Mostly short, sometimes all there is.
    private int Length(int most) => _random.Next(8) == 0 ? most : Math.Min(most, _random.Next(1, 40));

    private static void Overwrite(List<byte> bytes, int at, ReadOnlySpan<byte> with)
    {
        for (int i = 0; i < with.Length && at + i < bytes.Count; i++) bytes[at + i] = with[i];
    }
}
