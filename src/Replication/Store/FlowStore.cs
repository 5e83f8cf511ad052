using TwinTrack.Conntrack;

namespace TwinTrack.Replication.Store;

/// <summary>
/// The flows of one cache: packed records, their index, and conversion from and to <see cref="PackedFlow"/>.
/// </summary>
internal sealed unsafe partial class FlowStore : IDisposable
{
    private const int NameLimit = 1024;

    // What a cached flow keeps. The rest is of the moment (counters, references) or of requests only.
    private const FlowFields Kept =
        FlowFields.Original | FlowFields.Reply | FlowFields.Master | FlowFields.Status | FlowFields.Timeout
        | FlowFields.Mark | FlowFields.Zone | FlowFields.Id | FlowFields.SecurityMark | FlowFields.SecurityContext
        | FlowFields.TimestampStart | FlowFields.TimestampStop | FlowFields.TcpState
        | FlowFields.TcpWindowScaleOriginal | FlowFields.TcpWindowScaleReply | FlowFields.SctpState
        | FlowFields.SctpTagOriginal | FlowFields.SctpTagReply | FlowFields.DccpState | FlowFields.DccpRole
        | FlowFields.Helper | FlowFields.Labels | FlowFields.SequenceOriginal | FlowFields.SequenceReply
        | FlowFields.SynProxy | FlowFields.SourceNat | FlowFields.DestinationNat | FlowFields.SourceNatPort
        | FlowFields.DestinationNatPort;

    private const FlowFields InExtras =
        FlowFields.Master | FlowFields.SecurityMark | FlowFields.SecurityContext | FlowFields.TimestampStart
        | FlowFields.TimestampStop | FlowFields.Labels | FlowFields.SequenceOriginal | FlowFields.SequenceReply;

    private const FlowFields ToldAsState =
        FlowFields.TcpState | FlowFields.TcpWindowScaleOriginal | FlowFields.TcpWindowScaleReply
        | FlowFields.TcpFlagsOriginal | FlowFields.TcpFlagsReply | FlowFields.SctpState | FlowFields.SctpTagOriginal
        | FlowFields.SctpTagReply | FlowFields.DccpState | FlowFields.DccpRole | FlowFields.DccpHandshake;

    private const FlowFields ToldAsRest =
        FlowFields.SecurityMark | FlowFields.SecurityContext | FlowFields.Helper | FlowFields.Labels
        | FlowFields.SequenceOriginal | FlowFields.SequenceReply | FlowFields.SynProxy;

    private const FlowFields InReply =
        FlowFields.Reply | FlowFields.SourceNat | FlowFields.DestinationNat | FlowFields.SourceNatPort
        | FlowFields.DestinationNatPort;

    private readonly EntrySlabs _slabs;
    private readonly Slab _extras = new(sizeof(FlowExtras));
    private readonly FlowIndex _index;
    private readonly NameTable _names = new(NameLimit);
    private readonly ulong _seed;

    /// <summary>Makes an empty store.</summary>
    /// <param name="slabs">Where its records are.</param>
    /// <param name="seed">Seed of the index.</param>
    /// <param name="indexSlots">Slots the index has at first; it grows by itself.</param>
    public FlowStore(EntrySlabs slabs, ulong seed, uint indexSlots = 0)
    {
        _slabs = slabs;
        _index = new FlowIndex(indexSlots);
        _seed = seed;
    }

    /// <summary>Flows that can be found.</summary>
    public int Count { get; private set; }

    /// <summary>The zones of its flows.</summary>
    public ZoneList Zones { get; } = new();

    /// <summary>Records in use, dead ones included.</summary>
    public uint Records => _slabs[EntrySlabs.FlowsIPv4].Count + _slabs[EntrySlabs.FlowsIPv6].Count;

    /// <summary>Records of rare parts in use.</summary>
    public uint Extras => _extras.Count;

    public ref FlowRecord this[uint handle] => ref _slabs.Flow(handle);

    /// <summary>The handle of the flow with this key, 0 when there is none.</summary>
    public uint Find(in FlowKey key)
    {
        foreach (uint handle in new Lookup(_index, key.Hash(_seed)))
        {
            if (Matches(handle, in key)) return handle;
        }

        return 0;
    }

