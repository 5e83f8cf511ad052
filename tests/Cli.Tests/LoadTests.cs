using TwinTrack.Lab;
using Xunit;

namespace TwinTrack.Cli.Tests;

/// <summary>Load files: what an error stops, and what it leaves.</summary>
[Trait("needs", "root")]
public sealed class LoadTests(CaseLab lab) : IClassFixture<CaseLab>
{
    private const string Flow = "-s 10.1.0.1 -d 10.1.0.2 -p udp --dport 53 -t 600";

    [Fact]
    public void A_line_that_makes_no_sense_is_named_and_nothing_is_done()
    {
        CommandResult result = Load($"-I {Flow} --sport 1\n\n-I {Flow} --sport x\n", "");
        Assert.Equal(ExitCode.Usage, result.ExitCode);
        Assert.Contains("line 3: Invalid port `x'", result.Errors, StringComparison.Ordinal);
        Assert.Equal("0\n", result.Output);
    }

    [Fact]
    public void A_line_the_kernel_refuses_is_named_and_nothing_behind_it_is_done()
    {
        CommandResult result = Load(
            $"-I {Flow} --sport 1\n-I {Flow} --sport 1\n-I {Flow} --sport 2\n-A {Flow} --sport 3\n", "");
        Assert.Equal(ExitCode.Failure, result.ExitCode);
        Assert.Contains("line 2: Operation failed: Such conntrack exists", result.Errors, StringComparison.Ordinal);
        Assert.Equal("1\n", result.Output);
    }

    [Fact]
    public void With_keep_going_the_other_lines_are_carried_out()
    {
        CommandResult result = Load(
            $"-I {Flow} --sport 1\n-I {Flow} --sport x\n-I {Flow} --sport 1\n-I {Flow} --sport 2\n", "--keep-going");
        Assert.Equal(ExitCode.Failure, result.ExitCode);
        Assert.Contains("line 2: ", result.Errors, StringComparison.Ordinal);
        Assert.Contains("line 3: ", result.Errors, StringComparison.Ordinal);
        Assert.Equal("2\n", result.Output);
    }

    [Fact]
    public void With_all_or_nothing_nothing_stays_of_a_file_with_a_bad_line()
    {
        string lines = string.Concat(Enumerable.Range(1, 700).Select(i => $"-A {Flow} --sport {i}\n"));
        CommandResult result = Load($"{lines}-I {Flow} --sport 5\n", "--all-or-nothing");
        Assert.Equal(ExitCode.Failure, result.ExitCode);
        Assert.Contains("line 701: ", result.Errors, StringComparison.Ordinal);
        Assert.Equal("0\n", result.Output);
    }

    [Fact]
    public void An_added_flow_that_exists_is_updated()
    {
        CommandResult result = Load(
            $"-A {Flow} --sport 1 -m 1\n-A {Flow} --sport 1 -m 2\n-A {Flow} --sport 2\n", "",
            "conntrack -L 2>/dev/null | grep -c mark=2;");
        Assert.Equal(ExitCode.Success, result.ExitCode);
        Assert.Equal("1\n2\n", result.Output);
    }

    [Fact]
    public void Commands_between_creations_see_what_came_before_them()
    {
        CommandResult result = Load(
            $"-I {Flow} --sport 1\n-U -s 10.1.0.1 -d 10.1.0.2 -m 9\n-D -m 9\n-I {Flow} --sport 1\n", "");
        Assert.Equal(ExitCode.Success, result.ExitCode);
        Assert.EndsWith("mark=9 use=1\n1\n", result.Output, StringComparison.Ordinal);
    }

    [Fact]
    public void A_saved_table_is_loaded_as_the_same_table()
    {
        lab.Load(3000);
        CommandResult result = lab.Shell(
            "$CONNTRACK -U -s 10.83.102.0/24 -p udp --dport 53 -u SEEN_REPLY >/dev/null 2>&1; "
            + "$CONNTRACK -L -o save 2>/dev/null >$WORK/a; conntrack -F 2>/dev/null; $CONNTRACK -R $WORK/a; "
            + "$CONNTRACK -L -o save 2>/dev/null >$WORK/b; sed -i 's/-t [0-9]*//' $WORK/a $WORK/b; "
            + "sort -o $WORK/a $WORK/a; sort -o $WORK/b $WORK/b; cmp $WORK/a $WORK/b && grep -c SEEN_REPLY $WORK/b");
        Assert.Equal("250\n", result.Output);
    }

    [Theory]
    [InlineData("-D", "n", 5)]
    [InlineData("-D", "y", 0)]
    [InlineData("-F", "n", 5)]
    [InlineData("-F --yes", "", 0)]
    [InlineData("-D -p udp", "", 0)]
    public void At_a_terminal_a_whole_table_is_deleted_after_a_question_only(string command, string answer, int left)
    {
        lab.Load(5);
        CommandResult result = lab.Shell(
            $"echo {answer} | script -qec \"$CONNTRACK {command}\" /dev/null; conntrack -C");
        Assert.EndsWith($"{left}\n", result.Output, StringComparison.Ordinal);
        Assert.Equal(answer.Length > 0, result.Output.Contains("This deletes all 5 flows", StringComparison.Ordinal));
    }

    [Fact]
    public void At_a_terminal_a_long_load_tells_how_far_it_is()
    {
        lab.Load(0);
        CommandResult result = lab.Shell("script -qec \"$CONNTRACK -R $WORK/flows\" /dev/null", 25_000);
        Assert.Contains("20000 lines read", result.Output, StringComparison.Ordinal);
        Assert.Contains("of 25000 lines carried out", result.Output, StringComparison.Ordinal);
    }

    [Fact]
    public void In_a_long_file_the_first_bad_line_is_named_wherever_it_is()
    {
        lab.Load(0);
        CommandResult result = lab.Shell(
            "conntrack -F 2>/dev/null; sed -i \"s/-I/$(printf '%80s')-I/\" $WORK/flows; "
            + "sed '37000s/--dport/--dprt/' $WORK/flows >$WORK/b; sed '1000s/--dport/--dprt/' $WORK/b >$WORK/a; "
            + "for f in b a flows; do $CONNTRACK -R $WORK/$f; done; $CONNTRACK -C",
            arguments: [], count: 38_000);
        Assert.Contains("line 37000: unknown option", result.Errors.Split('\n')[0], StringComparison.Ordinal);
        Assert.Contains("line 1000: unknown option", result.Errors.Split('\n')[2], StringComparison.Ordinal);
        Assert.Equal("38000\n", result.Output);
    }

    private CommandResult Load(string file, string options, string after = "") => lab.Shell(
        $"conntrack -F 2>/dev/null; printf '%s' \"$0\" | $CONNTRACK -R - {options}; status=$?; {after} $CONNTRACK -C; "
        + "exit $status",
        arguments: [file]);
}
