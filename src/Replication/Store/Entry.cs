using System.Runtime.InteropServices;

namespace TwinTrack.Replication.Store;

/// <summary>Where an entry stands in its life; decides the type of the message that is sent for it.</summary>
internal enum EntryState : byte
{
    /// <summary>The slot is not in use.</summary>
    Free,

    /// <summary>Added and not changed since: CT_NEW.</summary>
    New,

    /// <summary>Changed at least once: CT_UPD.</summary>
    Alive,

    /// <summary>Destroyed, kept while a queue holds it: CT_DEL.</summary>
    Dead,
}

/// <summary>The queue an entry is in: one at most.</summary>
internal enum QueueId : byte
{
    None,
    Transmit,
    Resend,

    /// <summary>It waits for the announce delay to pass.</summary>
    Young,

    /// <summary>It was half closed when the delay was over, and waits whether it stays so.</summary>
    HalfClosed,
}

/// <summary>Marks of an entry.</summary>
[Flags]
internal enum EntryFlags : byte
{
    None = 0,

    /// <summary>The index finds it.</summary>
    Indexed = 1,

    /// <summary>
    /// It took the place of a flow that peers may hold; until they acknowledge it, it is told as new.
    /// </summary>
    Anew = 2,

    /// <summary>It changed while a request of the kernel about it is under way.</summary>
    Changed = 4,

    /// <summary>It is known from a dump only; no event has told of it.</summary>
    Unheard = 8,

    /// <summary>Since the last dump began an event told the protocol's state.</summary>
    ToldState = 16,

    /// <summary>Since the last dump began an event told the mark.</summary>
    ToldMark = 32,

    /// <summary>Since the last dump began an event told something else that events tell only when it changes.</summary>
    ToldRest = 64,

    /// <summary>It waits to be read from the kernel.</summary>
    Asked = 128,

    /// <summary>All that an event may have told.</summary>
    Told = ToldState | ToldMark | ToldRest,
}

/// <summary>What every queueable record begins with.</summary>
[StructLayout(LayoutKind.Sequential)]
internal struct EntryHeader
{
    /// <summary>Handle of the next entry of the queue; in a free slot the slab's link.</summary>
    public uint Next;

    /// <summary>Handle of the previous entry of the queue.</summary>
    public uint Previous;

    /// <summary>The number under which the entry was sent last.</summary>
    public uint Sequence;

    /// <summary>The peers whose acknowledgement it waits for, a bit for each; none: whoever is first.</summary>
    public uint Awaited;

    public QueueId Queue;
    public EntryState State;

    /// <summary>Number of the snapshot that saw the entry last.</summary>
    public byte Snapshot;

    public EntryFlags Flags;
}

/// <summary>A control message that waits in a queue.</summary>
[StructLayout(LayoutKind.Sequential)]
internal struct ControlRecord
{
    public EntryHeader Header;

    /// <summary>Flags of the message, HELLO bits included once it was sent.</summary>
    public byte Flags;

    /// <summary>The peer it is for, as a bit; 0: all.</summary>
    public uint Peer;

    public uint From;
    public uint To;
}

/// <summary>Finds a record by handle: the slab in the two top bits, the slot plus one below; 0 is none.</summary>
internal sealed unsafe class EntrySlabs : IDisposable
{
    public const int FlowsIPv4 = 0;
    public const int FlowsIPv6 = 1;
    public const int Controls = 2;
    public const int Expectations = 3;

    private const int SlabShift = 30;
    private const uint SlotMask = (1u << SlabShift) - 1;

    private readonly Slab[] _slabs =
    [
        new Slab(FlowRecord.SizeIPv4),
        new Slab(FlowRecord.SizeIPv6),
        new Slab(sizeof(ControlRecord)),
        new Slab(sizeof(ExpectationRecord)),
    ];

    public Slab this[int slab] => _slabs[slab];

    /// <summary>Whether it is a cache entry: a flow, or an expectation; else a control message.</summary>
    public static bool IsEntry(uint handle) => handle >> SlabShift != Controls;

    public static bool IsExpectation(uint handle) => handle >> SlabShift == Expectations;

    public static uint HandleOf(int slab, uint slot) => ((uint)slab << SlabShift) | (slot + 1);

    public uint Allocate(int slab) => HandleOf(slab, _slabs[slab].Allocate());

    public void Free(uint handle) => _slabs[handle >> SlabShift].Free((handle & SlotMask) - 1);

    public ref EntryHeader Header(uint handle) => ref *(EntryHeader*)Record(handle);

    public ref FlowRecord Flow(uint handle) => ref *(FlowRecord*)Record(handle);

    public ref ExpectationRecord Expectation(uint handle) => ref *(ExpectationRecord*)Record(handle);

    public ref ControlRecord Control(uint handle) => ref *(ControlRecord*)Record(handle);

    public byte* Record(uint handle) => _slabs[handle >> SlabShift][(handle & SlotMask) - 1];

    public void Dispose()
    {
        foreach (Slab slab in _slabs) slab.Dispose();
    }
}

/// <summary>A queue of entries: a doubly linked list through their headers.</summary>
internal sealed class EntryQueue(EntrySlabs slabs, QueueId id)
{
    public uint Head { get; private set; }

    public uint Tail { get; private set; }

    public int Count { get; private set; }

    public void Append(uint handle)
    {
        ref EntryHeader header = ref slabs.Header(handle);
        header.Queue = id;
        header.Next = 0;
        header.Previous = Tail;
        if (Tail == 0) Head = handle;
        else slabs.Header(Tail).Next = handle;
        Tail = handle;
        Count++;
    }

    public void Remove(uint handle)
    {
        ref EntryHeader header = ref slabs.Header(handle);
        if (header.Previous == 0) Head = header.Next;
        else slabs.Header(header.Previous).Next = header.Next;
        if (header.Next == 0) Tail = header.Previous;
        else slabs.Header(header.Next).Previous = header.Previous;
        header.Queue = QueueId.None;
        header.Next = 0;
        header.Previous = 0;
        Count--;
    }

    /// <summary>Forgets all entries: their records are gone.</summary>
    public void Clear()
    {
        Head = 0;
        Tail = 0;
        Count = 0;
    }

    /// <summary>Takes all flows and expectations out; control messages stay.</summary>
    public void RemoveEntries()
    {
        for (uint handle = Head; handle != 0;)
        {
            uint next = slabs.Header(handle).Next;
            if (EntrySlabs.IsEntry(handle)) Remove(handle);
            handle = next;
        }
    }
}
