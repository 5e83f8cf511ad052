namespace TwinTrack.Replication.Tests;

/// <summary>A daemon's run on a node: it hears and speaks between start and end only.</summary>
internal sealed record Life(int Node, double Start, double End = double.MaxValue);

/// <summary>A time in which a node hears nothing.</summary>
internal sealed record Deafness(int Node, double From, double To);

/// <summary>What was done on a node besides what the recording itself shows.</summary>
internal enum ActKind
{
    /// <summary>The dump at start found the flows that the frames tell of.</summary>
    StartDump,

    /// <summary>-R found the flows that the frames tell of.</summary>
    ResyncDump,

    /// <summary>-B.</summary>
    Bulk,

    /// <summary>The flow that the frame tells of appeared while no link was up: its message was never seen.</summary>
    UnseenFlow,
}

/// <summary>Something done on a node.</summary>
internal sealed record Act(double At, int Node, ActKind Kind, params int[] Frames);

/// <summary>
/// A frame whose flows nobody has to feed: the engine must send them by itself, after a NACK, a RESYNC or -B.
/// </summary>
/// <param name="Number">The frame.</param>
/// <param name="AlsoRepeated">Frames that we repeat with it although the original forgot them at the HELLO.</param>
internal sealed record OwnFrame(int Number, params int[] AlsoRepeated);

/// <summary>One recording, with what its log says of the two nodes. Times are those of the log, in seconds.</summary>
internal sealed record Recording(string Name, double FirstFrame)
{
    /// <summary>Frames of the second link count from here.</summary>
    public const int SecondLink = 100;

    public int AckWindow { get; init; } = 300;

    public uint? CommitTimeout { get; init; }

    public bool HasWindowTracking { get; init; }

    public bool HasStartupResync { get; init; }

    /// <summary>Time of the first frame of the recording NAME-link2; null if there is one link.</summary>
    public double? FirstFrameOfSecondLink { get; init; }

    public Life[] Lives { get; init; } = [];

    public Deafness[] Deafnesses { get; init; } = [];

    public Act[] Acts { get; init; } = [];

    public OwnFrame[] OwnFrames { get; init; } = [];

    /// <summary>Frames that crossed one of the other node on the wire: heard only after that was sent.</summary>
    public int[] Crossed { get; init; } = [];

    public override string ToString() => Name;

    /// <summary>Every FT-FW recording.</summary>
    public static Recording[] All { get; } =
    [
        new("ftfw-udp-basic", 1.006) { AckWindow = 10, Lives = [new(1, 0), new(2, 2.721)] },
        new("ftfw-udp-loss", 1.005)
        {
            AckWindow = 20,
            Lives = [new(1, 0), new(2, 0.821)],
            Deafnesses = [new(2, 4.048, 4.228), new(1, 6.108, 8.357)],
            OwnFrames = [new(13)],
        },
        new("ftfw-udp-resync", 1.126)
        {
            AckWindow = 20,
            Lives = [new(1, 0.121), new(2, 0.845)],
            Acts = [new(0.121, 1, ActKind.StartDump, 6, 7), new(4.528, 1, ActKind.Bulk)],
            OwnFrames = [new(6), new(7), new(11), new(12)],

            // 18 and 19 left two microseconds apart: neither node knew of the other's message.
            Crossed = [18],
        },
        new("ftfw-udp-restart", 0.072)
        {
            AckWindow = 20,
            HasStartupResync = true,
            Lives = [new(1, 0, 8.918), new(1, 9.242), new(2, 0.727, 4.420), new(2, 5.906)],

            // The deletion of frame 14 was not acknowledged when node 2 restarted: the original forgets it.
            OwnFrames = [new(17, 14)],
        },
        new("ftfw-udp-failover", 1.009)
        {
            AckWindow = 20,
            FirstFrameOfSecondLink = 3.330,
            Lives = [new(1, 0), new(2, 0.323)],
            Deafnesses = [new(1, 6.916, 7.740)],
            Acts = [new(7.427, 1, ActKind.UnseenFlow, SecondLink + 14)],
            OwnFrames = [new(SecondLink + 14)],
        },
        new("ftfw-udp-wscale", 1.041)
        {
            CommitTimeout = 77,
            HasWindowTracking = true,
            Lives = [new(1, 0.030), new(2, 0.353)],
        },
        new("ftfw-udp-synproxy", 1.046) { Lives = [new(1, 0.041), new(2, 0.361)] },
        new("ftfw-expect-ftp", 1.105)
        {
            AckWindow = 50,
            Lives = [new(1, 0.099), new(2, 0.420)],
            Acts = [new(7.471, 1, ActKind.ResyncDump, 21), new(7.685, 1, ActKind.Bulk)],
            OwnFrames = [new(21)],
        },
        new("ftfw-udp6", 1.014) { Lives = [new(1, 0), new(2, 0.654)] },
        new("ftfw-udp-nocsum", 1.008) { Lives = [new(1, 0), new(2, 0.674)] },
        new("ftfw-mcast", 1.018) { AckWindow = 20, Lives = [new(1, 0), new(2, 0.692)], OwnFrames = [new(15)] },
        new("ftfw-mcast6", 1.040) { Lives = [new(1, 0), new(2, 0.691)] },
    ];

    /// <summary>The datagrams of all links in their order, at the times of the log.</summary>
    public List<RecordedDatagram> Datagrams()
    {
        List<RecordedDatagram> datagrams = Link(Name, FirstFrame, frames: 0, firstSpeaker: 1);
        if (FirstFrameOfSecondLink is { } first)
            datagrams.AddRange(Link(Name + "-link2", first, SecondLink, firstSpeaker: 2));
        return datagrams;
    }

    private static List<RecordedDatagram> Link(string name, double firstFrame, int frames, int firstSpeaker)
    {
        List<RecordedDatagram> datagrams = Pcap.Read(name);
        byte[] speaker = datagrams[0].Source;
        return
        [
            .. datagrams.Select(datagram => datagram with
            {
                Frame = datagram.Frame + frames,
                Microseconds = datagram.Microseconds + Microseconds(firstFrame),
                Node = datagram.Source.SequenceEqual(speaker) ? firstSpeaker : 3 - firstSpeaker,
            }),
        ];
    }

    public static long Microseconds(double seconds) =>
        seconds > 1e6 ? long.MaxValue : (long)Math.Round(seconds * 1e6);
}
