using Xunit;

namespace TwinTrack.Fuzz.Tests;

/// <summary>The fuzzer finds what was hidden for it.</summary>
public sealed class DiscoveryTests
{
    private const int Most = 200_000;

    [Fact]
    public void A_bug_behind_three_doors_is_found_because_each_door_is_something_new()
    {
        var discovery = new Discovery(new Doors(), [[0, 0, 0, 0]]);
        (byte[] Input, Exception Error)? failure =
            discovery.Walk(seed: 1, Most, TimeSpan.FromMinutes(1), keepsCurrent: false);
        Assert.IsType<IndexOutOfRangeException>(failure?.Error);
        Assert.Equal("key"u8, failure!.Value.Input.AsSpan(0, 3));
        Assert.NotEmpty(discovery.Found);
    }

    [Fact]
    public void The_same_seed_makes_the_same_inputs()
    {
        List<byte[]> first = Walk();
        Assert.NotEmpty(first);
        Assert.Equal(first, Walk());

        static List<byte[]> Walk()
        {
            var discovery = new Discovery(Target.All[0], Corpus.Read(Target.All[0]).Take(20));
            discovery.Walk(seed: 5, 300, TimeSpan.FromMinutes(1), keepsCurrent: false);
            return discovery.Found;
        }
    }

    private sealed class Doors : Target
    {
        public override string Name => "doors";

        public override IEnumerable<byte[]> Seeds() => [];

        public override ulong Run(ReadOnlySpan<byte> input)
        {
            int open = input.CommonPrefixLength("key"u8);
            return open == 3 ? input[input.Length] : (ulong)open;
        }
    }
}
