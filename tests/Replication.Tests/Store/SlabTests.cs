using TwinTrack.Replication.Store;
using Xunit;

namespace TwinTrack.Replication.Tests;

public sealed unsafe class SlabTests
{
    private const int RecordSize = 40;

    [Fact]
    public void A_record_keeps_its_bytes_and_its_place_while_others_come_and_go()
    {
        using var slab = new Slab(RecordSize);
        var random = new Random(1);
        var written = new Dictionary<uint, (byte Mark, nint Place)>();
        for (int step = 0; step < 50_000; step++)
        {
            if (written.Count == 0 || random.Next(100) < 55)
            {
                uint slot = slab.Allocate();
                Span<byte> record = Record(slab, slot);
                Assert.True(record.IndexOfAnyExcept((byte)0) < 0, "a new record is zero");
                byte mark = (byte)random.Next(1, 256);
                record.Fill(mark);
                written.Add(slot, (mark, (nint)slab[slot]));
            }
            else
            {
                uint slot = written.Keys.ElementAt(random.Next(Math.Min(written.Count, 50)));
                (byte mark, nint place) = written[slot];
                Assert.Equal(place, (nint)slab[slot]);
                Assert.True(Record(slab, slot).IndexOfAnyExcept(mark) < 0);
                slab.Free(slot);
                written.Remove(slot);
            }

            Assert.Equal((uint)written.Count, slab.Count);
        }
    }

    [Fact]
    public void A_freed_slot_is_used_before_a_new_one()
    {
        using var slab = new Slab(RecordSize);
        uint first = slab.Allocate();
        slab.Allocate();
        slab.Free(first);
        Assert.Equal(2u, slab.HighWater);
        Assert.Equal(first, slab.Allocate());
        Assert.Equal(2u, slab.HighWater);
    }

    [Fact]
    public void A_freed_record_reads_as_zero_but_for_the_link()
    {
        using var slab = new Slab(RecordSize);
        uint first = slab.Allocate();
        uint second = slab.Allocate();
        Record(slab, second).Fill(0xff);
        slab.Free(first);
        slab.Free(second);
        Assert.True(Record(slab, second)[4..].IndexOfAnyExcept((byte)0) < 0);
    }

    [Fact]
    public void A_cleared_slab_starts_afresh()
    {
        using var slab = new Slab(RecordSize);
        for (int record = 0; record < 100_000; record++) Record(slab, slab.Allocate()).Fill(0xee);
        slab.Clear();
        Assert.Equal(0u, slab.Count);
        Assert.Equal(0u, slab.HighWater);
        Assert.Equal(0u, slab.Allocate());
        Assert.True(Record(slab, 0).IndexOfAnyExcept((byte)0) < 0);
    }

    private static Span<byte> Record(Slab slab, uint slot) => new(slab[slot], RecordSize);
}
