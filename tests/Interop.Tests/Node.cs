using TwinTrack.Conntrack;
using TwinTrack.Conntrack.Kernel;
using TwinTrack.Lab;

namespace TwinTrack.Interop.Tests;

/// <summary>A firewall of a <see cref="Pair"/> and the daemon on it.</summary>
internal sealed class Node(Firewall firewall, Make make, string pathPrefix) : IDisposable
{
    private DaemonProcess? _daemon;

    public Firewall Firewall => firewall;

    /// <summary>Whose program the next start runs.</summary>
    public Make Make { get; set; } = make;

    /// <summary>What the next start reads.</summary>
    public SyncConfig Config { get; set; } = new()
    {
        Address = firewall.SyncAddress,
        PeerAddress = firewall.PeerSyncAddress,
        Protocols = [],
        // The original asks for the highest real-time priority unless it is told so; ours takes 0 for none.
        GeneralLines = "Scheduler {\nType FIFO\nPriority 0\n}",
    };

    public DaemonProcess Daemon => _daemon ?? throw new InvalidOperationException("the daemon was not started");

    public string ControlPath => pathPrefix + ".ctl";

    public string Log => File.ReadAllText(pathPrefix + ".log");

    public void Start()
    {
        _daemon?.Dispose();
        _daemon = DaemonProcess.Start(Programs.PathOf(Make), firewall.Namespace, Config, pathPrefix);
        _daemon.WaitUntilReady();
    }

    public void Dispose() => _daemon?.Dispose();

    /// <summary>A command that has to succeed; what it printed.</summary>
    public string Do(params string[] arguments) => Daemon.RequireControl(arguments).Output;

    public List<FlowLine> Internal() => FlowLine.ParseAll(Do("-i"));

    public List<FlowLine> External() => FlowLine.ParseAll(Do("-e"));

    public CacheCounts Counts() => Daemon.CountCaches();

    /// <summary>A number of <c>-s</c> and its variants, by the label before its colon.</summary>
    public long Count(string statistics, string label)
    {
        foreach (string line in Do("-s", statistics).Split('\n'))
        {
            if (line.TrimStart().StartsWith(label + ":", StringComparison.Ordinal))
                return long.Parse(line.Split(':')[1].Trim());
        }

        throw new FormatException($"-s {statistics} has no line {label}");
    }

    /// <summary>The link's "Error recv".</summary>
    public long Ignored() => long.Parse(
        Do("-s").Split('\n').Single(line => line.EndsWith(" Error recv", StringComparison.Ordinal))
            .Split(' ', StringSplitOptions.RemoveEmptyEntries)[3]);

    /// <summary>Sends a signal to the daemon.</summary>
    public void Signal(string name) => Command.Require("/bin/sh", ["-c", $"kill -{name} {Daemon.ProcessId}"]);

    /// <summary>Runs code with a client of this firewall's kernel.</summary>
    public void WithKernel(Action<ConntrackClient> code) => firewall.Namespace.Run(() =>
    {
        using var client = new ConntrackClient();
        code(client);
    });

    public void Create(params PackedFlow[] flows) => WithKernel(client =>
    {
        foreach (ref readonly PackedFlow flow in flows.AsSpan())
            client.Create(in flow).ThrowIfFailed("create a flow");
    });

    /// <summary>What the kernel's table holds.</summary>
    public List<PackedFlow> Table()
    {
        List<PackedFlow> flows = [];
        WithKernel(client => client.Dump((in PackedFlow flow) => flows.Add(flow)).ThrowIfFailed("dump the table"));
        return flows;
    }
}
