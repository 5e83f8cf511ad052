using System.Diagnostics;
using System.Net.Sockets;
using System.Text;
using TwinTrack.Lab;
using TwinTrack.Testing;
using TwinTrack.Tests;
using Xunit;

namespace TwinTrack.Interop.Tests;

/// <summary>Our daemon under a service manager: notifications, watchdog, signals, and the privilege it needs.</summary>
[Trait("needs", "root")]
public sealed class OperationTests
{
    private const string Nobody = "65534";

    [Fact]
    public void A_service_manager_hears_of_the_start_the_reload_the_stop_and_of_every_half_watchdog()
    {
        using var place = new Place();
        using Socket manager = Listen(place.Folder + "/notify");
        using Process daemon = place.Start(
            Notifying(place), "env", $"NOTIFY_SOCKET={place.Folder}/notify", "WATCHDOG_USEC=200000");

        Assert.Equal("READY=1", Receive(manager));
        for (int beat = 0; beat < 4; beat++) Assert.Equal("WATCHDOG=1", Receive(manager));

        Place.Signal("HUP", daemon.Id);
        string[] reloading = ReceiveOther(manager).Split('\n');
        Assert.Equal("RELOADING=1", reloading[0]);
        Assert.StartsWith("MONOTONIC_USEC=", reloading[1], StringComparison.Ordinal);
        Assert.Equal("READY=1", ReceiveOther(manager));

        Place.Signal("TERM", daemon.Id);
        Assert.Equal("STOPPING=1", ReceiveOther(manager));
        Assert.True(daemon.WaitForExit(Eventually.Patience));
        Assert.Equal(0, daemon.ExitCode);
    }

    [Theory]
    [InlineData("console mode + watchdog 2s", false)]
    [InlineData("daemon mode", true)]
    public void A_service_manager_hears_what_it_heard_of_the_recorded_original(string name, bool isBehind)
    {
        // 0.33 pid=25585 b'READY=1'
        string[] recorded =
        [
            .. GoldenFiles.Read("outputs/systemd-notify.txt").Split('\n')
                .SkipWhile(line => line != "--- " + name).Skip(1)
                .TakeWhile(line => !line.StartsWith("---", StringComparison.Ordinal))
                .Where(line => line.Contains("b'", StringComparison.Ordinal)).Select(line => line.Split('\'')[1]),
        ];
        using var place = new Place();
        using Socket manager = Listen(place.Folder + "/notify");
        string[] starter = ["env", $"NOTIFY_SOCKET={place.Folder}/notify", isBehind ? "A=B" : "WATCHDOG_USEC=2000000"];
        if (isBehind) Assert.Equal(0, place.RunBehind(starter, Notifying(place), "-d").ExitCode);
        using Process? daemon = isBehind ? null : place.Start(Notifying(place), starter);

        foreach (string text in recorded)
        {
            if (text == "STOPPING=1") Assert.Equal(0, place.Control("-k").ExitCode);
            string heard = Receive(manager);
            bool isProcess = text.StartsWith("MAINPID=", StringComparison.Ordinal);
            Assert.Equal(isProcess ? $"MAINPID={File.ReadAllText(place.LockPath).Trim()}" : text, heard);
        }

        daemon?.WaitForExit(Eventually.Patience);
        Assert.Equal(0, manager.Available);
    }

    [Fact]
    public void Nothing_is_told_when_the_configuration_says_so()
    {
        using var place = new Place();
        using Socket manager = Listen(place.Folder + "/notify");
        Assert.Contains("Systemd Off", place.Text, StringComparison.Ordinal);
        using Process daemon = place.Start(place.Text, "env", $"NOTIFY_SOCKET={place.Folder}/notify");
        Assert.Equal(0, place.Control("-k").ExitCode);
        Assert.True(daemon.WaitForExit(Eventually.Patience));
        Assert.Equal(0, manager.Available);
    }

    [Fact]
    public void The_right_to_administer_the_network_is_enough()
    {
        using var place = new Place();
        string open = place.Folder + "/open";
        Directory.CreateDirectory(open);
        Command.Require("chown", [Nobody, open]);
        string text = place.Text.Replace(place.Prefix, open + "/n", StringComparison.Ordinal);
        string[] asNobody =
        [
            "setpriv", $"--reuid={Nobody}", $"--regid={Nobody}", "--clear-groups",
            "--inh-caps=-all,+net_admin", "--ambient-caps=-all,+net_admin", "--bounding-set=-all,+net_admin",
        ];
        place.LetOthersIn();

        using Process daemon = place.Start(text, asNobody);

        FlowGenerator.Create(place.Namespace, 10);
        Eventually.Equals(10, () => place.Control("-i").Output.Split('\n').Length - 1, "flows");
        Assert.Equal(0, place.Control("-R").ExitCode);
        Assert.Equal(0, place.Control("-k").ExitCode);
        Assert.True(daemon.WaitForExit(Eventually.Patience));
        Assert.Equal(0, daemon.ExitCode);
        Assert.Equal("n.log", Path.GetFileName(Assert.Single(Directory.GetFiles(open))));
    }

