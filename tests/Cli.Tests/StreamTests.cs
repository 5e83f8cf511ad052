using TwinTrack.Lab;
using Xunit;

namespace TwinTrack.Cli.Tests;

/// <summary>What conntrack does when a reader is slow, leaves, or cannot take more.</summary>
[Trait("needs", "root")]
public sealed class StreamTests(CaseLab lab) : IClassFixture<CaseLab>
{
    private const int FlowCount = 6000;

    [Fact]
    public void A_reader_that_leaves_ends_the_listing_as_it_ends_programs_in_c()
    {
        lab.Load(FlowCount);
        CommandResult result = lab.Shell("set -o pipefail; $CONNTRACK -L | head -n 1");
        Assert.Equal(141, result.ExitCode); // 128 and SIGPIPE
        Assert.Empty(result.Errors);
    }

    [Fact]
    public void A_listing_that_cannot_be_written_is_an_error()
    {
        lab.Load(FlowCount);
        CommandResult result = lab.Shell("$CONNTRACK -L >/dev/full");
        Assert.Equal(ExitCode.Failure, result.ExitCode);
        Assert.Contains("No space left on device", result.Errors, StringComparison.Ordinal);
    }

    [Fact]
    public void A_listing_of_many_flows_is_that_of_the_original()
    {
        lab.Load(FlowCount);
        CommandResult ours = lab.Shell("$CONNTRACK -L 2>/dev/null | sed 's/ [0-9]* src/ src/' | sort | md5sum");
        CommandResult theirs = lab.Shell("conntrack -L 2>/dev/null | sed 's/ [0-9]* src/ src/' | sort | md5sum");
        Assert.Equal(theirs.Output, ours.Output);
    }

    [Fact]
    public void A_listing_over_two_sockets_has_every_flow_once()
    {
        lab.Load(FlowCount);
        CommandResult result = lab.Shell(
            "$CONNTRACK -U -s 10.83.0.0/8 -p udp --dport 53 -u SEEN_REPLY,ASSURED -s 10.83.102.0/24 >/dev/null 2>&1; "
            + "for n in 1 2; do $CONNTRACK -L --sockets $n 2>/dev/null | sed 's/ [0-9]* src/ src/' | sort >$WORK/$n; "
            + "done; cmp $WORK/1 $WORK/2 && grep -c ASSURED $WORK/2; grep -c . $WORK/2");
        Assert.Equal($"250\n{FlowCount}\n", result.Output);
    }

    // Each socket brings one half: what is assured stands together, which it does not as the table has it.
    [Theory]
    [InlineData(1, false)]
    [InlineData(2, true)]
    public void Over_two_sockets_come_assured_flows_and_the_others(int sockets, bool areApart)
    {
        lab.Load(400);
        CommandResult result = lab.Shell(
            "$CONNTRACK -U -s 10.83.100.0/24 -p udp --dport 53 -u SEEN_REPLY,ASSURED >/dev/null 2>&1; "
            + $"$CONNTRACK -L --sockets {sockets} 2>/dev/null | sed 's/.*ASSURED.*/assured/; t; s/.*/not/' | uniq -c");
        string[] runs = result.Output.Split('\n', StringSplitOptions.RemoveEmptyEntries);
        Assert.Equal(areApart, runs.Length == 2);
    }

    [Fact]
    public void Lost_events_are_told_and_the_listener_goes_on()
    {
        lab.Load(0);
        CommandResult result = lab.Shell(
            "$CONNTRACK -E -b 60000 >/dev/null 2>$WORK/errors & listener=$!; until_it_listens $listener; "
            + "kill -STOP $listener; conntrack -R $WORK/flows; kill -CONT $listener; until_it_rests $listener; "
            + "kill -TERM $listener; wait $listener; status=$?; cat $WORK/errors; exit $status",
            FlowCount);
        Assert.Equal(0, result.ExitCode);
        Assert.Contains("NOTICE: Netlink socket buffer size has been set to", result.Output, StringComparison.Ordinal);
        Assert.Contains("WARNING: We have hit ENOBUFS! We are losing events.", result.Output, StringComparison.Ordinal);
        Assert.Contains("flow events have been shown.", result.Output, StringComparison.Ordinal);
    }
}
