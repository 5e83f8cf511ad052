using System.Runtime.InteropServices;

namespace TwinTrack.Replication.Store;

/// <summary>Records of one size in native memory, addressed by slot number; slots never move.</summary>
/// <remarks>
/// Growth adds a chunk and copies nothing. Free slots form a list threaded through their first four bytes.
/// </remarks>
internal sealed unsafe class Slab(int recordSize) : IDisposable
{
    private const int ChunkShift = 12;
    private const int ChunkRecords = 1 << ChunkShift;

    private byte*[] _chunks = new byte*[16];
    private int _chunkCount;
    private uint _freeHead;      // slot + 1; 0 when the list is empty

    /// <summary>Slots ever used: every slot below it holds a record or is on the free list.</summary>
    public uint HighWater { get; private set; }

    /// <summary>Records in use.</summary>
    public uint Count { get; private set; }

    public byte* this[uint slot] => _chunks[slot >> ChunkShift] + ((slot & (ChunkRecords - 1)) * (uint)recordSize);

    /// <summary>Takes a zeroed record.</summary>
    public uint Allocate()
    {
        Count++;
        if (_freeHead == 0) return Extend();

        uint slot = _freeHead - 1;
        byte* record = this[slot];
        _freeHead = *(uint*)record;
        new Span<byte>(record, recordSize).Clear();
        return slot;
    }

    /// <summary>Gives a record back; its bytes read as zero but for the first four.</summary>
    public void Free(uint slot)
    {
        byte* record = this[slot];
        new Span<byte>(record, recordSize).Clear();
        *(uint*)record = _freeHead;
        _freeHead = slot + 1;
        Count--;
    }

    /// <summary>Drops all records and their memory at once.</summary>
    public void Clear()
    {
        for (int chunk = 0; chunk < _chunkCount; chunk++)
        {
            NativeMemory.Free(_chunks[chunk]);
            _chunks[chunk] = null;
        }

        _chunkCount = 0;
        _freeHead = 0;
        HighWater = 0;
        Count = 0;
    }

    public void Dispose() => Clear();

    private uint Extend()
    {
        uint slot = HighWater++;
        if (slot >> ChunkShift == _chunkCount) AddChunk();
        return slot;
    }

    private void AddChunk()
    {
        if (_chunkCount == _chunks.Length)
        {
            var longer = new byte*[_chunks.Length * 2];
            for (int chunk = 0; chunk < _chunkCount; chunk++) longer[chunk] = _chunks[chunk];
            _chunks = longer;
        }

        // Zeroed pages come from the kernel when they are touched, so a new chunk costs nothing at once.
        _chunks[_chunkCount++] = (byte*)NativeMemory.AllocZeroed(ChunkRecords, (nuint)recordSize);
    }
}
