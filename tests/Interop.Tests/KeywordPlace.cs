using System.Diagnostics;
using System.Net.Sockets;
using System.Text;
using TwinTrack.Conntrack;
using TwinTrack.Conntrack.Kernel;
using TwinTrack.Lab;
using Xunit;
using AddressFamily = System.Net.Sockets.AddressFamily;

namespace TwinTrack.Interop.Tests;

/// <summary>A daemon of ours that was given one statement of the configuration, to see what it does.</summary>
internal sealed class KeywordPlace : IDisposable
{
    public const string UdpLink =
        "UDP {\nIPv4_address 10.77.3.1\nIPv4_Destination_Address 10.77.3.2\nPort 3780\nInterface sync0\n{0}\n}";

    private readonly Place _place = new();
    private Process? _daemon;

    public Place Place => _place;

    public NetNamespace Namespace => _place.Namespace;

    public int ProcessId => _daemon!.Id;

    public string Log => File.Exists(_place.LogPath) ? File.ReadAllText(_place.LogPath) : "";

    /// <summary>Starts it.</summary>
    /// <param name="general">Statements of General.</param>
    /// <param name="rest">The other sections.</param>
    /// <param name="starter">A program and its arguments that starts it.</param>
    public KeywordPlace Start(string general, string rest, params string[] starter)
    {
        _daemon = _place.Start(Text(general, rest), starter);
        Assert.False(_daemon.HasExited, File.ReadAllText(_place.Prefix + ".out"));
        return this;
    }

    /// <summary>Starts it with a Sync section.</summary>
    public KeywordPlace StartSync(string mode = "Mode FTFW { }", string? link = null, string options = "") =>
        Start("", Sync(mode, link, options));

    /// <summary>The whole file.</summary>
    public string Text(string general, string rest) =>
        $$"""
        General {
            LockFile {{_place.LockPath}}
            UNIX {
                Path {{_place.ControlPath}}
            }
            LogFile {{_place.LogPath}}
            Systemd off
            {{general}}
        }
        {{rest}}

        """;

    /// <summary>A Sync section.</summary>
    public static string Sync(string mode = "Mode FTFW { }", string? link = null, string options = "") =>
        $"Sync {{\n{mode}\n{link ?? UdpLink.Replace("{0}", "", StringComparison.Ordinal)}\n{options}\n}}\n";

    public string Do(params string[] arguments)
    {
        CommandResult result = _place.Control(arguments);
        Assert.Equal(0, result.ExitCode);
        return result.Output;
    }

    /// <summary>What a program of the namespace prints.</summary>
    public string Look(params string[] command) => Namespace.Require(command).Output;

    /// <summary>Waits for a text in what a function returns.</summary>
    public static void Awaits(string text, Func<string> where) => Eventually.Holds(() =>
        where() is var found && found.Contains(text, StringComparison.Ordinal) ? null : $"no {text} in:\n{found}");

    /// <summary>A number of <c>-s runtime</c> by its label.</summary>
    public long Runtime(string label) => long.Parse(
        Do("-s", "runtime").Split('\n').Single(line => line.Contains(label + ":", StringComparison.Ordinal)).Split(':')[1]);

    /// <summary>Lets so many new flows come while it does not read.</summary>
    public void Overrun(int flows)
    {
        Place.Signal("STOP", ProcessId);
        FlowGenerator.Create(Namespace, flows);
        Place.Signal("CONT", ProcessId);
        Eventually.Holds(() => Runtime("netlink overrun") > 0 ? null : "no overrun");
    }

    /// <summary>Puts a flow into the kernel.</summary>
    public void Create(byte protocol, string source, string destination) => Namespace.Run(() =>
    {
        using var client = new ConntrackClient();
        PackedFlow flow = default;
        flow.Original = FlowTuple.Of(protocol, source, 1000, destination, 2000);
        flow.Reply = FlowTuple.Of(protocol, destination, 2000, source, 1000);
        flow.Timeout = 100;
        flow.Status = FlowStatus.Confirmed | FlowStatus.SeenReply | FlowStatus.Assured;
        flow.Fields = FlowFields.Original | FlowFields.Reply | FlowFields.Timeout | FlowFields.Status;
        client.Create(in flow).ThrowIfFailed("create a flow");
    });

    /// <summary>A field of <c>/proc/PID/stat</c>, numbered as in proc(5).</summary>
    public string Stat(int field)
    {
        string stat = File.ReadAllText($"/proc/{ProcessId}/stat");
        return stat[(stat.LastIndexOf(')') + 2)..].Split(' ')[field - 3];
    }

    /// <summary>Its memory in KiB that is not of files, whether it was ever touched or not.</summary>
    public long DataKiB() => long.Parse(
        File.ReadAllLines($"/proc/{ProcessId}/status").Single(line => line.StartsWith("VmData:", StringComparison.Ordinal))
            .Split(' ', StringSplitOptions.RemoveEmptyEntries)[^2]);

    /// <summary>A program and its arguments that starts another with a system log of ours.</summary>
    /// <param name="log">What arrives at it.</param>
    public string[] WithSystemLog(out Socket log)
    {
        string devices = _place.Folder + "/dev";
        log = new Socket(AddressFamily.Unix, SocketType.Dgram, ProtocolType.Unspecified)
        {
            ReceiveTimeout = (int)Eventually.Patience.TotalMilliseconds,
        };
        log.Bind(new UnixDomainSocketEndPoint(_place.Folder + "/syslog"));
        string script =
            $"""
            mkdir {devices} && mount -t tmpfs none {devices} && ln -s {_place.Folder}/syslog {devices}/log
            for device in null zero urandom random; do touch {devices}/$device; mount --bind /dev/$device {devices}/$device; done
            mount --rbind {devices} /dev && exec "$@"
            """;
        return ["unshare", "--mount", "/bin/sh", "-c", script, "sh"];
    }

    /// <summary>Receives until a text arrives.</summary>
    public static string Receive(Socket socket, string text)
    {
        byte[] datagram = new byte[4096];
        while (true)
        {
            string received = Encoding.UTF8.GetString(datagram, 0, socket.Receive(datagram));
            if (received.Contains(text, StringComparison.Ordinal)) return received;
        }
    }

    public void Dispose()
    {
        _daemon?.Dispose();
        _place.Dispose();
    }
}
