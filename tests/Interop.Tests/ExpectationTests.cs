using TwinTrack.Conntrack;
using TwinTrack.Conntrack.Kernel;
using TwinTrack.Lab;
using TwinTrack.Netlink;
using Xunit;

namespace TwinTrack.Interop.Tests;

/// <summary>Expectations of every kind and every helper go from kernel to kernel.</summary>
[Trait("needs", "root")]
public sealed class ExpectationTests
{
    [Theory]
    [InlineData(Make.Ours, Make.Ours)]
    [InlineData(Make.Ours, Make.Original)]
    [InlineData(Make.Original, Make.Ours)]
    [InlineData(Make.Original, Make.Original)]
    public void Expectations_go_from_kernel_to_kernel(Make sender, Make receiver)
    {
        using Pair pair = Pair.Start(sender, receiver, On);
        List<ExpectationKind> kinds =
            [.. ExpectationKinds.OfHelpers(), .. ExpectationKinds.OfContent(withZones: sender == Make.Ours)];
        Put(pair.First, kinds);
        WaitUntilEqual(pair);
        pair.WaitUntilEqual();
        Assert.Equal(0, pair.Second.Count("network", "Malformed messages"));

        Commit(pair.Second);
        List<ExpectationValues> sent = Table(pair.First);
        Assert.Equal(kinds.Count, sent.Count);

        // It does not see the zone, and without that there is no such master.
        if (receiver == Make.Original && sender == Make.Ours)
            Assert.Equal(1, sent.RemoveAll(values => values.Key.EndsWith(" dport=51005", StringComparison.Ordinal)));
        List<string> differences =
            ExpectationValues.Compare(sent, Table(pair.Second), ExpectationValues.Losses(sender, receiver));
        if (differences.Count > 0) Assert.Fail(string.Join('\n', differences));
    }

    [Fact]
    public void Expectations_that_live_for_three_seconds_make_the_journey_in_time()
    {
        using Pair pair = Pair.Start(Make.Ours, Make.Ours, On);
        ExpectationKind kind = ExpectationKinds.ShortLived;
        pair.First.Create(kind.Master);
        pair.WaitUntilEqual();
        Eventually.Holds(() =>
        {
            WithExpectations(pair.First, client => client.Create(kind.Expectation));
            Commit(pair.Second);
            return Table(pair.Second).Count == 1 ? null : "it is not in the peer's kernel";
        });
    }

    [Theory]
    [MemberData(nameof(Programs.Pairings), MemberType = typeof(Programs))]
    public void What_ends_and_what_comes_later_is_told_too(Make sender, Make receiver)
    {
        using Pair pair = Pair.Start(sender, receiver, On);
        List<ExpectationKind> kinds = [.. ExpectationKinds.OfHelpers()];
        Put(pair.First, kinds[..4]);
        WaitUntilEqual(pair);
        WithExpectations(pair.First, client => client.Delete(kinds[1].Expectation).ThrowIfFailed("delete"));
        pair.First.WithKernel(client => client.Delete(kinds[2].Master).ThrowIfFailed("delete the master"));
        Put(pair.First, kinds[4..]);
        Eventually.Holds(() => Lines(pair.First, "-i").Count == kinds.Count - 2 ? null : "not all is known yet");
        WaitUntilEqual(pair);
    }

    [Theory]
    [MemberData(nameof(Programs.Pairings), MemberType = typeof(Programs))]
    public void A_node_that_starts_later_gets_the_expectations_with_a_bulk(Make sender, Make receiver)
    {
        using Pair pair = Pair.Build(sender, receiver);
        foreach (Node node in (Node[])[pair.First, pair.Second]) node.Config = On(node.Config);
        List<ExpectationKind> kinds = [.. ExpectationKinds.OfHelpers()];
        // What was there before the first listener makes no events, and is found by the dump at the start.
        Put(pair.First, kinds);
        pair.First.Start();
        Assert.Equal(kinds.Count, Lines(pair.First, "-i").Count);
        pair.Second.Start();
        pair.Second.Do("-n");
        WaitUntilEqual(pair);
    }

    [Fact]
    public void A_list_of_helpers_selects()
    {
        using Pair pair = Pair.Start(Make.Ours, Make.Ours, config => config with
        {
            SyncLines = "Options {\n ExpectationSync {\n FTP\n ras\n h.245\n tf\n }\n}",
        });
        Put(pair.First, [.. ExpectationKinds.OfHelpers()]);
        WaitUntilEqual(pair);
        Assert.Equal(
            ["H.245", "RAS", "ftp", "tftp"],
            Lines(pair.Second, "-e").Select(HelperOf).Order(StringComparer.Ordinal), StringComparer.Ordinal);
    }

