using System.Diagnostics;
using System.Globalization;

namespace TwinTrack.Lab;

/// <summary>The main job on real kernels: connections through a pair of firewalls outlive the one that dies.</summary>
/// <remarks>One run: <see cref="Execute"/>, then <see cref="Dispose"/>, which removes all it made.</remarks>
public sealed class LabRun : ILab
{
    private static readonly TimeSpan PollInterval = TimeSpan.FromMilliseconds(50);

    private readonly LabOptions _options;
    private readonly TcpLoad _tcp;
    private readonly List<FlowCount> _flows = [];
    private readonly List<string> _problems = [];

    private RunDirectory? _directory;
    private Topology? _topology;
    private DaemonProcess? _primary;
    private DaemonProcess? _backup;
    private UdpStream? _udp;
    private LinkCut? _cut;
    private bool _isFinished;

    /// <summary>Prepares a run; nothing is made yet.</summary>
    public LabRun(LabOptions options)
    {
        ArgumentNullException.ThrowIfNull(options);
        _options = options;
        _tcp = new TcpLoad(options.Connections, options.Seed);
    }

    /// <inheritdoc/>
    public LabProgress Progress { get; } = new();

    /// <inheritdoc/>
    public string? Prefix => _directory?.Prefix;

    /// <inheritdoc/>
    public string? Folder => _directory?.Path;

    /// <inheritdoc/>
    public TcpLoadSample Sample() => _tcp.Sample();

    /// <inheritdoc/>
    public UdpStreamSample? SampleUdp() => Volatile.Read(ref _udp)?.Sample();

    /// <summary>Runs it to the end.</summary>
    /// <exception cref="LabException">Something is missing, or a part could not be built.</exception>
    /// <exception cref="OperationCanceledException">It was told to stop.</exception>
    public LabResult Execute(CancellationToken cancellation)
    {
        var watch = Stopwatch.StartNew();
        Topology topology = Build();
        cancellation.ThrowIfCancellationRequested();
        StartDaemons(topology, cancellation);
        UdpStream udp = OpenTraffic(topology, cancellation);
        double? replication = AwaitReplication(cancellation);
        RunSteadily(topology, udp, cancellation);

        var takeOver = new TakeOver(topology, _primary, _backup);
        TakeOverTimes times = TakeOver(takeOver);
        ulong forwarded = topology.Primary.ForwardedPackets();
        AwaitRecovery(udp, cancellation);
        TcpLoadSample last = _tcp.Sample();
        TimeSpan[] gaps = _tcp.LongestGaps();
        UdpStreamSample stream = udp.Sample();
        Count("fw2", "after", topology.Backup, _backup);
        _problems.AddRange(takeOver.Problems);
        _isFinished = true;

        return new LabResult
        {
            Connections = _options.Connections,
            Alive = last.Alive,
            Broken = _tcp.BrokenReasons(),
            Udp = new(
                stream.IsAlive, stream.Sent, stream.Sent - stream.Received - stream.Altered, stream.Altered,
                Milliseconds(stream.LongestGap)),
            LongestStallMs = Milliseconds(gaps[^1]),
            MedianStallMs = Milliseconds(gaps[gaps.Length / 2]),
            TakeOver = times,
            ReplicationMs = replication,
            Links = _options.Links,
            LinkFailOverMs = _cut?.FailOverMs,
            SynAfterCut = topology.Backup.SynPackets(),
            OldPrimaryForwardedAfterCut = topology.Primary.ForwardedPackets() - forwarded,
            Flows = _flows,
            Problems = _problems,
            PrimaryProgram = _options.PrimaryProgram,
            BackupProgram = _options.BackupProgram,
            SourceNat = _options.SourceNat,
            Seed = _options.Seed,
            TotalMs = Milliseconds(watch.Elapsed),
        };
    }

    /// <summary>Removes what the run made; what shall be kept stays if the run came to its end.</summary>
    public void Dispose()
    {
        _tcp.Dispose();
        _udp?.Dispose();
        if (_options.Keep && _isFinished) _directory?.Keep();
        else _backup?.Kill();
        _primary?.Kill();
        _primary?.Dispose();
        _backup?.Dispose();
        if (_topology is not null) _topology.Dispose();
        else _directory?.Dispose();
    }

    private Topology Build()
    {
        Progress.Begin("build client, server and two firewalls");
        Topology.RequireTools();
        int stale = RunDirectory.RemoveStale().Count;
        _directory = RunDirectory.Create();
        _topology = Topology.Build(_directory, new TopologyOptions
        {
            SourceNat = _options.SourceNat,
            SyncLinks = _options.Links,
        });
        string swept = stale == 0 ? "" : $", removed what {stale} earlier run(s) left";
        Progress.End($"namespaces {_directory.Prefix}-*{swept}");
        return _topology;
    }

    private void StartDaemons(Topology topology, CancellationToken cancellation)
    {
        Progress.Begin("start conntrackd on both firewalls");
        _primary = Start(topology.Primary, _options.PrimaryProgram, "fw1");
        _backup = Start(topology.Backup, _options.BackupProgram, "fw2");
        _primary?.WaitUntilReady(cancellation);
        _backup?.WaitUntilReady(cancellation);
        Progress.End(_primary is null && _backup is null ? "none: nothing is replicated" : "");
    }

