using System.Diagnostics;
using System.Globalization;
using System.Text.Json.Nodes;

namespace TwinTrack.Lab;

/// <summary>
/// Two firewalls that are configured by nothing but set commands: traffic through them outlives the failure of one, its
/// return, and its end.
/// </summary>
public sealed class RouterRun : ILab
{
    private const string First = "fw1";
    private const string Second = "fw2";
    private const int VirtualHost = 254;
    private const int High = 200;
    private const int Low = 100;

    private static readonly TimeSpan PollInterval = TimeSpan.FromMilliseconds(50);

    private readonly RouterOptions _options;
    private readonly TcpLoad _load;
    private readonly List<KeepalivedChange> _changes = [];

    private RunDirectory? _directory;
    private Topology? _topology;
    private UdpStream? _udp;
    private bool _isFinished;

    /// <summary>Prepares a run; nothing is made yet.</summary>
    public RouterRun(RouterOptions options)
    {
        ArgumentNullException.ThrowIfNull(options);
        _options = options;
        _load = new TcpLoad(options.Connections, options.Seed);
    }

    /// <inheritdoc/>
    public LabProgress Progress { get; } = new();

    /// <inheritdoc/>
    public string? Prefix => _directory?.Prefix;

    /// <inheritdoc/>
    public string? Folder => _directory?.Path;

    /// <inheritdoc/>
    public TcpLoadSample Sample() => _load.Sample();

    /// <inheritdoc/>
    public UdpStreamSample? SampleUdp() => Volatile.Read(ref _udp)?.Sample();

    /// <summary>Runs it to the end.</summary>
    /// <exception cref="LabException">Something is missing, or a part could not be built.</exception>
    /// <exception cref="OperationCanceledException">It was told to stop.</exception>
    public RouterResult Execute(CancellationToken cancellation)
    {
        Topology topology = Build();
        Configure(topology.Primary, First, High);
        AwaitStates(topology, "MASTER", "", cancellation);
        Configure(topology.Backup, Second, Low);
        AwaitStates(topology, "MASTER", "BACKUP", cancellation);
        Open(topology, cancellation);
        Change(topology, "fails", returns: false, () => SetLink(topology, "down"), "FAULT", "MASTER", cancellation);
        Change(topology, "returns", returns: true, () => SetLink(topology, "up"), "MASTER", "BACKUP", cancellation);
        AwaitReplication(topology, cancellation);
        Change(topology, "ends", returns: false, () => End(topology.Primary), "", "MASTER", cancellation);
        _isFinished = true;
        return new RouterResult(
            _options.Connections, _changes, _load.BrokenReasons(), [.. Commands(High)], _options.Program);
    }

    /// <summary>Removes what the run made; what shall be kept stays if the run came to its end.</summary>
    public void Dispose()
    {
        if (_options.Keep && _isFinished)
        {
            _directory?.Keep();
        }
        else
        {
            _udp?.Dispose();
            _topology?.Dispose();
        }

        _load.Dispose();
        _directory?.Dispose();
    }

    /// <summary>What a firewall is told, as an operator types it.</summary>
    /// <param name="priority">Who is active: the higher.</param>
    public static IEnumerable<string> Commands(int priority)
    {
        foreach ((string name, FirewallSide side) in
            ((string, FirewallSide)[])[("inside", Firewall.ClientSide), ("outside", Firewall.ServerSide)])
        {
            string group = $"set high-availability vrrp group {name}";
            yield return $"{group} interface '{side.Interface}'";
            yield return $"{group} virtual-address '{side.VirtualAddress}/24'";
            yield return $"{group} vrid '{VirtualHost}'";
            yield return $"{group} priority '{priority}'";
            yield return $"set high-availability vrrp sync-group edge member '{name}'";
        }

        yield return "set firewall state-policy established action 'accept'";
        yield return "set firewall state-policy related action 'accept'";
        yield return "set service conntrack-sync accept-protocol 'tcp,udp,icmp'";
        yield return "set service conntrack-sync event-listen-queue-size '8'";
        yield return "set service conntrack-sync failover-mechanism vrrp sync-group 'edge'";
        yield return $"set service conntrack-sync interface '{Firewall.SyncInterface}'";
        yield return "set service conntrack-sync mcast-group '225.0.0.50'";
        yield return "set service conntrack-sync sync-queue-size '1'";
        yield return "commit";
        yield return "save";
    }

    private Topology Build()
    {
        Progress.Begin("build client, server and two firewalls");
        Topology.RequireTools();
        if (Command.Find("keepalived") is null)
            throw new LabException("keepalived is missing: install the package keepalived");
        RunDirectory.RemoveStale();
        _directory = RunDirectory.Create();
        _topology = Topology.Build(_directory, new TopologyOptions());
        _topology.Primary.DropVirtualAddresses();
        foreach (Firewall firewall in (Firewall[])[_topology.Primary, _topology.Backup])
        {
            firewall.Namespace.Require(
                ["nft", "insert", "rule", "inet", "twintrack_lab", "input", "meta", "l4proto", "vrrp", "accept"]);
        }

        Progress.End($"namespaces {_directory.Prefix}-*");
        return _topology;
    }