    /// <summary>The living flow that a related one came from, 0 when it is not there.</summary>
    public uint FindMaster(in FlowRecord related)
    {
        if (related.Extras == 0) return 0;
        uint handle = Find(new FlowKey(in ExtrasOf(in related).Master, ZoneOf(in related), ZoneOriginalOf(in related)));
        return handle != 0 && _slabs.Header(handle).State != EntryState.Dead ? handle : 0;
    }

    /// <summary>Adds a flow that is not there yet.</summary>
    public uint Add(in FlowKey key, in PackedFlow flow, EntryState state, uint nowSeconds)
    {
        int slab = flow.Original.Family == AddressFamily.IPv4 ? EntrySlabs.FlowsIPv4 : EntrySlabs.FlowsIPv6;
        uint handle = _slabs.Allocate(slab);
        if ((key.Zone | key.ZoneOriginal) != 0) Zones.Note((ushort)(key.Zone | key.ZoneOriginal));
        _index.Add(key.Hash(_seed), handle);
        Count++;
        Fill(handle, in flow, state, nowSeconds);
        return handle;
    }

    /// <summary>Makes an existing entry new again: what it knew is forgotten, its place in a queue stays.</summary>
    public void Replace(uint handle, in PackedFlow flow, EntryState state, uint nowSeconds)
    {
        ref FlowRecord record = ref this[handle];
        FreeExtras(ref record);
        record.Fields = FlowFields.None;
        record.Helper = 0;
        Fill(handle, in flow, state, nowSeconds);
    }

    /// <summary>
    /// Whether the flow has the same original tuple and is another one all the same: its id or its reply differ.
    /// </summary>
    public bool IsAnother(uint handle, in PackedFlow flow)
    {
        ref FlowRecord record = ref this[handle];
        FlowFields both = record.Fields & flow.Fields;
        if (HasOtherId(handle, in flow)) return true;
        if ((both & FlowFields.Reply) == 0) return false;

        (ushort source, ushort destination) = FlowKey.PortWords(in flow.Reply);
        if (record.ReplySourcePort != source || record.ReplyDestinationPort != destination) return true;
        ReadOnlySpan<byte> addresses = Addresses(handle);
        int size = addresses.Length / 4;
        return Address.Read(addresses[(2 * size)..(3 * size)]) != flow.Reply.Source
            || Address.Read(addresses[(3 * size)..]) != flow.Reply.Destination;
    }

    /// <summary>Whether both ids are known and differ: then they are different flows for sure.</summary>
    public bool HasOtherId(uint handle, in PackedFlow flow) =>
        (this[handle].Fields & flow.Fields & FlowFields.Id) != 0 && this[handle].Id != flow.Id;

    /// <summary>Overwrites what is present in the flow; tuples never change.</summary>
    /// <returns>Whether anything but the timeout differs from before.</returns>
    public bool Merge(uint handle, in PackedFlow flow, uint nowSeconds)
    {
        this[handle].UpdatedAt = nowSeconds;
        return Write(handle, in flow, Keep(in flow));
    }

    /// <summary>Adds what is not known yet, and what was not told since the dump began.</summary>
    /// <remarks>
    /// An event brings status and timeout, and of the rest what has changed: the change of something else may be among
    /// the events that were lost.
    /// </remarks>
    /// <returns>Whether anything differs from before.</returns>
    public bool Supplement(uint handle, in PackedFlow flow)
    {
        ref FlowRecord record = ref this[handle];
        FlowFields untold = FlowFields.None;
        if ((record.Header.Flags & EntryFlags.ToldState) == 0) untold |= ToldAsState;
        if ((record.Header.Flags & EntryFlags.ToldMark) == 0) untold |= FlowFields.Mark;
        if ((record.Header.Flags & EntryFlags.ToldRest) == 0) untold |= ToldAsRest;
        return Write(handle, in flow, Keep(in flow) & (untold | ~record.Fields));
    }

