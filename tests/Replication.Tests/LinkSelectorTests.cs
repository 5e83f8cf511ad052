using Xunit;

namespace TwinTrack.Replication.Tests;

public sealed class LinkSelectorTests
{
    private static readonly LinkId s_a = new(0);
    private static readonly LinkId s_b = new(1);
    private static readonly LinkId s_c = new(2);

    private Instant _now = new(1_000_000_000);

    [Fact]
    public void One_link_asks_for_nothing()
    {
        var selector = new LinkSelector(new LinkSelectorOptions(1, s_a, PeersSpeak: true), _now);
        selector.OnState(_now, s_a, isUsable: true);
        Assert.Equal(Instant.Never, selector.NextDeadline);
        Assert.False(selector.PollProbe(_now, out _));
    }

    [Fact]
    public void A_link_that_loses_its_carrier_is_left_at_once_and_taken_again_when_it_has_been_back_for_a_while()
    {
        LinkSelector selector = Start();
        selector.OnState(_now, s_a, isUsable: false);
        AssertChange(selector, s_b, LinkChangeReason.Unusable);

        selector.OnState(_now, s_a, isUsable: true);
        Pass(selector, 4500, speaksOn: s_b);
        Assert.Equal(s_b, selector.Current);
        Pass(selector, 1000, speaksOn: s_b);
        AssertChange(selector, s_a, LinkChangeReason.FailedBack);
    }

    [Fact]
    public void Without_any_link_that_works_it_is_said_once_and_the_first_to_come_is_taken()
    {
        LinkSelector selector = Start();
        selector.OnState(_now, s_b, isUsable: false);
        selector.OnState(_now, s_c, isUsable: false);
        Assert.False(selector.PollChange(out _));
        selector.OnState(_now, s_a, isUsable: false);
        AssertChange(selector, s_a, LinkChangeReason.None);
        Pass(selector, 60_000);
        Assert.False(selector.PollChange(out _));

        selector.OnState(_now, s_c, isUsable: true);
        AssertChange(selector, s_c, LinkChangeReason.Unusable);

        selector.OnState(_now, s_c, isUsable: false);
        AssertChange(selector, s_c, LinkChangeReason.None);
        selector.OnState(_now, s_c, isUsable: true);
        selector.OnState(_now, s_c, isUsable: false);
        AssertChange(selector, s_c, LinkChangeReason.None);
    }

    [Fact]
    public void A_silent_link_is_left_for_one_that_is_heard()
    {
        LinkSelector selector = Start();
        Pass(selector, 10_000, speaksOn: s_a, probesOn: s_c);
        Assert.Equal(s_a, selector.Current);
        Pass(selector, 2500, probesOn: s_c);
        Assert.Equal(s_a, selector.Current);
        Pass(selector, 1500, probesOn: s_c);
        AssertChange(selector, s_c, LinkChangeReason.Silent);
    }

    [Fact]
    public void A_peer_that_is_heard_nowhere_is_looked_for_on_all_links_and_said_once()
    {
        LinkSelector selector = Start();
        Pass(selector, 5000, speaksOn: s_a);
        Pass(selector, 4000);
        AssertChange(selector, s_b, LinkChangeReason.Silent);
        HashSet<LinkId> seen = [];
        for (int step = 0; step < 20; step++)
        {
            Pass(selector, 1000);
            seen.Add(selector.Current);
        }

        Assert.Equal(3, seen.Count);
        Assert.False(selector.PollChange(out _));

        selector.OnHeard(_now, s_c, isProbe: false);
        Assert.Equal(s_c, selector.Current);
        Assert.True(selector.PollChange(out LinkChange change));
        Assert.Equal(LinkChangeReason.Found, change.Reason);
    }

    [Fact]
    public void A_peer_that_speaks_elsewhere_is_followed_but_not_by_what_was_under_way_when_we_changed()
    {
        LinkSelector selector = Start();
        Pass(selector, 5000, speaksOn: s_a);
        selector.OnHeard(_now, s_b, isProbe: false);
        AssertChange(selector, s_b, LinkChangeReason.Followed);
        selector.OnHeard(_now, s_a, isProbe: false);
        Assert.Equal(s_b, selector.Current);
        Pass(selector, 2100, speaksOn: s_b);
        selector.OnHeard(_now, s_a, isProbe: false);
        AssertChange(selector, s_a, LinkChangeReason.Followed);
    }

    [Fact]
    public void An_empty_packet_is_not_followed()
    {
        LinkSelector selector = Start();
        Pass(selector, 20_000, speaksOn: s_a, probesOn: s_b);
        Assert.Equal(s_a, selector.Current);
        Assert.False(selector.PollChange(out _));
    }