    [Fact]
    public void Flushes_are_not_told_and_a_resync_reads_the_table_again()
    {
        using Pair pair = Pair.Start(Make.Ours, Make.Ours, On);
        List<ExpectationKind> kinds = [.. ExpectationKinds.OfHelpers()];
        Put(pair.First, kinds);
        WaitUntilEqual(pair);
        pair.First.Do("-f");
        Assert.Empty(Lines(pair.First, "-i"));
        pair.First.Do("-R");
        Assert.Equal(kinds.Count, Lines(pair.First, "-i").Count);
        pair.First.Do("-F", "expect");
        Assert.Empty(Table(pair.First));
        Eventually.Holds(() => Lines(pair.First, "-i").Count == 0 ? null : "the flush is not noticed");
        Assert.Equal(kinds.Count, Lines(pair.Second, "-e").Count);

        // With the flows go their expectations.
        Commit(pair.Second);
        Assert.Equal(kinds.Count, Table(pair.Second).Count);
        Eventually.Holds(() => Lines(pair.Second, "-i").Count == kinds.Count ? null : "not all is known yet");
        pair.Second.Do("-F");
        Assert.Empty(Table(pair.Second));
        Eventually.Holds(() => Lines(pair.Second, "-i").Count == 0 ? null : "the flush is not noticed");
        Assert.Empty(Lines(pair.First, "-e"));
        Assert.Contains("flushing kernel expect table", pair.Second.Log, StringComparison.Ordinal);
    }

    /// <summary>
    /// What this kernel says of the helpers that run in user space elsewhere: a flow with such a helper it refuses, of
    /// an expectation it passes over the name.
    /// </summary>
    [Fact]
    public void A_flow_with_a_helper_that_the_kernel_does_not_know_is_refused_with_EOPNOTSUPP()
    {
        using Pair pair = Pair.Build(Make.Ours, Make.Ours);
        ExpectationKind ftp = ExpectationKinds.OfHelpers().First();
        Put(pair.First, [ftp]);
        ushort port = ftp.Expectation.Tuple.DestinationPort;
        foreach (string helper in ExpectationKinds.UserSpaceHelpers)
        {
            var flow = new Flow(FlowTuple.Of(IpProtocol.Tcp, "10.81.1.3", 40_000, "10.81.2.2", 21))
            {
                Timeout = 600,
                Status = FlowStatus.Confirmed,
                TcpState = TcpState.SynSent,
                Helper = helper,
            };
            pair.First.WithKernel(client => Assert.Equal(Errno.NotSupported, client.Create(in flow.Packed).Code));

            var expectation = new Expectation(ftp.Expectation) { Helper = helper };
            FlowTuple expected = expectation.Tuple!.Value;
            expected.DestinationPort = ++port;
            expectation.Tuple = expected;
            WithExpectations(pair.First, client =>
                Assert.Equal(NetlinkError.Success, client.Create(in expectation.Packed)));
        }
    }

    private static SyncConfig On(SyncConfig config) =>
        config with { SyncLines = "Options {\n ExpectationSync On\n}" };

    private static void Put(Node node, List<ExpectationKind> kinds)
    {
        node.Create([.. kinds.Select(kind => kind.Master)]);
        WithExpectations(node, client =>
        {
            foreach (ExpectationKind kind in kinds)
                client.Create(kind.Expectation).ThrowIfFailed($"create the expectation {kind.Name}");
        });
    }

    private static void WithExpectations(Node node, Action<ExpectationClient> code) =>
        node.Firewall.Namespace.Run(() =>
        {
            using var client = new ExpectationClient();
            code(client);
        });

    private static List<ExpectationValues> Table(Node node)
    {
        List<ExpectationValues> table = [];
        WithExpectations(node, client => client
            .Dump((in PackedExpectation expectation) => table.Add(new ExpectationValues(in expectation)))
            .ThrowIfFailed("dump the expectations"));
        return table;
    }

    // The original commits expectations with a plain -c only if its table is large enough; said twice is safe.
    private static void Commit(Node node)
    {
        node.Do("-c");
        if (node.Make == Make.Original) node.Do("-c", "expect");
    }

    private static List<string> Lines(Node node, string option) =>
        [.. node.Do(option, "expect").Split('\n', StringSplitOptions.RemoveEmptyEntries).Select(WithoutAge)];

    private static void WaitUntilEqual(Pair pair) => Eventually.Holds(() =>
    {
        List<string> sent =
            [.. Lines(pair.First, "-i").Select(line => Carried(line, pair)).Order(StringComparer.Ordinal)];
        List<string> received = [.. Lines(pair.Second, "-e").Order(StringComparer.Ordinal)];
        return sent.Count > 0 && sent.SequenceEqual(received, StringComparer.Ordinal)
            ? null
            : $"sent:\n{string.Join('\n', sent)}\nreceived:\n{string.Join('\n', received)}";
    });

    // The zone of an expectation is behind the attributes, where the original does not look.
    private static string Carried(string line, Pair pair) =>
        pair.Second.Make == Make.Original ? line.Replace("zone=7 ", "", StringComparison.Ordinal) : line;

    private static string WithoutAge(string line) => line[..line.IndexOf(" [active", StringComparison.Ordinal)];

    private static string HelperOf(string line) => line[(line.IndexOf("helper=", StringComparison.Ordinal) + 7)..];
}