    /// <summary>Notes what an event told of an entry.</summary>
    /// <param name="handle">The entry.</param>
    /// <param name="flow">The event.</param>
    /// <param name="isFirst">Whether it is the first since the last dump began.</param>
    public void NoteTold(uint handle, in PackedFlow flow, bool isFirst)
    {
        EntryFlags told = EntryFlags.None;
        if ((flow.Fields & ToldAsState) != 0) told |= EntryFlags.ToldState;
        if ((flow.Fields & FlowFields.Mark) != 0) told |= EntryFlags.ToldMark;
        if ((flow.Fields & ToldAsRest) != 0) told |= EntryFlags.ToldRest;
        ref EntryHeader header = ref this[handle].Header;
        if (isFirst) header.Flags &= ~EntryFlags.Told;
        header.Flags |= told;
    }

    private bool Write(uint handle, in PackedFlow flow, FlowFields fields)
    {
        ref FlowRecord record = ref this[handle];
        fields &= ~FlowFields.Original;
        if ((record.Fields & FlowFields.Reply) != 0) fields &= ~FlowFields.Reply;

        bool changed = WritePlain(ref record, in flow, fields);
        if ((fields & InReply) != 0) changed |= WriteReply(handle, in flow, fields);
        if ((fields & (InExtras | FlowFields.SynProxy | FlowFields.Reply)) != 0)
            changed |= WriteExtras(ref record, in flow, fields);
        record.Fields |= fields;
        return changed;
    }

    /// <summary>Takes the entry out of the index; the record stays for the queue that holds it.</summary>
    public void Unindex(uint handle)
    {
        ref FlowRecord record = ref this[handle];
        if ((record.Header.Flags & EntryFlags.Indexed) == 0) return;
        record.Header.Flags &= ~EntryFlags.Indexed;
        _index.Remove(KeyOf(handle).Hash(_seed), handle);
        Count--;
    }

    /// <summary>Takes the entry out of the index and gives the record back.</summary>
    public void Remove(uint handle)
    {
        Unindex(handle);
        FreeExtras(ref this[handle]);
        _slabs.Free(handle);
    }

    /// <summary>Forgets everything at once, in time that does not depend on the number of flows.</summary>
    public void Clear()
    {
        _index.Clear();
        _extras.Clear();
        _slabs[EntrySlabs.FlowsIPv4].Clear();
        _slabs[EntrySlabs.FlowsIPv6].Clear();
        Count = 0;
    }

    /// <summary>The next record in slot order that is in use, also a dead one.</summary>
    /// <param name="cursor">0 at first.</param>
    /// <returns>Its handle, 0 at the end.</returns>
    public uint Next(ref ulong cursor)
    {
        int steps = int.MaxValue;
        return Next(ref cursor, ref steps);
    }

    /// <summary>The next record in slot order that is in use, unless it is far.</summary>
    /// <param name="cursor">0 at first.</param>
    /// <param name="steps">How many slots to look at; counted down.</param>
    /// <returns>Its handle; 0 when the steps are used up, or, with some left, at the end.</returns>
    public uint Next(ref ulong cursor, ref int steps)
    {
        for (int slab = (int)(cursor >> 32); slab <= EntrySlabs.FlowsIPv6; slab++)
        {
            Slab records = _slabs[slab];
            for (uint slot = (uint)cursor; slot < records.HighWater; slot++)
            {
                if (steps == 0)
                {
                    cursor = ((ulong)slab << 32) | slot;
                    return 0;
                }

                steps--;
                if (((EntryHeader*)records[slot])->State == EntryState.Free) continue;
                cursor = ((ulong)slab << 32) | (slot + 1);
                return EntrySlabs.HandleOf(slab, slot);
            }

            cursor = (ulong)(slab + 1) << 32;
        }

        return 0;
    }

    /// <summary>Unpacks an entry.</summary>
    public void Read(uint handle, ref PackedFlow flow)
    {
        ref FlowRecord record = ref this[handle];
        flow.Clear();
        flow.Fields = record.Fields;
        ReadOriginal(handle, ref flow.Original);
        if ((record.Fields & FlowFields.Reply) != 0) ReadReply(handle, ref flow.Reply);
        else ReadTranslation(handle, ref flow);
        if ((record.ReplyParts & TupleParts.Zone) != 0) ReadReplyZone(in record, ref flow.Reply);

        flow.Status = record.Status;
        flow.Timeout = record.Timeout;
        flow.Mark = record.Mark;
        flow.Id = record.Id;
        flow.Zone = record.Zone;
        flow.TcpState = flow.SctpState = flow.DccpState = record.State;
        flow.TcpWindowScaleOriginal = flow.DccpRole = record.ScaleOriginal;
        flow.TcpWindowScaleReply = record.ScaleReply;
        flow.SctpTagOriginal = record.SctpTagOriginal;
        flow.SctpTagReply = record.SctpTagReply;
        if (record.Helper != 0) CopyName(_names[record.Helper], flow.Helper);
        if (record.Extras != 0) ReadExtras(in ExtrasOf(in record), ref flow);
        else if ((record.Fields & FlowFields.SynProxy) != 0) flow.SynProxy = default;
    }

