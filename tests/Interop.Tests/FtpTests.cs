using System.Net;
using System.Net.Sockets;
using TwinTrack.Conntrack;
using TwinTrack.Lab;
using Xunit;

namespace TwinTrack.Interop.Tests;

/// <summary>
/// The walk of the manual: a data connection is announced, the primary is cut off, the backup takes over, and the data
/// connection is let through there.
/// </summary>
[Trait("needs", "root")]
public sealed class FtpTests
{
    [Theory]
    [MemberData(nameof(Programs.Pairings), MemberType = typeof(Programs))]
    public void A_passive_data_connection_that_was_announced_is_accepted_on_the_new_primary(Make first, Make second)
    {
        using Pair pair = Start(first, second);
        using var ftp = new FtpSession(pair.Topology);
        IPEndPoint told = ftp.Passive(out Socket waiting);
        WaitForExpectation(pair);

        TakeOver(pair);
        ftp.FetchPassive(told, waiting);
        ftp.Talk();

        // The helper goes on where it was.
        told = ftp.Passive(out waiting);
        ftp.FetchPassive(told, waiting);
    }

    [Fact]
    public void Without_the_expectation_the_data_connection_is_dropped()
    {
        using Pair pair = Start(Make.Ours, Make.Ours, expectations: "Off");
        using var ftp = new FtpSession(pair.Topology);
        IPEndPoint told = ftp.Passive(out Socket waiting);
        pair.WaitUntilEqual();
        TakeOver(pair);
        Assert.Throws<LabException>(() => ftp.FetchPassive(told, waiting));
    }

    /// <summary>
    /// The client's address in the command is replaced by another of another length: the numbers of all that follows
    /// are shifted, and the new primary has to shift them on.
    /// </summary>
    [Fact]
    public void An_active_data_connection_and_its_control_connection_survive_translation()
    {
        using Pair pair = Start(Make.Ours, Make.Ours);
        using var ftp = new FtpSession(pair.Topology);
        IPEndPoint told = ftp.Active(out Socket waiting);
        Assert.Equal(Firewall.ServerSide.VirtualAddress, told.Address);
        WaitForExpectation(pair);
        Eventually.Holds(() => pair.First.Table().Exists(flow => flow.Has(FlowFields.SequenceOriginal))
            ? null
            : "the kernel shifts nothing");
        Thread.Sleep(100); // the flow is read a little after the event

        TakeOver(pair);
        ftp.Talk();
        ftp.FetchActive(told, waiting);
        ftp.Talk();
    }

    private static Pair Start(Make first, Make second, string expectations = "On")
    {
        Pair pair = Pair.Start(
            first, second, config => config with { SyncLines = $"Options {{\n ExpectationSync {expectations}\n}}" });
        FtpSession.Restrict(pair.First.Firewall);
        FtpSession.Restrict(pair.Second.Firewall);
        return pair;
    }

    private static void WaitForExpectation(Pair pair)
    {
        Eventually.Holds(() => pair.Second.Do("-e", "expect").Contains("helper=ftp", StringComparison.Ordinal)
            ? null
            : "the expectation has not arrived");
        pair.WaitUntilEqual();
    }

    // What nobody has acknowledged would be repeated, and the helper of the new primary would read it there.
    private static void TakeOver(Pair pair)
    {
        Thread.Sleep(300);
        var takeOver = new TakeOver(pair.Topology, pair.First.Daemon, pair.Second.Daemon);
        takeOver.Run();
        Assert.Empty(takeOver.Problems);
    }
}
