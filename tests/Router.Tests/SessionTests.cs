using TwinTrack.Router.Live;
using TwinTrack.Router.Shell;
using Xunit;

namespace TwinTrack.Router.Tests;

/// <summary>Configuration mode, without a daemon: what is committed here needs none.</summary>
public sealed class SessionTests : IDisposable
{
    private readonly string _folder = Directory.CreateTempSubdirectory("tt-router-").FullName;
    private readonly StringWriter _output = new();
    private readonly StringWriter _errors = new();

    public void Dispose() => Directory.Delete(_folder, recursive: true);

    [Fact]
    public void What_is_set_is_compared_committed_and_rolled_back()
    {
        Assert.Equal("+ set system host-name 'one'\n", Run("set system host-name one", "compare"));
        Assert.Equal(">host-name \"two\"\n", Run("commit", "set system host-name two", "show system"));
        Assert.Equal("", Run("commit"));
        Assert.Equal("- set system host-name 'one'\n+ set system host-name 'two'\n", Run("compare 0"));
        Assert.Contains(
            "+ set system host-name 'one'", Run("rollback 0", "compare"), StringComparison.Ordinal);
        Assert.Contains("No changes", Run("discard", "compare"), StringComparison.Ordinal);
    }

    [Fact]
    public void What_is_not_committed_waits_for_the_next_invocation()
    {
        Run("edit system conntrack", "set table-size 5000");
        Assert.Equal("+ set system conntrack table-size '5000'\n", Run("compare"));
    }

    [Fact]
    public void What_was_saved_is_loaded_again()
    {
        string file = Path.Combine(_folder, "saved");
        Run("set system host-name one", "commit", $"save {file}", "delete system", "commit", $"load {file}");
        Assert.Equal("+ set system host-name 'one'\n", Run("compare"));
    }

    [Fact]
    public void Leaving_with_changes_is_refused_unless_they_are_discarded()
    {
        var session = new ConfigSession(RouterPaths.In(_folder), _output, _errors);
        session.Execute("set system host-name one");
        Assert.Equal(ConfigSession.Refused, session.Execute("exit"));
        Assert.Equal(ConfigSession.Done, session.Execute("exit discard"));
        Assert.True(session.IsOver);
    }

    [Fact]
    public void A_commit_that_is_refused_names_the_reason_and_keeps_the_candidate()
    {
        Assert.Equal("", Run("set service conntrack-sync interface lo"));
        Assert.Equal("", Run(ConfigSession.Refused, "commit"));
        Assert.Contains("C07: a failover mechanism", _errors.ToString(), StringComparison.Ordinal);
        Assert.Equal("+ set service conntrack-sync interface lo\n", Run("compare"));
    }

    [Fact]
    public void Nothing_set_anew_and_nothing_to_delete_are_told_but_no_errors()
    {
        Run("set system host-name one");
        Assert.Contains("S15", Run("set system host-name one"), StringComparison.Ordinal);
        Assert.Contains("S16", Run("delete system conntrack"), StringComparison.Ordinal);
    }

    [Fact]
    public void What_is_shown_goes_through_pipes()
    {
        Run("set high-availability vrrp group lan authentication password secret",
            "set high-availability vrrp group lan hello-source-address 192.0.2.1", "commit");
        string lines = Run("run show configuration commands | strip-private");
        Assert.Contains("password 'xxxxxx'", lines, StringComparison.Ordinal);
        Assert.Contains("'xxx.xxx.2.1'", lines, StringComparison.Ordinal);
        Assert.Equal("Count: 1 lines\n", Run("show | match hello | count"));
        Assert.Equal(
            "{\"password\":\"secret\"}\n", Run("show high-availability vrrp group lan authentication | json"));
        Run("set service conntrack-sync interface lo");
        Assert.Equal("+ set service conntrack-sync interface lo\n", Run("compare | except nothing"));
    }

    [Fact]
    public void A_file_of_an_old_router_is_brought_up_to_date()
    {
        string file = Path.Combine(_folder, "old.boot");
        string old = Samples.Text("02-old-vrrp-unicast", "config.boot");
        File.WriteAllText(file, old);
        Run($"migrate {file}", $"load {file}");
        Assert.Equal(old, File.ReadAllText($"{file}.before"));
        Assert.Contains("conntrack-sync@1", File.ReadAllText($"{file}.report"), StringComparison.Ordinal);
        Assert.Contains("conntrack-sync@2", File.ReadAllText(file), StringComparison.Ordinal);
        Assert.Contains("+ set service conntrack-sync accept-protocol 'udp'", Run("compare"), StringComparison.Ordinal);
    }

    [Theory]
    [InlineData("set service conntrack-sync a", "accept-protocol")]
    [InlineData("set service conntrack-sync accept-protocol ", "tcp udp icmp icmp6 sctp dccp")]
    [InlineData("set service conntrack-sync interface ", "eth1 eth2")]
    [InlineData("set service conntrack-sync interface eth1 ", "peer port")]
    [InlineData("set service conntrack-sync interface eth1 port ", "<1-65535>")]
    [InlineData("co", "compare commit commit-confirm confirm")]
    [InlineData("run show conntrack-sync c", "cache")]
    [InlineData("set nosuch ", "")]
    public void Tab_offers_what_may_come_next(string line, string words) => Assert.Equal(
        words, string.Join(' ', Completer.Find(line, [], ["eth1", "eth2"]).Select(one => one.Word)));

    private string Run(params string[] lines) => Run(ConfigSession.Done, lines);

    private string Run(int status, params string[] lines)
    {
        _output.GetStringBuilder().Clear();
        var session = new ConfigSession(RouterPaths.In(_folder), _output, _errors);
        foreach (string line in lines) Assert.True(session.Execute(line) == status, $"{line}: {_errors}");
        return _output.ToString();
    }
}
