using Xunit;

namespace TwinTrack.Replication.Tests;

public sealed class FtfwReplayTests
{
    public static TheoryData<string, int, bool> Nodes
    {
        get
        {
            var rows = new TheoryData<string, int, bool>();
            foreach (Recording recording in Recording.All)
            {
                foreach (bool offersDense in (bool[])[false, true])
                {
                    rows.Add(recording.Name, 1, offersDense);
                    rows.Add(recording.Name, 2, offersDense);
                }
            }

            return rows;
        }
    }

    [Theory]
    [MemberData(nameof(Nodes))]
    public void In_the_place_of_an_original_the_engine_says_what_was_recorded(
        string name, int node, bool offersDense)
    {
        Recording recording = Recording.All.Single(entry => string.Equals(entry.Name, name, StringComparison.Ordinal));
        int compared = 0;
        foreach (Life life in recording.Lives.Where(life => life.Node == node))
        {
            using var replay = new FtfwReplay(recording, life, offersDense);
            compared += replay.Run();
        }

        int recorded = recording.Datagrams().Where(datagram => datagram.Node == node)
            .Sum(datagram => datagram.Messages().Count());
        Assert.Equal(recorded, compared);
    }

    [Fact]
    public void Every_recording_is_replayed() => Assert.Equal(
        Pcap.FtfwRecordings().Where(name => !name.EndsWith("-link2", StringComparison.Ordinal))
            .Order(StringComparer.Ordinal),
        Recording.All.Select(recording => recording.Name).Order(StringComparer.Ordinal));
}
