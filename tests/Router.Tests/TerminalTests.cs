using Xunit;

namespace TwinTrack.Router.Tests;

/// <summary>The shell at a terminal.</summary>
[Trait("needs", "root")] // not the shell, but the programs of that tier: dist/ and tmux
public sealed class TerminalTests : IDisposable
{
    private readonly string _folder = Directory.CreateTempSubdirectory("tt-router-").FullName;
    private readonly Terminal _terminal;

    public TerminalTests()
    {
        _terminal = new($"{RouterPair.Built} configure --folder {_folder}");
        _terminal.WaitFor("[edit]");
    }

    public void Dispose()
    {
        _terminal.Dispose();
        Directory.Delete(_folder, recursive: true);
    }

    [Fact]
    public void Tab_completes_words_and_the_line_is_carried_out()
    {
        _terminal.Type("set ser");
        _terminal.Press("Tab");
        _terminal.WaitFor("# set service");
        _terminal.Type("con");
        _terminal.Press("Tab");
        _terminal.WaitFor("# set service conntrack-sync");
        _terminal.Type("pur");
        _terminal.Press("Tab");
        _terminal.WaitFor("# set service conntrack-sync purge-timeout");
        _terminal.Type("90");
        _terminal.Press("Enter");
        Execute("compare");
        _terminal.WaitFor("+ set service conntrack-sync purge-timeout '90'");
    }

    [Fact]
    public void The_second_Tab_lists_what_may_follow()
    {
        _terminal.Type("set service conntrack-sync s");
        _terminal.Press("Tab");
        _terminal.Press("Tab");
        string screen = _terminal.WaitFor("Possible completions:");
        Assert.Contains("startup-resync", screen, StringComparison.Ordinal);
        Assert.Contains("sync-queue-size", screen, StringComparison.Ordinal);
        Assert.DoesNotContain("mcast-group", screen, StringComparison.Ordinal);
    }

    [Fact]
    public void A_question_mark_explains_and_the_line_stays()
    {
        _terminal.Type("set service conntrack-sync interface lo ?");
        _terminal.WaitFor("Partner address; turns the link from multicast to unicast");
        _terminal.Type("port ?");
        _terminal.WaitFor("<1-65535>");
        _terminal.Type("3780");
        _terminal.Press("Enter");
        Execute("compare");
        _terminal.WaitFor("+ set service conntrack-sync interface lo port '3780'");
    }

    [Fact]
    public void The_line_can_be_given_up_called_back_and_corrected()
    {
        _terminal.Type("set nonsense");
        _terminal.Press("C-c");
        _terminal.WaitFor("^C");
        Execute("set system host-name one");
        _terminal.Press("Up");
        _terminal.WaitFor("# set system host-name one\n");
        foreach (string key in (string[])["BSpace", "BSpace", "BSpace", "t", "o", "Left", "w", "Enter"])
            _terminal.Press(key);
        Execute("compare");
        _terminal.WaitFor("+ set system host-name 'two'");
        Execute("exit");
        _terminal.WaitFor("Cannot exit: configuration modified");
        Execute("exit discard");
        _terminal.WaitForEnd();
    }

    private void Execute(string line)
    {
        _terminal.Type(line);
        _terminal.Press("Enter");
    }
}
