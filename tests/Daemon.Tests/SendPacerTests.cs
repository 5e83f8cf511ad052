using TwinTrack.Replication;
using Xunit;

namespace TwinTrack.Daemon.Tests;

public sealed class SendPacerTests
{
    [Fact]
    public void A_burst_goes_at_once_and_the_rest_at_an_even_pace()
    {
        var pacer = new SendPacer();
        var now = new Instant(1_000_000);
        Assert.Equal(32, Send(pacer, now));
        Assert.Equal(0, Send(pacer, now));
        Assert.Equal(8, Send(pacer, now.PlusMilliseconds(1)));
        Assert.Equal(80, Send(pacer, now.PlusMilliseconds(2)) + SendEach(pacer, now.PlusMilliseconds(2), 9));
    }

    [Fact]
    public void After_a_rest_there_is_one_burst_and_not_more()
    {
        var pacer = new SendPacer();
        Send(pacer, new Instant(1_000_000));
        Assert.Equal(32, Send(pacer, new Instant(1_000_000_000)));
    }

    private static int SendEach(SendPacer pacer, Instant now, int milliseconds)
    {
        int sent = 0;
        for (int passed = 1; passed <= milliseconds; passed++) sent += Send(pacer, now.PlusMilliseconds(passed));
        return sent;
    }

    private static int Send(SendPacer pacer, Instant now)
    {
        int sent = 0;
        for (; now >= pacer.ReadyAt; sent++) pacer.OnSent(now);
        return sent;
    }
}