    public void Dispose()
    {
        _index.Dispose();
        _extras.Dispose();
    }

    private readonly ref struct Lookup(FlowIndex index, uint hash)
    {
        public FlowIndex.Matches GetEnumerator() => index.Find(hash);
    }

    private Span<byte> Addresses(uint handle)
    {
        byte* record = _slabs.Record(handle);
        int size = ((FlowRecord*)record)->Family == AddressFamily.IPv4 ? 16 : 64;
        return new Span<byte>(record + FlowRecord.FixedSize, size);
    }

    private bool Matches(uint handle, in FlowKey key)
    {
        ref FlowRecord record = ref this[handle];
        if (record.OriginalSourcePort != key.SourcePort || record.OriginalDestinationPort != key.DestinationPort
            || record.Protocol != key.Protocol || record.Family != key.Family
            || ZoneOf(in record) != key.Zone || ZoneOriginalOf(in record) != key.ZoneOriginal)
        {
            return false;
        }

        ReadOnlySpan<byte> addresses = Addresses(handle);
        int size = addresses.Length / 4;
        return Address.Read(addresses[..size]) == key.Source
            && Address.Read(addresses[size..(2 * size)]) == key.Destination;
    }

    private FlowKey KeyOf(uint handle)
    {
        ref FlowRecord record = ref this[handle];
        return new FlowKey(in record, Addresses(handle), ZoneOf(in record), ZoneOriginalOf(in record));
    }

    private static ushort ZoneOf(in FlowRecord record) =>
        (record.Fields & FlowFields.Zone) != 0 ? record.Zone : (ushort)0;

    private ushort ZoneOriginalOf(in FlowRecord record) =>
        (record.OriginalParts & TupleParts.Zone) != 0 && record.Extras != 0
            ? ExtrasOf(in record).ZoneOriginal
            : (ushort)0;

    private ref FlowExtras ExtrasOf(in FlowRecord record) => ref *(FlowExtras*)_extras[record.Extras - 1];

    private void FreeExtras(ref FlowRecord record)
    {
        if (record.Extras == 0) return;
        _extras.Free(record.Extras - 1);
        record.Extras = 0;
    }

    private void Fill(uint handle, in PackedFlow flow, EntryState state, uint nowSeconds)
    {
        ref FlowRecord record = ref this[handle];
        record.Header.State = state;
        record.Header.Flags |= EntryFlags.Indexed;
        record.CreatedAt = nowSeconds;
        record.UpdatedAt = nowSeconds;
        record.Protocol = flow.Original.Protocol;
        record.Family = flow.Original.Family;
        record.OriginalParts = flow.Original.Parts;
        record.ReplyParts = flow.Reply.Parts & TupleParts.Zone;
        (record.OriginalSourcePort, record.OriginalDestinationPort) = FlowKey.PortWords(in flow.Original);

        Span<byte> addresses = Addresses(handle);
        int size = addresses.Length / 4;
        flow.Original.Source.Write(addresses, record.Family);
        flow.Original.Destination.Write(addresses[size..], record.Family);

        FlowFields fields = Keep(in flow);
        WritePlain(ref record, in flow, fields);
        WriteReply(handle, in flow, fields);
        WriteExtras(ref record, in flow, fields);
        record.Fields = fields;
    }

    // A helper whose name finds no room in the table stays unknown.
    private FlowFields Keep(in PackedFlow flow)
    {
        FlowFields fields = flow.Fields & Kept;
        bool isUnnamed = (fields & FlowFields.Helper) != 0 && _names.Intern(NameOf(flow.Helper)) == 0;
        return isUnnamed ? fields & ~FlowFields.Helper : fields;
    }
}
