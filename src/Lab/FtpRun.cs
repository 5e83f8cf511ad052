using System.Diagnostics;
using System.Globalization;
using System.Net;
using System.Net.Sockets;

namespace TwinTrack.Lab;

/// <summary>
/// The kernel's helper reads an FTP session: a passive data connection that was announced through the primary is opened
/// through the backup that took over, whose rules let no other new connection pass.
/// </summary>
public sealed class FtpRun : ILab
{
    private static readonly TimeSpan PollInterval = TimeSpan.FromMilliseconds(50);

    private readonly FtpOptions _options;
    private readonly List<string> _problems = [];

    private RunDirectory? _directory;
    private Topology? _topology;
    private DaemonProcess? _primary;
    private DaemonProcess? _backup;
    private FtpSession? _session;
    private bool _isFinished;

    /// <summary>Prepares a run; nothing is made yet.</summary>
    public FtpRun(FtpOptions options)
    {
        ArgumentNullException.ThrowIfNull(options);
        _options = options;
    }

    /// <inheritdoc/>
    public LabProgress Progress { get; } = new();

    /// <inheritdoc/>
    public string? Prefix => _directory?.Prefix;

    /// <inheritdoc/>
    public string? Folder => _directory?.Path;

    /// <inheritdoc/>
    public TcpLoadSample Sample() => default;

    /// <inheritdoc/>
    public UdpStreamSample? SampleUdp() => null;

    /// <summary>Runs it to the end.</summary>
    /// <exception cref="LabException">Something is missing, or a part could not be built.</exception>
    /// <exception cref="OperationCanceledException">It was told to stop.</exception>
    public FtpResult Execute(CancellationToken cancellation)
    {
        Topology topology = Build();
        (DaemonProcess primary, DaemonProcess backup) = StartDaemons(topology, cancellation);
        Progress.Begin("log in and announce a passive data connection");
        FtpSession session = _session = new FtpSession(topology, cancellation);
        IPEndPoint told = session.Passive(out Socket waiting);
        Progress.End($"{told}");
        double? replication = AwaitReplication(backup, cancellation);
        TakeOverTimes times = TakeOver(new TakeOver(topology, primary, backup));

        var watch = Stopwatch.StartNew();
        bool isDataAlive = Try("open the data connection", () => session.FetchPassive(told, waiting));
        double elapsed = Milliseconds(watch.Elapsed);
        bool isControlAlive = Try("go on with the control connection", session.Talk);
        _isFinished = true;
        return new FtpResult(
            isDataAlive, isControlAlive, isDataAlive ? elapsed : null, replication, _options.ReplicatesExpectations,
            times, _problems, _options.PrimaryProgram, _options.BackupProgram, _options.SourceNat);
    }

    /// <summary>Removes what the run made; what shall be kept stays if the run came to its end.</summary>
    public void Dispose()
    {
        _session?.Dispose();
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
        Progress.Begin("build client, server and two firewalls that know FTP");
        Topology.RequireTools();
        RunDirectory.RemoveStale();
        _directory = RunDirectory.Create();
        _topology = Topology.Build(_directory, new TopologyOptions { SourceNat = _options.SourceNat });
        FtpSession.Restrict(_topology.Primary);
        FtpSession.Restrict(_topology.Backup);
        Progress.End($"namespaces {_directory.Prefix}-*");
        return _topology;
    }

    private (DaemonProcess Primary, DaemonProcess Backup) StartDaemons(
        Topology topology, CancellationToken cancellation)
    {
        Progress.Begin("start conntrackd on both firewalls");
        _primary = Start(topology.Primary, _options.PrimaryProgram, "fw1");
        _backup = Start(topology.Backup, _options.BackupProgram, "fw2");
        _primary.WaitUntilReady(cancellation);
        _backup.WaitUntilReady(cancellation);
        Progress.End(_options.ReplicatesExpectations ? "" : "expectations are not replicated");
        return (_primary, _backup);
    }

    private DaemonProcess Start(Firewall firewall, string program, string name)
    {
        string expectations = _options.ReplicatesExpectations ? "On" : "Off";
        var config = new SyncConfig
        {
            Address = firewall.SyncAddress,
            PeerAddress = firewall.PeerSyncAddress,
            SyncLines = $"Options {{\n ExpectationSync {expectations}\n}}",
        };
        return DaemonProcess.Start(program, firewall.Namespace, config, $"{_directory!.Path}/{name}");
    }

    private double? AwaitReplication(DaemonProcess backup, CancellationToken cancellation)
    {
        Progress.Begin("wait until the backup knows of it");
        var watch = Stopwatch.StartNew();
        bool isKnown;
        while (!(isKnown = IsKnown(backup)) && watch.Elapsed < _options.ReplicationDeadline) Pause(cancellation);
        double elapsed = Milliseconds(watch.Elapsed);
        if (!isKnown) _problems.Add($"the backup did not know all after {_options.ReplicationDeadline.TotalSeconds} s");
        Progress.End(isKnown ? "" : "it does not");

        // What nobody has acknowledged would be repeated, and the helper of the new primary would read it there.
        watch.Restart();
        while (watch.Elapsed < _options.Steady) Pause(cancellation);
        return isKnown ? elapsed : null;
    }

    private bool IsKnown(DaemonProcess backup) =>
        backup.CountExternal(IsControl) > 0
        && (!_options.ReplicatesExpectations
            || backup.RequireControl("-e", "expect").Output.Contains("helper=ftp", StringComparison.Ordinal));

    private static bool IsControl(string line) =>
        line.Contains(" ESTABLISHED ", StringComparison.Ordinal)
        && line.Contains(" dport=21 ", StringComparison.Ordinal)
        && line.Contains("[ASSURED]", StringComparison.Ordinal);

    private TakeOverTimes TakeOver(TakeOver takeOver)
    {
        Progress.Begin("cut the primary off and take over");
        TakeOverTimes times = takeOver.Run();
        _problems.AddRange(takeOver.Problems);
        Progress.End(string.Create(CultureInfo.InvariantCulture, $"commit {times.CommitMs:0} ms"));
        return times;
    }

    private bool Try(string text, Action action)
    {
        Progress.Begin(text);
        try
        {
            action();
            Progress.End("");
            return true;
        }
        catch (Exception e) when (e is LabException or SocketException)
        {
            _problems.Add($"{text}: {e.Message}");
            Progress.End(e.Message);
            return false;
        }
    }

    private static void Pause(CancellationToken cancellation)
    {
        cancellation.WaitHandle.WaitOne(PollInterval);
        cancellation.ThrowIfCancellationRequested();
    }

    private static double Milliseconds(TimeSpan time) => Math.Round(time.TotalMilliseconds, 2);
}
