using System.Runtime.InteropServices;
using TwinTrack.Conntrack;

namespace TwinTrack.Replication.Store;

/// <summary>A cached expectation in its slab.</summary>
/// <remarks>
/// A kernel holds few of them (nf_conntrack_expect_max), and not for long: they are kept as they are.
/// </remarks>
[StructLayout(LayoutKind.Sequential)]
internal struct ExpectationRecord
{
    public EntryHeader Header;

    /// <summary>Second of the engine's clock in which the entry was added.</summary>
    public uint CreatedAt;

    /// <summary>Second of the engine's clock of the last event or message.</summary>
    public uint UpdatedAt;

    public PackedExpectation Expectation;
}

/// <summary>The expectations of one cache: records and their index.</summary>
/// <remarks>
/// An expectation is this one by its tuple, its mask, its master and its zone. The kernel has no two that differ in
/// nothing but flags, class, translation, helper or function.
/// </remarks>
internal sealed unsafe class ExpectationStore(EntrySlabs slabs, ulong seed) : IDisposable
{
    private readonly FlowIndex _index = new();

    /// <summary>Expectations that can be found.</summary>
    public int Count { get; private set; }

    /// <summary>Records in use, dead ones included.</summary>
    public uint Records => slabs[EntrySlabs.Expectations].Count;

    public ref ExpectationRecord this[uint handle] => ref slabs.Expectation(handle);

    /// <summary>The handle of the expectation, 0 when it is not there.</summary>
    public uint Find(in PackedExpectation expectation)
    {
        FlowIndex.Matches matches = _index.Find(Hash(in expectation));
        while (matches.MoveNext())
        {
            ref readonly PackedExpectation known = ref this[matches.Current].Expectation;
            if (IsSame(in known, in expectation) && ZoneOf(in known) == ZoneOf(in expectation)) return matches.Current;
        }

        return 0;
    }

    /// <summary>The handle of what a kernel speaks of: it tells an id, but not the zone.</summary>
    public uint FindInAnyZone(in PackedExpectation expectation)
    {
        FlowIndex.Matches matches = _index.Find(Hash(in expectation));
        while (matches.MoveNext())
        {
            ref readonly PackedExpectation known = ref this[matches.Current].Expectation;
            bool isAnother = (known.Fields & expectation.Fields & ExpectationFields.Id) != 0
                && known.Id != expectation.Id;
            if (!isAnother && IsSame(in known, in expectation)) return matches.Current;
        }

        return 0;
    }

    /// <summary>Adds an expectation that is not there yet.</summary>
    public uint Add(in PackedExpectation expectation, EntryState state, uint nowSeconds)
    {
        uint handle = slabs.Allocate(EntrySlabs.Expectations);
        _index.Add(Hash(in expectation), handle);
        Count++;
        ref ExpectationRecord record = ref this[handle];
        record.Header.Flags |= EntryFlags.Indexed;
        Replace(handle, in expectation, state, nowSeconds);
        return handle;
    }

    /// <summary>Makes an existing entry new again: what it knew is forgotten, its place in a queue stays.</summary>
    public void Replace(uint handle, in PackedExpectation expectation, EntryState state, uint nowSeconds)
    {
        ref ExpectationRecord record = ref this[handle];
        record.Header.State = state;
        record.CreatedAt = nowSeconds;
        record.UpdatedAt = nowSeconds;
        record.Expectation = expectation;
    }

