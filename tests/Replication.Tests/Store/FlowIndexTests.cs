using TwinTrack.Replication.Store;
using Xunit;

namespace TwinTrack.Replication.Tests;

public sealed class FlowIndexTests
{
    private const uint FirstCapacity = 1024;

    /// <summary>How the hashes of a run are drawn.</summary>
    public enum Hashes
    {
        /// <summary>All over.</summary>
        Spread,

        /// <summary>Few values: long runs under equal hashes.</summary>
        Equal,

        /// <summary>Homes in the last slots of every table: runs wrap round.</summary>
        AtTheEnd,

        /// <summary>Homes in the first slots of every table: a run lies where growth begins.</summary>
        AtTheStart,
    }

    [Theory]
    [InlineData(Hashes.Spread, 1)]
    [InlineData(Hashes.Spread, 2)]
    [InlineData(Hashes.Equal, 3)]
    [InlineData(Hashes.AtTheEnd, 4)]
    [InlineData(Hashes.AtTheEnd, 5)]
    [InlineData(Hashes.AtTheStart, 6)]
    public void Random_additions_and_removals_leave_what_a_dictionary_holds(Hashes hashes, int seed)
    {
        var random = new Random(seed);
        var model = new Dictionary<uint, HashSet<uint>>();
        var present = new List<(uint Hash, uint Handle)>();
        using var index = new FlowIndex();
        uint next = 1;
        for (int step = 0; step < 6000; step++)
        {
            // Waves, so that the table is full, empty, and growing while entries go.
            bool isAdding = random.Next(100) < (step / 1500 % 2 == 0 ? 80 : 35);
            if (isAdding || present.Count == 0)
            {
                uint hash = Draw(hashes, random);
                index.Add(hash, next);
                Of(model, hash).Add(next);
                present.Add((hash, next++));
            }
            else
            {
                int which = random.Next(present.Count);
                (uint hash, uint handle) = present[which];
                present[which] = present[^1];
                present.RemoveAt(present.Count - 1);
                index.Remove(hash, handle);
                model[hash].Remove(handle);
            }

            if (present.Count > 0) AssertSame(index, model, present[random.Next(present.Count)].Hash);
            AssertSame(index, model, Draw(hashes, random));
        }

        foreach (uint hash in model.Keys) AssertSame(index, model, hash);
    }

    [Theory]
    [InlineData(Hashes.Spread)]
    [InlineData(Hashes.AtTheEnd)]
    public void Every_entry_can_be_found_and_removed_at_every_moment_of_growth(Hashes hashes)
    {
        var random = new Random(11);
        for (int removeAt = 0; removeAt < 140; removeAt += 14)
        {
            using var index = new FlowIndex();
            var all = new List<(uint Hash, uint Handle)>();
            while (index.Unmoved == 0) Add(index, all, Draw(hashes, random));
            for (int step = 0; step < removeAt && index.Unmoved > 0; step++) Add(index, all, Draw(hashes, random));

            foreach ((uint hash, uint handle) in all) Assert.Contains(handle, Find(index, hash));
            foreach ((uint hash, uint handle) in all)
            {
                index.Remove(hash, handle);
                Assert.DoesNotContain(handle, Find(index, hash));
            }
        }
    }

    [Fact]
    public void Growth_moves_eight_slots_with_an_addition_and_none_with_anything_else()
    {
        using var index = new FlowIndex();
        var random = new Random(5);
        var all = new List<(uint Hash, uint Handle)>();
        uint largest = 0;
        for (int step = 0; step < 60_000; step++)
        {
            uint before = index.Unmoved;
            Add(index, all, (uint)random.NextInt64(1L << 32));
            if (before > 0) Assert.Equal(before - Math.Min(before, 8), index.Unmoved);
            largest = Math.Max(largest, index.Unmoved);

            before = index.Unmoved;
            Find(index, all[random.Next(all.Count)].Hash);
            index.Remove(all[^1].Hash, all[^1].Handle);
            index.Add(all[^1].Hash, all[^1].Handle);
            Assert.True(before - index.Unmoved <= 8);
        }

        Assert.True(largest >= 32 * FirstCapacity);
    }

    [Fact]
    public void Growth_has_ended_before_the_next_must_begin()
    {
        using var index = new FlowIndex();
        var all = new List<(uint Hash, uint Handle)>();
        uint growths = 0;
        for (uint step = 0; step < 200_000; step++)
        {
            uint before = index.Unmoved;
            Add(index, all, step * 0x9E37_79B1);
            if (index.Unmoved > before)
            {
                Assert.Equal(0u, before);
                growths++;
            }
        }

        Assert.Equal(9u, growths);       // 1024 slots to 524,288: doubled whenever three quarters are in use
    }

    [Fact]
    public void Removing_what_is_not_there_changes_nothing()
    {
        using var index = new FlowIndex();
        index.Add(5, 1);
        index.Remove(5, 2);
        index.Remove(6, 1);
        Assert.Equal([1u], Find(index, 5));
    }

    [Fact]
    public void A_cleared_index_is_empty_also_in_the_middle_of_growth()
    {
        using var index = new FlowIndex();
        var all = new List<(uint Hash, uint Handle)>();
        while (index.Unmoved == 0) Add(index, all, (uint)all.Count * 77);
        index.Clear();
        Assert.Equal(0u, index.Unmoved);
        foreach ((uint hash, _) in all) Assert.Empty(Find(index, hash));
        index.Add(1, 2);
        Assert.Equal([2u], Find(index, 1));
    }

    private static void Add(FlowIndex index, List<(uint Hash, uint Handle)> all, uint hash)
    {
        uint handle = (uint)all.Count + 1;
        index.Add(hash, handle);
        all.Add((hash, handle));
    }

    private static uint Draw(Hashes hashes, Random random) => hashes switch
    {
        Hashes.Equal => (uint)random.Next(8) * 0x1000_0001,
        Hashes.AtTheEnd => uint.MaxValue - (uint)random.Next(40),
        Hashes.AtTheStart => ((uint)random.Next(4) << 20) | (uint)random.Next(12),
        _ => (uint)random.NextInt64(1L << 32),
    };

    private static HashSet<uint> Of(Dictionary<uint, HashSet<uint>> model, uint hash)
    {
        if (!model.TryGetValue(hash, out HashSet<uint>? handles)) model.Add(hash, handles = []);
        return handles;
    }

    private static void AssertSame(FlowIndex index, Dictionary<uint, HashSet<uint>> model, uint hash)
    {
        List<uint> found = Find(index, hash);
        int expected = model.TryGetValue(hash, out HashSet<uint>? handles) ? handles.Count : 0;
        Assert.Equal(expected, found.Count);
        foreach (uint handle in found) Assert.Contains(handle, handles!);
    }

    private static List<uint> Find(FlowIndex index, uint hash)
    {
        var found = new List<uint>();
        FlowIndex.Matches matches = index.Find(hash);
        while (matches.MoveNext()) found.Add(matches.Current);
        return found;
    }
}
