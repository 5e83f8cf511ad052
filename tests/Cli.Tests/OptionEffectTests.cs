using TwinTrack.Cli.CommandLine;
using TwinTrack.Cli.Flows;
using Xunit;

namespace TwinTrack.Cli.Tests;

/// <summary>Every option does something: a recorded run goes otherwise without it.</summary>
[Trait("needs", "root")]
public sealed class OptionEffectTests(CaseLab lab) : IClassFixture<CaseLab>
{
    private const int Tries = 3;

    // Those of ours, and those the recorded runs have only where they are refused: other tests name them.
    private static readonly string[] _elsewhere =
    [
        "id", "zero", "yes", "sockets", // here and in StreamTests
        "reply-key-src", "reply-key-dst", "mask-key-src", "mask-key-dst", "tuple-key-src", "tuple-key-dst",
    ];

    [Fact]
    public void A_recorded_run_goes_otherwise_without_each_option()
    {
        IEnumerable<OptionRow> rows =
            OptionTable.Options.Concat(ProtocolTable.Known.SelectMany(protocol => protocol.Options));
        List<string> idle = [];
        foreach (OptionRow row in rows.DistinctBy(row => row.Name, StringComparer.Ordinal))
        {
            if (!_elsewhere.Contains(row.Name) && !HasEffect(row)) idle.Add(row.Name);
        }

        Assert.Empty(idle);
    }

    [Fact]
    public void An_id_deletes_one_flow_only()
    {
        lab.Load(5);
        var result = lab.Shell(
            "id=$(conntrack -L -o id 2>/dev/null | sed -n '2s/.*id=//p'); $CONNTRACK -D --id $id | grep -c .; "
            + "$CONNTRACK -C");
        Assert.Equal("1\n4\n", result.Output);
    }

    [Fact]
    public void Counters_are_zero_after_a_listing_that_sets_them_to_zero()
    {
        lab.Load(0);
        var result = lab.Shell(
            "sysctl -qw net.netfilter.nf_conntrack_acct=1; iptables -A OUTPUT -m conntrack --ctstate NEW; "
            + "echo x >/dev/udp/127.0.0.1/9; $CONNTRACK -L -z -f ipv4 2>/dev/null | grep -o 'packets=[0-9]*' | head -n 1; "
            + "conntrack -L 2>/dev/null | grep -o 'packets=[0-9]*' | head -n 1; "
            + "iptables -F; sysctl -qw net.netfilter.nf_conntrack_acct=0");
        Assert.Equal("packets=1\npackets=0\n", result.Output);
    }

    private bool HasEffect(OptionRow row)
    {
        IEnumerable<RecordedCase> cases =
            from recorded in RecordedCases.All
            where recorded.Prog == "conntrack" && recorded.Expected.Exit == 0
            where !recorded.Id.StartsWith("help-", StringComparison.Ordinal) && IndexOf(recorded, row) >= 0
            orderby (recorded.Topology is null ? 0 : 1) + (recorded.Trigger is null ? 0 : 1)
            select recorded;
        foreach (RecordedCase recorded in cases.Take(Tries))
        {
            RecordedCase without = recorded with { Args = Without(recorded, row) };
            if (CaseComparison.Compare(recorded, lab.Run(without)).Length > 0) return true;
        }

        return false;
    }

    private static int IndexOf(RecordedCase recorded, OptionRow row) => recorded.Args.FindIndex(word =>
        word == $"-{row.Letter}" || row.Names.Any(name =>
            word == $"--{name}" || word.StartsWith($"--{name}=", StringComparison.Ordinal)));

    private static List<string> Without(RecordedCase recorded, OptionRow row)
    {
        List<string> words = [.. recorded.Args];
        int index = IndexOf(recorded, row);
        bool hasNext = !words[index].Contains('=', StringComparison.Ordinal) && index + 1 < words.Count;
        bool takesNext = row.Place == ValuePlace.Required
            || (row.Place == ValuePlace.Optional && hasNext && words[index + 1][0] != '-');
        words.RemoveRange(index, hasNext && takesNext ? 2 : 1);
        return words;
    }
}