    private void Configure(Firewall firewall, string name, int priority)
    {
        Progress.Begin($"configure {name} by set commands");
        CommandResult done = Command.Run(
            "ip", ["netns", "exec", firewall.Namespace.Name, _options.Program, "configure", "--folder", FolderOf(name)],
            string.Join('\n', Commands(priority)) + "\n");
        if (done.ExitCode != 0) throw new LabException($"{name} refuses its configuration: {done.Errors}{done.Output}");
        Progress.End($"{Commands(priority).Count()} lines");
    }

    private string FolderOf(string name) => $"{_directory!.Path}/{name}";

    private CommandResult Show(Firewall firewall, string name, params string[] words) => firewall.Namespace.Execute(
        [_options.Program, "show", "conntrack-sync", .. words, "--folder", FolderOf(name)]);

    // The role of a firewall, once the hook has followed it.
    private string StateOf(Firewall firewall, string name)
    {
        CommandResult history = Show(firewall, name, "history", "--json");
        return history.ExitCode == 0 && JsonNode.Parse(history.Output)?["transitions"] is JsonArray { Count: > 0 } past
            ? (string?)past[0]!["state"] ?? ""
            : "";
    }

    // An empty word stands for a firewall that nobody asks.
    private void AwaitStates(Topology topology, string one, string two, CancellationToken cancellation) => Await(
        () => (one.Length == 0 || StateOf(topology.Primary, First) == one)
            && (two.Length == 0 || StateOf(topology.Backup, Second) == two),
        () => $"the firewalls do not become {one} and {two}: {Show(topology.Primary, First, "history").Output}"
            + Show(topology.Backup, Second, "history").Output,
        cancellation);

    private void Open(Topology topology, CancellationToken cancellation)
    {
        Progress.Begin("open connections through the virtual addresses");
        _load.Open(topology.Client, topology.Server, Topology.ServerAddress, cancellation);
        Volatile.Write(
            ref _udp, new UdpStream(topology.Client, topology.Server, Topology.ServerAddress, _options.Seed));
        int alive = Prove(cancellation).Alive;
        Progress.End($"{alive} of {_options.Connections} alive");
        AwaitReplication(topology, cancellation);
    }

    private void AwaitReplication(Topology topology, CancellationToken cancellation)
    {
        Progress.Begin("wait until the second firewall knows them");
        Await(
            () => CacheCounts.Parse(Show(topology.Backup, Second, "statistics", "raw").Output).External
                > _options.Connections,
            () => "the second firewall does not know all flows",
            cancellation);
        Progress.End("");
    }

    private void Change(
        Topology topology, string what, bool returns, Action action, string one, string two,
        CancellationToken cancellation)
    {
        Progress.Begin($"{First} {what}");
        _load.ResetGaps();
        var watch = Stopwatch.StartNew();
        action();
        AwaitStates(topology, one, two, cancellation);
        double elapsed = Math.Round(watch.Elapsed.TotalMilliseconds, 1);
        (int alive, bool udpAlive) = Prove(cancellation);
        double stall = Math.Round(_load.LongestGaps()[^1].TotalMilliseconds, 1);
        _changes.Add(new(First, returns, elapsed, alive, udpAlive, stall));
        Progress.End(string.Create(
            CultureInfo.InvariantCulture,
            $"{alive} of {_options.Connections} alive, roles after {elapsed:0} ms, longest stall {stall:0} ms"));
    }

    private static void SetLink(Topology topology, string state) =>
        topology.Primary.Namespace.Ip($"link set {Firewall.ClientSide.Interface} {state}\n");

    private static void End(Firewall firewall)
    {
        firewall.SetLinksDown();
        firewall.Namespace.KillProcesses();
    }

    // Bytes sent from now on arrive on every connection, or the time is up.
    private (int Alive, bool UdpAlive) Prove(CancellationToken cancellation)
    {
        _load.Mark();
        _udp!.Mark();
        var watch = Stopwatch.StartNew();
        while ((Sample().Alive < _options.Connections || !_udp.Sample().IsAlive) && watch.Elapsed < _options.Deadline)
            Pause(cancellation);
        return (Sample().Alive, _udp.Sample().IsAlive);
    }

    private void Await(Func<bool> condition, Func<string> whyNot, CancellationToken cancellation)
    {
        var watch = Stopwatch.StartNew();
        while (!condition())
        {
            if (watch.Elapsed > _options.Deadline) throw new LabException(whyNot());
            Pause(cancellation);
        }
    }

    private static void Pause(CancellationToken cancellation)
    {
        cancellation.WaitHandle.WaitOne(PollInterval);
        cancellation.ThrowIfCancellationRequested();
    }
}
