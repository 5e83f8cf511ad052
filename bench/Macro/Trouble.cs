namespace TwinTrack.Bench;

/// <summary>What goes wrong on the link or with a daemon while flows are replicated.</summary>
internal enum TroubleKind
{
    /// <summary>Datagrams are lost at random in both directions.</summary>
    Loss,

    /// <summary>One frame in four is overtaken by later ones.</summary>
    Reordering,

    /// <summary>Nothing passes for 10 s, in which half of the flows come and a quarter go.</summary>
    Partition,

    /// <summary>Flows are made on both firewalls at once.</summary>
    BothActive,

    /// <summary>
    /// The primary's daemon stands still while half of the flows come and a quarter go: events are lost.
    /// </summary>
    EventLoss,

    /// <summary>The backup is killed in the middle of the burst and started again.</summary>
    BackupRestart,
}

/// <summary>A kind of trouble and how to call it.</summary>
/// <param name="Kind">What happens.</param>
/// <param name="Percent">Of the datagrams, for <see cref="TroubleKind.Loss"/>.</param>
/// <param name="Workload">Its name, as <c>--only</c> takes it.</param>
/// <param name="Title">Its row in the table.</param>
internal sealed record Trouble(TroubleKind Kind, int Percent, string Workload, string Title)
{
    public static readonly Trouble[] All =
    [
        Loss(1), Loss(5), Loss(20), Loss(50),
        new(TroubleKind.Reordering, 0, "reorder", "one frame in four held back for up to 5 ms"),
        new(TroubleKind.Partition, 0, "partition",
            "partition of 10 s, half of the flows made and a quarter ended in it; from its end"),
        new(TroubleKind.BothActive, 0, "both", "half of the flows on each firewall at once; equal both ways"),
        new(TroubleKind.EventLoss, 0, "events",
            "half of the flows made and a quarter ended while nobody reads events; from the first read"),
        new(TroubleKind.BackupRestart, 0, "restart",
            "backup killed in the burst, started again with StartupResync; from its start"),
    ];

    /// <summary>The time from the trouble to equal caches.</summary>
    public Figure Time { get; } = new(Workload, Title, "s", 3);

    private static Trouble Loss(int percent) =>
        new(TroubleKind.Loss, percent, $"loss{percent}", $"{percent} % of the datagrams lost each way");
}
