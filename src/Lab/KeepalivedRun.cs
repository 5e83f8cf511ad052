using System.Diagnostics;
using System.Globalization;
using System.Net;

namespace TwinTrack.Lab;

/// <summary>
/// Two firewalls with a real keepalived each, virtual addresses in groups: traffic through them outlives the failure of
/// one, and its return.
/// </summary>
/// <remarks>
/// With two active firewalls each is primary for one pair of addresses. What the peer tells goes straight into the
/// kernel, so that neither has anything to do when the roles change; but neither sees every segment of a connection
/// that moved, so windows are not held against it (nf_conntrack_tcp_be_liberal).
/// </remarks>
public sealed class KeepalivedRun : ILab
{
    private const string FirstGroup = "usual";
    private const string SecondGroup = "second";
    private const byte SecondHost = 253;
    private const int High = 150;
    private const int Low = 100;

    private static readonly TimeSpan PollInterval = TimeSpan.FromMilliseconds(20);
    private static readonly IPAddress SecondServer = new([10, 77, 2, 11]);

    private readonly KeepalivedOptions _options;
    private readonly List<TcpLoad> _loads = [];
    private readonly List<IDisposable> _made = [];
    private readonly List<KeepalivedChange> _changes = [];

    private RunDirectory? _directory;
    private DaemonProcess? _backup;
    private UdpStream? _udp;
    private bool _isFinished;

    /// <summary>Prepares a run; nothing is made yet.</summary>
    public KeepalivedRun(KeepalivedOptions options)
    {
        ArgumentNullException.ThrowIfNull(options);
        _options = options;
        _loads.Add(new TcpLoad(options.Connections, options.Seed));
        if (options.IsActiveActive) _loads.Add(new TcpLoad(options.Connections, options.Seed + 1));
    }

    /// <inheritdoc/>
    public LabProgress Progress { get; } = new();

    /// <inheritdoc/>
    public string? Prefix => _directory?.Prefix;

    /// <inheritdoc/>
    public string? Folder => _directory?.Path;

    private int Connections => _options.Connections * _loads.Count;

    /// <inheritdoc/>
    public TcpLoadSample Sample()
    {
        TcpLoadSample sum = default;
        foreach (TcpLoadSample one in _loads.Select(load => load.Sample()))
        {
            sum = new(
                sum.Open + one.Open, sum.Moving + one.Moving, sum.Broken + one.Broken, sum.Alive + one.Alive,
                sum.Bytes + one.Bytes);
        }

        return sum;
    }

    /// <inheritdoc/>
    public UdpStreamSample? SampleUdp() => Volatile.Read(ref _udp)?.Sample();

    /// <summary>Runs it to the end.</summary>
    /// <exception cref="LabException">Something is missing, or a part could not be built.</exception>
    /// <exception cref="OperationCanceledException">It was told to stop.</exception>
    public KeepalivedResult Execute(CancellationToken cancellation)
    {
        Topology topology = Build();
        (Keepalived one, Keepalived two) = Start(topology, cancellation);
        Open(topology, cancellation);
        for (int round = 0; round < _options.Rounds; round++)
        {
            Change(topology.Primary, "fw1", one, two, ["fault", "primary"], cancellation);
            if (_options.IsActiveActive)
                Change(topology.Backup, "fw2", one, two, ["primary", "fault"], cancellation);
        }

        _isFinished = true;
        return new KeepalivedResult(
            Connections, _changes,
            _loads.SelectMany(load => load.BrokenReasons()).GroupBy(reason => reason.Key, StringComparer.Ordinal)
                .ToDictionary(same => same.Key, same => same.Sum(one => one.Value), StringComparer.Ordinal),
            _options.IsActiveActive, _options.PrimaryProgram, _options.BackupProgram,
            _options.IsActiveActive ? null : _options.Script);
    }

    /// <summary>Removes what the run made; what shall be kept stays if the run came to its end.</summary>
    public void Dispose()
    {
        bool isKept = _options.Keep && _isFinished;
        if (isKept) _directory?.Keep();
        else foreach (IDisposable made in Enumerable.Reverse(_made)) made.Dispose();
        foreach (TcpLoad load in _loads) load.Dispose();
        _directory?.Dispose();
    }

    private Topology Build()
    {
        Progress.Begin("build client, server and two firewalls");
        Topology.RequireTools();
        Keepalived.RequireTools();
        RunDirectory.RemoveStale();
        _directory = RunDirectory.Create();
        Topology topology = Keep(Topology.Build(
            _directory, new TopologyOptions { SourceNat = !_options.IsActiveActive }));
        topology.Primary.DropVirtualAddresses();
        if (_options.IsActiveActive) AddSecondPair(topology);
        Progress.End($"namespaces {_directory.Prefix}-*");
        return topology;
    }

    // Traffic of the second pair of addresses goes to a second address of the server, and back to a second one of the
    // client, over the second virtual gateways.
    private static void AddSecondPair(Topology topology)
    {
        topology.Client.Ip(
            $"address add 10.77.1.11/24 dev lan\nroute add {SecondServer} via 10.77.1.{SecondHost} src 10.77.1.11\n");
        topology.Server.Ip($"address add {SecondServer}/24 dev lan\nroute add 10.77.1.11 via 10.77.2.{SecondHost}\n");
        foreach (Firewall firewall in (Firewall[])[topology.Primary, topology.Backup])
            firewall.Namespace.WriteSetting("net/netfilter/nf_conntrack_tcp_be_liberal", "1");
    }

