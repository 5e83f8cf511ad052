using TwinTrack.Replication.Wire;
using Xunit;

namespace TwinTrack.Replication.Tests;

public sealed class PeerMessageReaderTests
{
    private const string Alive = "1a10000800000001";
    private const string Ack = "1a080010000000020000000100000001";

    /// <summary>Datagrams, the lengths of their messages, and what is counted at the end.</summary>
    public static TheoryData<string, string> Datagrams => new()
    {
        { "", "" },
        { Alive, "8" },
        { Alive + Ack + Alive, "8 16 8" },
        { Alive + "1a1000", "8 truncated" },
        { "1a10000000000001" + Alive, "bad size" },                      // a length of zero
        { "1a10000700000001" + Alive, "bad size" },                      // shorter than a header
        { "1a10000900000001", "bad size" },                              // longer than the datagram
        { "1a10000900000001ff", "9" },                                   // any length that fits
        { "1a10001000000001" + "0000000000000000", "16" },
        { "1a08000800000001", "truncated" },                             // a range is 16 bytes or nothing
        { "1a08000800000001" + Alive, "bad size" },
        { "1a08000f00000001" + Alive, "bad size" },
        { "1a02001400000001" + "0000000000000000" + "00000000", "20" },
        { "1008000800000001", "8" },                                     // the flag means nothing on a flow
        { "f008000800000001", "8" },                                     // versions are the caller's matter
    };

    [Theory]
    [MemberData(nameof(Datagrams))]
    public void A_datagram_is_cut_into_messages_as_the_original_cuts_it(string hex, string expected)
    {
        SyncStats stats = default;
        var reader = new PeerMessageReader(Convert.FromHexString(hex));
        var read = new List<string>();
        while (reader.MoveNext(ref stats))
        {
            Assert.Equal(reader.Header, PeerHeader.Read(reader.Message));
            read.Add($"{reader.Message.Length}");
        }

        if (stats.Truncated > 0) read.Add("truncated");
        if (stats.BadSize > 0) read.Add("bad size");
        Assert.Equal(expected, string.Join(' ', read));
        Assert.InRange(stats.Malformed, 0ul, 1ul);
        Assert.False(reader.MoveNext(ref stats));
        Assert.InRange(stats.Malformed, 0ul, 1ul);
    }
}
