using Xunit;

namespace TwinTrack.Replication.Tests;

/// <summary>Two nodes choose links while these fail in every way, and agree when they have stopped failing.</summary>
public sealed class LinkWorldTests
{
    private const int TickMilliseconds = 100;
    private const int ChaosTicks = 1200;
    private const int CalmTicks = 4000;
    private const int SettleTicks = 250;
    private const int LongestGapTicks = 60;

    /// <summary>Whether the second node is of the other make: it only follows, and flees from lost carriers.</summary>
    [Theory]
    [InlineData(false)]
    [InlineData(true)]
    public void Whatever_failed_before_the_nodes_hear_each_other_wherever_one_link_works(bool isOriginal)
    {
        for (int seed = 1; seed <= 300; seed++) Run(seed, isOriginal);
    }

    private static void Run(int seed, bool isOriginal)
    {
        var random = new Random(seed);
        var world = new World(2 + random.Next(3), isOriginal);
        for (int tick = 0; tick < ChaosTicks; tick++)
        {
            if (random.Next(30) == 0) world.Links[random.Next(world.Links.Length)].Break(random, isOriginal);
            world.Tick();
        }

        // From now on one link works; the others stay as they are.
        int good = random.Next(world.Links.Length);
        world.Links[good].Mend();
        for (int tick = 0; tick < SettleTicks; tick++) world.Tick();
        world.Changes = 0;
        for (int tick = 0; tick < CalmTicks; tick++)
        {
            world.Tick();
            if (world.Gap(0) > LongestGapTicks || world.Gap(1) > LongestGapTicks)
                Assert.Fail($"seed {seed}: silence after {tick} ticks; {world}");
        }

        Assert.True(world.Changes <= 24, $"seed {seed}: {world.Changes} changes in calm; {world}");
        if (good == 0) Assert.True(world.Current(0) == 0 && world.Current(1) == 0, $"seed {seed}: not back; {world}");
    }

    private sealed class World
    {
        private readonly LinkSelector?[] _selectors = new LinkSelector?[2];
        private readonly int[] _heardAt = new int[2];
        private readonly int _count;
        private readonly bool[,] _told;
        private int _original;
        private int _tick;

        public World(int links, bool isOriginal)
        {
            _count = links;
            Links = [.. Enumerable.Range(0, links).Select(static _ => new Cable())];
            _told = new bool[2, links];
            for (int node = 0; node < 2; node++)
            {
                if (node == 1 && isOriginal) continue;
                _selectors[node] = new LinkSelector(
                    new LinkSelectorOptions(links, new LinkId(0), PeersSpeak: true), Now);
            }
        }

        public Cable[] Links { get; }

        public int Changes { get; set; }

        private Instant Now => new Instant(1_000_000_000).PlusMilliseconds((long)_tick * TickMilliseconds);

        public int Gap(int node) => _tick - _heardAt[node];

        public int Current(int node) => _selectors[node]?.Current.Index ?? _original;

        public void Tick()
        {
            _tick++;
            for (int node = 0; node < 2; node++)
            {
                int before = Current(node);
                Watch(node);
                _selectors[node]?.OnDeadline(Now);
                if (_tick % 10 == 5 * node && Links[before].HasCarrier[node]) Send(node, before, isProbe: false);
                while (_selectors[node]?.PollProbe(Now, out LinkId link) == true) Send(node, link.Index, isProbe: true);
                while (_selectors[node]?.PollChange(out _) == true) Changes++;
            }
        }

        public override string ToString() =>
            $"{Current(0)}/{Current(1)} of {string.Join(' ', Links.Select(static link => link.ToString()))}";

        private void Watch(int node)
        {
            for (int link = 0; link < _count; link++)
            {
                if (_told[node, link] == Links[link].HasCarrier[node]) continue;
                _told[node, link] = Links[link].HasCarrier[node];
                _selectors[node]?.OnState(Now, new LinkId(link), _told[node, link]);
            }

            if (_selectors[node] is not null || _told[node, _original]) return;
            int other = Enumerable.Range(0, _count).FirstOrDefault(link => _told[node, link], _original);
            _original = other;
        }

        private void Send(int node, int link, bool isProbe)
        {
            if (!Links[link].Passes[node] || !Links[link].HasCarrier[node] || !Links[link].HasCarrier[1 - node]) return;
            int peer = 1 - node;
            if (!isProbe) _heardAt[peer] = _tick;
            if (_selectors[peer] is { } selector) selector.OnHeard(Now, new LinkId(link), isProbe);
            else if (!isProbe) _original = link;
        }
    }

    /// <summary>A link: whether each end sees a carrier, and whether what each end sends arrives.</summary>
    private sealed class Cable
    {
        public bool[] HasCarrier { get; } = [true, true];

        public bool[] Passes { get; } = [true, true];

        // That what we send does not arrive while what it sends does, an original gives no sign of.
        public void Break(Random random, bool isOriginal)
        {
            Mend();
            switch (random.Next(6))
            {
                case 0:
                    HasCarrier[0] = HasCarrier[1] = false;
                    break;
                case 1:
                    HasCarrier[random.Next(2)] = false;
                    break;
                case 2:
                    Passes[0] = Passes[1] = false;
                    break;
                case 3:
                    Passes[isOriginal ? 1 : random.Next(2)] = false;
                    break;
            }
        }

        public void Mend() => HasCarrier[0] = HasCarrier[1] = Passes[0] = Passes[1] = true;

        public override string ToString() => string.Concat(
            HasCarrier[0] ? '+' : '-', Passes[0] ? '>' : '.', Passes[1] ? '<' : '.', HasCarrier[1] ? '+' : '-');
    }
}