    private DaemonProcess? Start(Firewall firewall, string? program, string name)
    {
        if (program is null) return null;

        var config = new SyncConfig
        {
            Address = firewall.SyncAddress,
            PeerAddress = firewall.PeerSyncAddress,
            MoreLinks = [.. Enumerable.Range(1, _options.Links - 1).Select(link => firewall.SyncLink(link))],
        };
        return DaemonProcess.Start(program, firewall.Namespace, config, $"{_directory!.Path}/{name}");
    }

    private UdpStream OpenTraffic(Topology topology, CancellationToken cancellation)
    {
        Progress.Begin($"open {_options.Connections} TCP connections and a UDP stream");
        var udp = new UdpStream(topology.Client, topology.Server, Topology.ServerAddress, _options.Seed);
        Volatile.Write(ref _udp, udp);
        if (_options.Links > 1 && _primary is not null && _backup is not null)
            _cut = new LinkCut(topology, [_primary, _backup], () => _tcp.Sample().Open >= _options.Connections / 2);
        _tcp.Open(topology.Client, topology.Server, Topology.ServerAddress, cancellation);
        Progress.End("");
        return udp;
    }

    // Returns how long it took, in milliseconds.
    private double? AwaitReplication(CancellationToken cancellation)
    {
        if (_backup is null || _primary is null) return null;

        AwaitLinkFailOver();
        Progress.Begin("wait until the backup knows them all");
        var watch = Stopwatch.StartNew();
        int flows = _options.Connections + 1;
        int known = 0;
        bool isComplete = Wait(
            _options.ReplicationDeadline,
            () => (known = CountReplicated(_backup, flows)) == flows,
            cancellation);
        Progress.End($"{known} of {flows} flows");
        if (isComplete) return Milliseconds(watch.Elapsed);

        _problems.Add($"the backup knew {known} of {flows} flows after {_options.ReplicationDeadline.TotalSeconds} s");
        return null;
    }

    private void AwaitLinkFailOver()
    {
        if (_cut is null) return;

        Progress.Begin("cut the link between the firewalls that is in use");
        _cut.Wait();
        if (_cut.FailOverMs is null) _problems.Add("the daemons do not use another link");
        Progress.End(_cut.FailOverMs is { } ms
            ? string.Create(CultureInfo.InvariantCulture, $"another one after {ms:0} ms")
            : "no other is used");
    }

    private static int CountReplicated(DaemonProcess backup, int flows)
    {
        // The count is cheap, the list is not.
        int known = (int)Math.Min(backup.CountCaches().External ?? 0, flows);
        return known < flows ? known : backup.CountExternal(IsReplicated);
    }

    private static bool IsReplicated(string line) =>
        line.StartsWith("udp", StringComparison.Ordinal)
        || (line.Contains(" ESTABLISHED ", StringComparison.Ordinal)
            && line.Contains("[ASSURED]", StringComparison.Ordinal));

    private void RunSteadily(Topology topology, UdpStream udp, CancellationToken cancellation)
    {
        Progress.Begin("let the traffic run");
        Wait(_options.Steady, () => false, cancellation);
        Count("fw1", "before", topology.Primary, _primary);
        Count("fw2", "before", topology.Backup, _backup);
        _tcp.ResetGaps();
        udp.ResetGap();
        Progress.End($"{_tcp.Sample().Moving} of {_options.Connections} moving");
    }

    private TakeOverTimes TakeOver(TakeOver takeOver)
    {
        Progress.Begin("cut the primary off and take over");
        TakeOverTimes times = takeOver.Run();
        _tcp.Mark();
        _udp!.Mark();
        string commit = times.CommitMs is { } ms
            ? string.Create(CultureInfo.InvariantCulture, $"commit {ms:0} ms")
            : "nothing to commit";
        Progress.End(commit);
        return times;
    }

    private void AwaitRecovery(UdpStream udp, CancellationToken cancellation)
    {
        Progress.Begin("wait for bytes sent after the take-over");
        Wait(
            _options.RecoveryDeadline,
            () => _tcp.Sample().Alive == _options.Connections && udp.Sample().IsAlive,
            cancellation);
        Progress.End($"{_tcp.Sample().Alive} of {_options.Connections} alive");
    }

    private void Count(string name, string moment, Firewall firewall, DaemonProcess? daemon)
    {
        CacheCounts caches = default;
        if (daemon is { IsRunning: true }) caches = daemon.CountCaches();
        else if (daemon is not null) _problems.Add($"conntrackd of {name} ended: {daemon.LastWords()}");
        _flows.Add(new(name, moment, firewall.CountFlows(), caches.Internal, caches.External));
    }

    private static bool Wait(TimeSpan deadline, Func<bool> condition, CancellationToken cancellation)
    {
        var watch = Stopwatch.StartNew();
        while (!condition())
        {
            if (watch.Elapsed >= deadline) return false;
            cancellation.WaitHandle.WaitOne(PollInterval);
            cancellation.ThrowIfCancellationRequested();
        }

        return true;
    }

    private static double Milliseconds(TimeSpan time) => Math.Round(time.TotalMilliseconds, 2);
}
