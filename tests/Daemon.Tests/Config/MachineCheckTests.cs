using TwinTrack.Daemon.Config;
using Xunit;

namespace TwinTrack.Daemon.Tests.Config;

public sealed class MachineCheckTests
{
    [Theory]
    [InlineData("invalid/069-warn-interface.conf", "nosuch0 is an invalid interface: this machine has none of that name")]
    [InlineData("invalid/083-start-foreign-address.conf", "203.0.113.9 is not an address of this machine")]
    [InlineData("invalid/084-start-mcast-foreign-if.conf", "203.0.113.9 is not an address of this machine")]
    [InlineData("invalid/086-start-logfile-dir.conf", "can't open logfile `/var/log': Is a directory")]
    [InlineData("invalid/087-start-stats-logfile-dir.conf", "can't open logfile `/var/log': Is a directory")]
    [InlineData("invalid/088-start-unix-dir.conf",
        "can't open unix socket `/nonexistent/dir/ctd.ctl': there is no directory /nonexistent/dir")]
    [InlineData("invalid/089-start-lockfile-dir.conf",
        "can't open lockfile `/nonexistent/dir/ctd.lock': there is no directory /nonexistent/dir")]
    public void What_would_fail_at_the_start_is_said_with_its_place(string name, string expected)
    {
        ConfigProblem problem = MachineCheck.Find(Samples.Read(name).Statements).First(found => found.Text == expected);
        string line = Samples.Text(name).Split('\n')[problem.Line - 1];
        Assert.Contains(line[(problem.Column - 1)..].Split([' ', '}'])[0], expected, StringComparison.Ordinal);
    }

    [Theory]
    [InlineData("valid/01-ftfw-multicast.conf")]
    [InlineData("valid/02-alarm-udp.conf")]
    [InlineData("valid/04-notrack-cacheless.conf")]
    [InlineData("valid/08-stats-files.conf")]
    public void What_this_machine_has_is_not_complained_about(string name) =>
        Assert.Empty(MachineCheck.Find(Samples.Read(name).Statements));
}
