using TwinTrack.Lab;
using Xunit;

namespace TwinTrack.Interop.Tests;

/// <summary>The kernel drops events because nobody reads them; the daemon finds out and repairs.</summary>
[Trait("needs", "root")]
[Collection(BusyCollection.Name)]
public sealed class OverrunTests
{
    private const int Flows = 20_000;
    private const int Ended = 1000;

    [Theory]
    [InlineData(Make.Ours, Make.Ours)]
    [InlineData(Make.Ours, Make.Original)]
    [InlineData(Make.Original, Make.Ours)]
    public void Lost_events_are_noticed_counted_and_made_up_for(Make sender, Make receiver)
    {
        using Pair pair = Pair.Start(sender, receiver, config => config with
        {
            NetlinkBufferSize = 64 * 1024,
            NetlinkBufferSizeMaxGrowth = 256 * 1024,
            GeneralLines = config.GeneralLines + "\nNetlinkOverrunResync 1",
        });
        NetNamespace home = pair.First.Firewall.Namespace;
        FlowGenerator.Create(home, Ended);
        pair.WaitUntilEqual();

        // While it stands still nothing is read, whatever the speed of the machine.
        pair.First.Signal("STOP");
        FlowGenerator.Create(home, Flows - Ended, first: Ended);
        FlowGenerator.Delete(home, Ended);
        pair.First.Signal("CONT");

        Eventually.Equals(Flows - Ended, () => pair.First.Counts().Internal, "internal cache");
        pair.WaitUntilEqual();
        Assert.InRange(pair.First.Count("runtime", "netlink overrun"), 1, Flows);
        Assert.InRange(pair.First.Count("runtime", "resync with kernel table"), 1, 30);
        Assert.InRange(pair.First.Count("runtime", "current buffer size (in bytes)"), 64 * 1024 + 1, 256 * 1024);
        Assert.Contains("socket buffer size has been doubled to", pair.First.Log, StringComparison.Ordinal);
    }
}