    private (Keepalived One, Keepalived Two) Start(Topology topology, CancellationToken cancellation)
    {
        Progress.Begin("start conntrackd and keepalived on both firewalls");
        DaemonProcess first = StartDaemon(topology.Primary, _options.PrimaryProgram, "fw1", cancellation);
        DaemonProcess second = StartDaemon(topology.Backup, _options.BackupProgram, "fw2", cancellation);
        _backup = second;
        Keepalived one = StartKeepalived(topology.Primary, first, "fw1", High, Low);
        Keepalived two = StartKeepalived(topology.Backup, second, "fw2", Low, High);
        AwaitRoles(one, two, Usual, cancellation);
        Progress.End("");
        return (one, two);
    }

    private DaemonProcess StartDaemon(Firewall firewall, string program, string name, CancellationToken cancellation)
    {
        var config = new SyncConfig
        {
            Address = firewall.SyncAddress,
            PeerAddress = firewall.PeerSyncAddress,
            ModeLines = _options.IsActiveActive ? "DisableExternalCache on" : "",
        };
        DaemonProcess daemon =
            Keep(DaemonProcess.Start(program, firewall.Namespace, config, $"{_directory!.Path}/{name}"));
        daemon.WaitUntilReady(cancellation);
        return daemon;
    }

    private Keepalived StartKeepalived(
        Firewall firewall, DaemonProcess daemon, string name, int priority, int otherPriority)
    {
        VirtualGroup[] groups = _options.IsActiveActive
            ? [VirtualGroup.Usual(priority), new VirtualGroup(SecondGroup, SecondHost, otherPriority)]
            : [VirtualGroup.Usual(priority)];
        string? script = _options.IsActiveActive ? null : _options.Script;
        return Keep(Keepalived.Start(
            firewall, groups, daemon.Program, daemon.ConfigPath, script, $"{_directory!.Path}/{name}"));
    }

    // The roles of both firewalls when both are well, in each group.
    private (string Group, string One, string Two)[] Usual => _options.IsActiveActive
        ? [(FirstGroup, "primary", "backup"), (SecondGroup, "backup", "primary")]
        : [(FirstGroup, "primary", "backup")];

    private void Open(Topology topology, CancellationToken cancellation)
    {
        Progress.Begin("open connections through the virtual addresses");
        IPAddress[] servers = [Topology.ServerAddress, SecondServer];
        foreach ((int index, TcpLoad load) in _loads.Index())
            load.Open(topology.Client, topology.Server, servers[index], cancellation);
        Volatile.Write(
            ref _udp, Keep(new UdpStream(topology.Client, topology.Server, Topology.ServerAddress, _options.Seed)));
        int alive = Prove(cancellation).Alive;
        Progress.End($"{alive} of {Connections} alive");
        Progress.Begin("wait until both firewalls know them");
        Await(() => AreReplicated(topology), () => "the firewalls do not know all flows", cancellation);
        Progress.End("");
    }

    private bool AreReplicated(Topology topology) => _options.IsActiveActive
        ? topology.Primary.CountFlows() > Connections && topology.Backup.CountFlows() > Connections
        : _backup!.CountCaches().External > Connections;

    // A firewall fails and returns: one of its links goes down, and up again.
    private void Change(
        Firewall firewall, string name, Keepalived one, Keepalived two, string[] roles, CancellationToken cancellation)
    {
        Change(firewall, name, returns: false, one, two,
            [.. Usual.Select(usual => (usual.Group, roles[0], roles[1]))], cancellation);
        Change(firewall, name, returns: true, one, two, Usual, cancellation);
    }

    private void Change(
        Firewall firewall, string name, bool returns, Keepalived one, Keepalived two,
        (string Group, string One, string Two)[] roles, CancellationToken cancellation)
    {
        Progress.Begin($"{name} {(returns ? "returns" : "fails")}");
        foreach (TcpLoad load in _loads) load.ResetGaps();
        var watch = Stopwatch.StartNew();
        firewall.Namespace.Ip($"link set {Firewall.ClientSide.Interface} {(returns ? "up" : "down")}\n");
        AwaitRoles(one, two, roles, cancellation);
        double elapsed = Math.Round(watch.Elapsed.TotalMilliseconds, 1);
        (int alive, bool udpAlive) = Prove(cancellation);
        double stall = Math.Round(_loads.Max(load => load.LongestGaps()[^1].TotalMilliseconds), 1);
        _changes.Add(new(name, returns, elapsed, alive, udpAlive, stall));
        Progress.End(string.Create(
            CultureInfo.InvariantCulture,
            $"{alive} of {Connections} alive, roles after {elapsed:0} ms, longest stall {stall:0} ms"));
    }

    // Bytes sent from now on arrive on every connection, or the time is up.
    private (int Alive, bool UdpAlive) Prove(CancellationToken cancellation)
    {
        foreach (TcpLoad load in _loads) load.Mark();
        _udp!.Mark();
        var watch = Stopwatch.StartNew();
        while ((Sample().Alive < Connections || !_udp.Sample().IsAlive) && watch.Elapsed < _options.Deadline)
            Pause(cancellation);
        return (Sample().Alive, _udp.Sample().IsAlive);
    }

    private void AwaitRoles(
        Keepalived one, Keepalived two, (string Group, string One, string Two)[] roles,
        CancellationToken cancellation) => Await(
            () => Array.TrueForAll(
                roles, role => (one.RoleOf(role.Group), two.RoleOf(role.Group)) == (role.One, role.Two)),
            () => "the firewalls do not take the roles "
                + string.Join(", ", roles.Select(role => $"{role.One} and {role.Two} ({role.Group})"))
                + $":\n{one.Log}\n{two.Log}",
            cancellation);

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

    private T Keep<T>(T made)
        where T : IDisposable
    {
        _made.Add(made);
        return made;
    }
}
