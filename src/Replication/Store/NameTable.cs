namespace TwinTrack.Replication.Store;

/// <summary>Names that many flows share (helpers, security contexts), each kept once; number 0 is "none".</summary>
/// <remarks>Names come from outside, so the table is bounded: beyond the limit a name is not kept.</remarks>
internal sealed class NameTable(int limit)
{
    private readonly List<byte[]> _names = [[]];

    public ReadOnlySpan<byte> this[uint number] => _names[(int)number];

    /// <summary>The number of a name, added if need be; 0 when the table is full or the name empty.</summary>
    public uint Intern(ReadOnlySpan<byte> name)
    {
        if (name.IsEmpty) return 0;
        for (int number = 1; number < _names.Count; number++)
        {
            if (name.SequenceEqual(_names[number])) return (uint)number;
        }

        if (_names.Count > limit) return 0;
        _names.Add(name.ToArray());
        return (uint)_names.Count - 1;
    }
}