    /// <summary>Overwrites what is present in the expectation.</summary>
    /// <returns>Whether anything but the timeout differs from before.</returns>
    public bool Merge(uint handle, in PackedExpectation expectation, uint nowSeconds)
    {
        ref ExpectationRecord record = ref this[handle];
        record.UpdatedAt = nowSeconds;
        ref PackedExpectation known = ref record.Expectation;
        ExpectationFields fields = expectation.Fields;
        ExpectationFields before = known.Fields;
        if (Has(fields, ExpectationFields.Timeout)) known.Timeout = expectation.Timeout;
        if (Has(fields, ExpectationFields.Id)) known.Id = expectation.Id;
        bool changed = false;
        if (Has(fields, ExpectationFields.Flags)) changed |= Set(ref known.Flags, expectation.Flags);
        if (Has(fields, ExpectationFields.Class)) changed |= Set(ref known.Class, expectation.Class);
        if (Has(fields, ExpectationFields.NatDirection))
            changed |= Set(ref known.NatDirection, expectation.NatDirection);
        if (Has(fields, ExpectationFields.NatTuple)) changed |= Set(ref known.NatTuple, expectation.NatTuple);
        if (Has(fields, ExpectationFields.Helper)) changed |= Copy(expectation.Helper, known.Helper);
        if (Has(fields, ExpectationFields.Function)) changed |= Copy(expectation.Function, known.Function);
        known.Fields |= fields;
        return changed || known.Fields != before;
    }

    public void Read(uint handle, ref PackedExpectation expectation) => expectation = this[handle].Expectation;

    /// <summary>Gives the record back.</summary>
    public void Remove(uint handle)
    {
        _index.Remove(Hash(in this[handle].Expectation), handle);
        Count--;
        slabs.Free(handle);
    }

    /// <summary>Forgets everything at once.</summary>
    public void Clear()
    {
        _index.Clear();
        slabs[EntrySlabs.Expectations].Clear();
        Count = 0;
    }

    /// <summary>The next record in slot order that is in use, also a dead one.</summary>
    /// <param name="cursor">0 at first.</param>
    /// <returns>Its handle, 0 at the end.</returns>
    public uint Next(ref ulong cursor)
    {
        Slab records = slabs[EntrySlabs.Expectations];
        for (uint slot = (uint)cursor; slot < records.HighWater; slot++)
        {
            if (((EntryHeader*)records[slot])->State == EntryState.Free) continue;
            cursor = slot + 1;
            return EntrySlabs.HandleOf(EntrySlabs.Expectations, slot);
        }

        cursor = records.HighWater;
        return 0;
    }

    public void Dispose() => _index.Dispose();

    private static bool Has(ExpectationFields fields, ExpectationFields field) => (fields & field) != 0;

    private static bool Set<T>(ref T field, T value)
        where T : unmanaged
    {
        bool changed = !EqualityComparer<T>.Default.Equals(field, value);
        field = value;
        return changed;
    }

    private static bool Copy(ReadOnlySpan<byte> name, Span<byte> place)
    {
        bool changed = !name.SequenceEqual(place);
        name.CopyTo(place);
        return changed;
    }

    private static ushort ZoneOf(in PackedExpectation expectation) =>
        expectation.Has(ExpectationFields.Zone) ? expectation.Zone : (ushort)0;

    private uint Hash(in PackedExpectation expectation)
    {
        ref readonly FlowTuple tuple = ref expectation.Tuple;
        (ushort source, ushort destination) = FlowKey.PortWords(in tuple);
        (ushort masterSource, ushort masterDestination) = FlowKey.PortWords(in expectation.Master);
        ulong ports = source | ((ulong)destination << 16);
        ulong hash = FlowKey.Mix(seed ^ tuple.Source.First, tuple.Destination.First + tuple.Protocol);
        hash = FlowKey.Mix(hash ^ tuple.Source.Second, tuple.Destination.Second + tuple.Family);
        hash = FlowKey.Mix(hash ^ ports, seed + masterSource + ((ulong)masterDestination << 16));
        return (uint)(hash ^ (hash >> 32));
    }

    private static bool IsSame(in PackedExpectation left, in PackedExpectation right) =>
        IsSame(in left.Tuple, in right.Tuple) && IsSame(in left.Mask, in right.Mask)
        && IsSame(in left.Master, in right.Master);

    private static bool IsSame(in FlowTuple left, in FlowTuple right) =>
        left.Family == right.Family && left.Protocol == right.Protocol
        && left.Source == right.Source && left.Destination == right.Destination
        && FlowKey.PortWords(in left) == FlowKey.PortWords(in right);
}
