using System.Numerics;
using System.Runtime.InteropServices;

namespace TwinTrack.Replication.Store;

/// <summary>
/// Hash to handle: open addressing with linear probing. It grows by moving a few slots with every insertion,
/// so no single operation is long.
/// </summary>
/// <remarks>
/// A slot holds the full hash beside the handle: neither a probe of another flow nor growth touches the records.
/// While it grows, the old table is read from <c>_moved</c> on, gets no insertions, and marks removals.
/// </remarks>
internal sealed unsafe class FlowIndex : IDisposable
{
    private const uint LeastCapacity = 1024;
    private const uint MostAtFirst = 1 << 24;
    private const int MovesPerInsertion = 8;
    private const uint Removed = uint.MaxValue;

    private readonly uint _firstCapacity;
    private Slot* _slots;
    private uint _mask;
    private uint _used;
    private Slot* _old;          // null unless growing
    private uint _oldMask;
    private uint _moved;         // slots of the old table below it have moved

    private struct Slot
    {
        public uint Hash;
        public uint Handle;      // 0 free
    }

    /// <summary>Makes an empty index.</summary>
    /// <param name="slots">
    /// What it has room for before it grows, a quarter of it left free; memory is taken as slots come into use.
    /// </param>
    public FlowIndex(uint slots = LeastCapacity)
    {
        _firstCapacity = BitOperations.RoundUpToPowerOf2(Math.Clamp(slots, LeastCapacity, MostAtFirst));
        Reset();
    }

    /// <summary>Slots of the old table that have not moved yet; 0 unless it grows.</summary>
    public uint Unmoved => _old == null ? 0 : _oldMask + 1 - _moved;

    /// <summary>Walks the handles stored under a hash; the caller compares the records.</summary>
    public Matches Find(uint hash) => new(this, hash);

    public void Add(uint hash, uint handle)
    {
        if (_old != null) Move(MovesPerInsertion);
        else if (_used >= (_mask + 1) / 4 * 3) Grow();

        Place(hash, handle);
    }

    public void Remove(uint hash, uint handle)
    {
        if (_old != null && RemoveFromOld(hash, handle)) return;

        uint at = hash & _mask;
        while (_slots[at].Handle != handle)
        {
            if (_slots[at].Handle == 0) return;
            at = (at + 1) & _mask;
        }

        Close(at);
        _used--;
    }

    public void Clear()
    {
        FreeTables();
        Reset();
    }

    public void Dispose() => FreeTables();

    private void Reset()
    {
        _slots = Allocate(_firstCapacity);
        _mask = _firstCapacity - 1;
        _used = 0;
    }

    private void FreeTables()
    {
        NativeMemory.Free(_slots);
        NativeMemory.Free(_old);
        _slots = null;
        _old = null;
    }

    private static Slot* Allocate(uint capacity) => (Slot*)NativeMemory.AllocZeroed(capacity, (nuint)sizeof(Slot));

    private void Place(uint hash, uint handle)
    {
        uint at = hash & _mask;
        while (_slots[at].Handle != 0) at = (at + 1) & _mask;
        _slots[at] = new Slot { Hash = hash, Handle = handle };
        _used++;
    }

    // Closes the gap: later slots of the run move up unless that would put them before their home.
    private void Close(uint gap)
    {
        uint at = gap;
        while (true)
        {
            at = (at + 1) & _mask;
            if (_slots[at].Handle == 0) break;

            uint home = _slots[at].Hash & _mask;
            if (((at - home) & _mask) < ((at - gap) & _mask)) continue;
            _slots[gap] = _slots[at];
            gap = at;
        }

        _slots[gap] = default;
    }

    private void Grow()
    {
        _old = _slots;
        _oldMask = _mask;
        _moved = 0;
        uint capacity = (_mask + 1) * 2;
        _slots = Allocate(capacity);
        _mask = capacity - 1;
        _used = 0;
    }

    private void Move(int slots)
    {
        for (; slots > 0 && _moved <= _oldMask; slots--, _moved++)
        {
            Slot slot = _old[_moved];
            if (slot.Handle is not (0 or Removed)) Place(slot.Hash, slot.Handle);
        }

        if (_moved <= _oldMask) return;
        NativeMemory.Free(_old);
        _old = null;
    }

    private bool RemoveFromOld(uint hash, uint handle)
    {
        bool more = FirstOld(hash, out uint at);
        for (uint left = _oldMask - _moved; more; more = left-- > 0 && NextOld(ref at))
        {
            if (_old[at].Handle != handle) continue;
            _old[at].Handle = Removed;
            return true;
        }

        return false;
    }

    // A run of the old table may begin in the part that has moved: that part counts as occupied by others.
    private bool FirstOld(uint hash, out uint at)
    {
        at = Math.Max(hash & _oldMask, _moved);
        return at <= _oldMask && _old[at].Handle != 0;
    }

    private bool NextOld(ref uint at)
    {
        // Runs that wrap round end in the part that moves first, so nothing is left of them below _moved.
        at = at == _oldMask ? _moved : at + 1;
        return at <= _oldMask && _old[at].Handle != 0;
    }

    /// <summary>The handles under one hash, in the new table first.</summary>
    public ref struct Matches
    {
        private readonly FlowIndex _index;
        private readonly uint _hash;
        private uint _at;
        private uint _left;
        private Phase _phase;

        private enum Phase : byte
        {
            New,
            OldFirst,
            Old,
            End,
        }

        internal Matches(FlowIndex index, uint hash)
        {
            _index = index;
            _hash = hash;
            _at = hash & index._mask;
        }

        public uint Current { get; private set; }

        public bool MoveNext()
        {
            if (_phase == Phase.New)
            {
                if (NextInNew()) return true;
                _phase = _index._old == null ? Phase.End : Phase.OldFirst;
            }

            return _phase != Phase.End && NextInOld();
        }

        private bool NextInNew()
        {
            while (true)
            {
                Slot slot = _index._slots[_at];
                if (slot.Handle == 0) return false;
                _at = (_at + 1) & _index._mask;
                if (slot.Hash != _hash) continue;
                Current = slot.Handle;
                return true;
            }
        }

        private bool NextInOld()
        {
            while (true)
            {
                bool more;
                if (_phase == Phase.OldFirst)
                {
                    more = _index.FirstOld(_hash, out _at);
                    _phase = Phase.Old;
                    _left = _index._oldMask - _index._moved;
                }
                else
                {
                    more = _left-- > 0 && _index.NextOld(ref _at);
                }

                if (!more)
                {
                    _phase = Phase.End;
                    return false;
                }

                Slot slot = _index._old[_at];
                if (slot.Handle == Removed || slot.Hash != _hash) continue;
                Current = slot.Handle;
                return true;
            }
        }
    }
}