    [Fact]
    public void The_way_back_is_tried_ever_less_often_while_it_fails()
    {
        LinkSelector selector = Start();
        List<long> trials = [];
        Instant start = _now;
        for (int second = 0; second < 600; second++)
        {
            // The peer hears nothing on the preferred link and goes on speaking on the other.
            Pass(selector, 1000, speaksOn: s_b);
            while (selector.PollChange(out LinkChange change))
            {
                if (change.Reason == LinkChangeReason.FailedBack)
                    trials.Add((_now.Microseconds - start.Microseconds) / 1_000_000);
            }
        }

        Assert.InRange(trials.Count, 3, 8);
        Assert.True(trials[^1] - trials[^2] >= 60);
    }

    [Fact]
    public void A_preferred_link_that_works_in_one_direction_only_is_not_taken_again()
    {
        LinkSelector selector = Start();
        Pass(selector, 2000, speaksOn: s_a, probesOn: s_b);
        selector.OnHeard(_now, s_b, isProbe: false);
        AssertChange(selector, s_b, LinkChangeReason.Followed);
        for (int five = 0; five < 60; five++)
        {
            selector.OnHeard(_now, s_a, isProbe: true);   // the pace of one who hears nothing there
            Pass(selector, 5000, speaksOn: s_b, probesOn: s_c);
        }

        Assert.Equal(s_b, selector.Current);
        Pass(selector, 7000, speaksOn: s_b, probesOn: s_a);
        AssertChange(selector, s_a, LinkChangeReason.FailedBack);
    }

    [Fact]
    public void Where_peers_do_not_speak_silence_means_nothing_unless_they_probe()
    {
        var selector = new LinkSelector(new LinkSelectorOptions(2, s_a, PeersSpeak: false), _now);
        selector.OnState(_now, s_a, isUsable: true);
        selector.OnState(_now, s_b, isUsable: true);
        Pass(selector, 60_000);
        Assert.Equal(s_a, selector.Current);

        Pass(selector, 5000, probesOn: s_a, alsoProbesOn: s_b);
        Pass(selector, 5000, probesOn: s_b);
        Assert.Equal(s_b, selector.Current);
    }

    [Theory]
    [InlineData(true, 10)]
    [InlineData(false, 2)]
    public void A_link_that_is_not_in_use_is_probed_as_often_as_it_is_heard(bool isHeard, int expected)
    {
        LinkSelector selector = Start();
        Pass(selector, 2000, speaksOn: s_a, probesOn: isHeard ? s_b : null);
        int probes = 0;
        for (int step = 0; step < 100; step++)
        {
            if (step % 10 == 0) selector.OnHeard(_now, s_a, isProbe: false);
            if (step % 10 == 0 && isHeard) selector.OnHeard(_now, s_b, isProbe: true);
            while (selector.PollProbe(_now, out LinkId link))
            {
                Assert.NotEqual(s_a, link);
                if (link == s_b) probes++;
            }

            _now = _now.PlusMilliseconds(100);
            selector.OnDeadline(_now);
        }

        Assert.InRange(probes, expected - 1, expected + 1);
    }

    private LinkSelector Start()
    {
        var selector = new LinkSelector(new LinkSelectorOptions(3, s_a, PeersSpeak: true), _now);
        selector.OnState(_now, s_a, isUsable: true);
        selector.OnState(_now, s_b, isUsable: true);
        selector.OnState(_now, s_c, isUsable: true);
        return selector;
    }

    // Half a second at a time, the peer heard at each.
    private void Pass(
        LinkSelector selector, int milliseconds, LinkId? speaksOn = null, LinkId? probesOn = null,
        LinkId? alsoProbesOn = null)
    {
        for (int passed = 0; passed < milliseconds; passed += 500)
        {
            if (speaksOn is { } spoken) selector.OnHeard(_now, spoken, isProbe: false);
            if (probesOn is { } probed) selector.OnHeard(_now, probed, isProbe: true);
            if (alsoProbesOn is { } also) selector.OnHeard(_now, also, isProbe: true);
            _now = _now.PlusMilliseconds(500);
            selector.OnDeadline(_now);
            while (selector.PollProbe(_now, out _))
            {
            }
        }
    }

    private static void AssertChange(LinkSelector selector, LinkId to, LinkChangeReason reason)
    {
        Assert.Equal(to, selector.Current);
        Assert.True(selector.PollChange(out LinkChange change));
        Assert.Equal((to, reason), (change.To, change.Reason));
        Assert.False(selector.PollChange(out _));
    }
}
