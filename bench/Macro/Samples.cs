namespace TwinTrack.Bench;

/// <summary>One round of one set-up: what was measured, and why it may not count.</summary>
/// <param name="Workload">Which one.</param>
/// <param name="Subject">Who was measured, see <see cref="Subjects"/>.</param>
/// <param name="Round">From 1.</param>
internal sealed record RoundResult(string Workload, string Subject, int Round)
{
    private readonly Dictionary<Figure, double> _values = [];

    /// <summary>Why the figures do not count; empty if they do.</summary>
    public string Invalid { get; private set; } = "";

    /// <summary>What else is worth knowing of the round.</summary>
    public string Note { get; set; } = "";

    /// <summary>A figure of this round; null if it was not taken.</summary>
    public double? this[Figure figure] => _values.TryGetValue(figure, out double value) ? value : null;

    /// <summary>Takes a figure.</summary>
    public void Add(Figure figure, double value) => _values[figure] = value;

    /// <summary>Makes all figures of the round not count.</summary>
    /// <param name="reason">Why; null or empty changes nothing.</param>
    public void Invalidate(string? reason)
    {
        if (!string.IsNullOrEmpty(reason)) Invalid = Invalid.Length == 0 ? reason : $"{Invalid}; {reason}";
    }
}

/// <summary>Who is measured.</summary>
internal static class Subjects
{
    public const string Original = "original";
    public const string Ours = "ours";
    public const string AtOnce = "ours, no delay";
    public const string NoDaemon = "no daemon";
    public const string Listener = "idle listener";
}

/// <summary>All rounds of all set-ups.</summary>
internal sealed class Samples
{
    private readonly List<RoundResult> _rounds = [];

    /// <summary>In the order they ran.</summary>
    public IReadOnlyList<RoundResult> Rounds => _rounds;

    /// <summary>Whether a round did not count. That the original fails in trouble is a result.</summary>
    public bool HasInvalid => _rounds.Exists(round => round.Invalid.Length > 0
        && (round.Subject != Subjects.Original || Workloads.Standard.Contains(round.Workload)));

    /// <summary>Shares of the machine that others used, between the rounds.</summary>
    public List<double> OtherWork { get; } = [];

    /// <summary>Adds rounds.</summary>
    public void Add(IEnumerable<RoundResult> rounds) => _rounds.AddRange(rounds);

    /// <summary>The median of numbers; null if there are none.</summary>
    public static double? Median(IEnumerable<double> numbers)
    {
        double[] sorted = [.. numbers.Order()];
        if (sorted.Length == 0) return null;

        int middle = sorted.Length / 2;
        return sorted.Length % 2 == 1 ? sorted[middle] : (sorted[middle - 1] + sorted[middle]) / 2;
    }

    /// <summary>The median of the rounds that count; null if there is none.</summary>
    public double? Median(Figure figure, string subject) => Median(
        Of(figure.Workload, subject).Where(round => round.Invalid.Length == 0)
            .Select(round => round[figure]).OfType<double>());

    /// <summary>Rounds of one set-up in order.</summary>
    public IEnumerable<RoundResult> Of(string workload, string subject) =>
        _rounds.Where(round => round.Workload == workload && round.Subject == subject);
}
