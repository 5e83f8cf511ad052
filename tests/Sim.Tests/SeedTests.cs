using System.Collections.Concurrent;
using System.Globalization;
using TwinTrack.Sim.Net;
using Xunit;

namespace TwinTrack.Sim.Tests;

/// <summary>Clusters from seeds: chaos, calm, agreement, take-over. A failure prints the command that replays it.</summary>
public sealed class SeedTests
{
    private const int Seeds = 1000;
    private const int SeedsWithBug = 200;      // a planted bug shows early
    private const int HeaderSize = 8;
    private const byte ControlType = 10;
    private const byte DeleteType = 2;
    private const byte UpdateType = 1;
    private const byte NackFlag = 0x04;
    private const byte AliveFlag = 0x10;

    [Fact]
    public void A_thousand_clusters_survive_chaos_and_agree_in_calm() => Assert.Empty(Run(tamper: null));

    [Theory]
    [InlineData(1)]
    [InlineData(17)]
    [InlineData(199)]
    public void The_same_seed_gives_the_same_world(ulong seed)
    {
        using var first = new StringWriter(CultureInfo.InvariantCulture);
        using var second = new StringWriter(CultureInfo.InvariantCulture);
        Cli.Try(seed, first);
        Cli.Try(seed, second);
        Assert.True(first.GetStringBuilder().Length > 1000);
        Assert.Equal(first.ToString(), second.ToString());
    }

    [Fact]
    public void A_node_that_skips_negative_acknowledgements_is_found_out() =>
        Assert.NotEmpty(Run(Rewriting((type, flags) => type == ControlType && (flags & NackFlag) != 0, Silence)));

    [Fact]
    public void A_node_that_loses_deletions_is_found_out() =>
        Assert.NotEmpty(Run(Rewriting((type, _) => type == DeleteType, BecomeUpdate)));

    [Fact]
    public void A_node_that_applies_a_message_twice_is_found_out() => Assert.NotEmpty(Run(Twice));

    private static List<string> Run(Tamper? tamper)
    {
        var failures = new ConcurrentBag<string>();
        int seeds = tamper is null ? Seeds : SeedsWithBug;
        Parallel.For(1, seeds + 1, seed =>
        {
            if (Cli.Try((ulong)seed, trace: null, tamper) is { } failure) failures.Add(failure);
        });
        return [.. failures.Order(StringComparer.Ordinal).Take(5)];
    }

    // The message keeps its place and number: only what it says is gone.
    private static void Silence(Span<byte> message) => message[1] = (byte)((message[1] & ~NackFlag) | AliveFlag);

    private static void BecomeUpdate(Span<byte> message) => message[0] = (byte)((message[0] & 0xf0) | UpdateType);

    private delegate void Rewrite(Span<byte> message);

    private static Tamper Rewriting(Func<int, byte, bool> isMeant, Rewrite rewrite) => (_, parcel) =>
    {
        byte[] bytes = [.. parcel.Bytes];
        for (int at = 0; at + HeaderSize <= bytes.Length;)
        {
            int length = (bytes[at + 2] << 8) | bytes[at + 3];
            if (isMeant(bytes[at] & 0x0f, bytes[at + 1])) rewrite(bytes.AsSpan(at, length));
            at += length;
        }

        return [bytes];
    };

    // The second copy goes under the numbers that follow, as if the receiver had not looked at them.
    private static IEnumerable<byte[]> Twice(int to, Parcel parcel)
    {
        byte[] copy = [.. parcel.Bytes];
        for (int at = 0; at + HeaderSize <= copy.Length;)
        {
            uint sequence = BitConverter.ToUInt32([copy[at + 7], copy[at + 6], copy[at + 5], copy[at + 4]]);
            sequence += (uint)parcel.Count;
            (copy[at + 4], copy[at + 5]) = ((byte)(sequence >> 24), (byte)(sequence >> 16));
            (copy[at + 6], copy[at + 7]) = ((byte)(sequence >> 8), (byte)sequence);
            at += (copy[at + 2] << 8) | copy[at + 3];
        }

        return [parcel.Bytes, copy];
    }
}