    [Fact]
    public void After_a_rotation_it_writes_to_the_new_file_and_a_reload_leaves_it_running()
    {
        using var place = new Place();
        using Process daemon = place.Start();
        File.Move(place.LogPath, place.LogPath + ".1");
        Place.Signal("USR1", daemon.Id);
        Eventually.Holds(() => File.Exists(place.LogPath) ? null : "no new log");

        string text = place.Text.Replace("Port 3780", "Port 3781", StringComparison.Ordinal);
        const string limit = "HashLimit 5 # ";
        File.WriteAllText(place.ConfigPath, text.Replace("HashLimit ", limit, StringComparison.Ordinal));
        Place.Signal("HUP", daemon.Id);

        Eventually.Holds(() => File.ReadAllText(place.LogPath).Contains("configuration reloaded", StringComparison.Ordinal)
            ? null : "no reload");
        Assert.Contains("`Sync UDP Port' has changed", File.ReadAllText(place.LogPath), StringComparison.Ordinal);
        Assert.DoesNotContain("HashLimit", File.ReadAllText(place.LogPath), StringComparison.Ordinal);
        FlowGenerator.Create(place.Namespace, 10);
        Eventually.Equals<long?>(5, () => CacheCounts.Parse(place.Control("-s").Output).Internal, "internal cache");
        Assert.Equal(0, place.Control("-s").ExitCode);
        Assert.Equal(0, place.Control("-k").ExitCode);
        Assert.True(daemon.WaitForExit(Eventually.Patience));
        Assert.Equal(0, daemon.ExitCode);
    }

    [Theory]
    [InlineData("HUP")]
    [InlineData("INT")]
    [InlineData("QUIT")]
    public void A_signal_that_its_starter_ignored_is_heard(string signal)
    {
        using var place = new Place();
        using Process daemon = place.Start(place.Text, "env", "--ignore-signal=HUP,INT,QUIT");

        Place.Signal(signal, daemon.Id);

        if (signal == "HUP")
        {
            Eventually.Holds(() => File.ReadAllText(place.LogPath).Contains("reload", StringComparison.Ordinal)
                ? null : "no reload");
            Place.Signal("TERM", daemon.Id);
        }

        Assert.True(daemon.WaitForExit(Eventually.Patience));
        Assert.Equal(0, daemon.ExitCode);
    }

    /// <summary>systemd-analyze tells of a line it does not know, and leaves with 0 all the same.</summary>
    [Theory]
    [InlineData("", "")]
    [InlineData("WatchdogSec", "WatchdogSeconds")]
    public void The_unit_is_one_that_systemd_understands(string word, string instead)
    {
        using var place = new Place();
        string unit = File.ReadAllText(Path.Combine(Repository.Root, "docs", "examples", "conntrackd.service"));
        string path = place.Folder + "/conntrackd.service";
        File.WriteAllText(path, word.Length == 0 ? unit : unit.Replace(word, instead, StringComparison.Ordinal));
        CommandResult result = Command.Run("systemd-analyze", ["verify", "--man=no", path]);
        string[] complaints =
            [.. result.Errors.Split('\n').Where(line => line.Contains("conntrackd.service", StringComparison.Ordinal))];
        Assert.Equal(word.Length == 0, result.ExitCode == 0 && complaints.Length == 0);
    }

    private static string Notifying(Place place) =>
        place.Text.Replace("Systemd Off", "Systemd On", StringComparison.Ordinal);

    private static Socket Listen(string path)
    {
        var socket = new Socket(AddressFamily.Unix, SocketType.Dgram, ProtocolType.Unspecified)
        {
            ReceiveTimeout = (int)Eventually.Patience.TotalMilliseconds,
        };
        socket.Bind(new UnixDomainSocketEndPoint(path));
        return socket;
    }

    private static string Receive(Socket manager)
    {
        byte[] datagram = new byte[1024];
        return Encoding.UTF8.GetString(datagram, 0, manager.Receive(datagram));
    }

    private static string ReceiveOther(Socket manager)
    {
        var watch = Stopwatch.StartNew();
        while (true)
        {
            string text = Receive(manager);
            if (text != "WATCHDOG=1") return text;
            Assert.True(watch.Elapsed < Eventually.Patience, "nothing but heartbeats");
        }
    }
}
