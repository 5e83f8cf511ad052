using System.Globalization;
using System.Text;

namespace TwinTrack.Bench;

/// <summary>The tables of a run as Markdown: ratios first, then every round.</summary>
internal sealed class Report(BenchOptions options, Samples samples)
{
    private const string NotTaken = "–";
    private const string DoesNotCount = "INVALID";

    private readonly StringBuilder _text = new();

    /// <summary>The tables of the medians.</summary>
    public string Summary()
    {
        _text.Clear();
        foreach (string workload in Workloads.Standard.Where(options.Has)) WriteSummary(workload);
        WriteTrouble();
        return _text.ToString();
    }

    /// <summary>The whole document.</summary>
    /// <param name="machine">Lines about the machine and the programs.</param>
    /// <param name="elapsed">How long the run took.</param>
    public string Document(IEnumerable<string> machine, TimeSpan elapsed)
    {
        string summary = Summary();
        _text.Clear();
        _text.AppendLine("# conntrackd side by side: original and ours").AppendLine();
        _text.AppendLine($"    {options.CommandLine}").AppendLine();
        foreach (string line in machine) _text.AppendLine($"- {line}");
        _text.AppendLine($"- rounds: {options.Rounds}, original and ours by turns, {elapsed.TotalSeconds:0} s in all");
        _text.AppendLine(
            $"- other programs used {Percent(Samples.Median(samples.OtherWork), 1)} of the machine before each set-up "
            + $"(median), {Percent(samples.OtherWork.Max(), 1)} at most");
        _text.AppendLine();
        _text.AppendLine(
            """
            Medians of the rounds. A round counts only if at its end both daemons held the same flows and the kernel
            had dropped no event; otherwise it is marked INVALID. The ratio is ours divided by the original's. CPU is
            that of the daemon and of the children it started. Bytes are UDP payload, acknowledgements included. Both
            ran FT-FW over UDP on the normal scheduler with one configuration.
            """).AppendLine();
        _text.Append(summary);
        _text.AppendLine("## Every round").AppendLine();
        foreach (string workload in Workloads.All.Where(options.Has)) WriteRounds(workload);
        return _text.ToString();
    }

    private void WriteSummary(string workload)
    {
        WriteTable(
            Workloads.Title(workload, options), "figure",
            Figures.All.Where(figure => figure.Workload == workload));
        if (workload == Workloads.Http)
        {
            WriteTable(
                "The same with AnnounceDelay 0", "figure",
                Figures.All.Where(figure => figure.Workload == workload), Subjects.AtOnce);
            WriteRequests();
        }

        WriteInvalid(workload);
    }

    private void WriteTrouble()
    {
        Trouble[] troubles = [.. Trouble.All.Where(trouble => options.Has(trouble.Workload))];
        if (troubles.Length == 0) return;

        WriteTable(
            $"Trouble: time to equal caches with {options.Flows:N0} flows", "trouble",
            troubles.Select(trouble => trouble.Time));
        foreach (Trouble trouble in troubles) WriteInvalid(trouble.Workload);
    }

    private void WriteTable(
        string title, string head, IEnumerable<Figure> figures, string subject = Subjects.Ours)
    {
        _text.AppendLine($"## {title}").AppendLine();
        _text.AppendLine($"| {head} | unit | original | ours | ratio |").AppendLine("|---|---|---:|---:|---:|");
        foreach (Figure figure in figures)
        {
            bool isTaken = samples.Of(figure.Workload, Subjects.Original).Any();
            double? original = samples.Median(figure, Subjects.Original);
            double? ours = samples.Median(figure, subject);
            _text.AppendLine(
                $"| {figure.Name} | {figure.Unit} | {(isTaken ? Format(figure, original) : NotTaken)} "
                + $"| {Format(figure, ours)} "
                + $"| {Ratio(ours, original)} |");
        }

        _text.AppendLine();
    }

    private void WriteInvalid(string workload)
    {
        IEnumerable<RoundResult> invalid =
            samples.Rounds.Where(round => round.Workload == workload && round.Invalid.Length > 0);
        foreach (var subject in invalid.GroupBy(round => round.Subject, StringComparer.Ordinal))
        {
            int all = samples.Of(workload, subject.Key).Count();
            _text.AppendLine(
                $"{DoesNotCount}: {workload}, {subject.Count()} of {all} rounds of {subject.Key}: "
                + subject.First().Invalid);
            _text.AppendLine();
        }
    }

    private void WriteRequests()
    {
        double? none = samples.Median(Figures.Requests, Subjects.NoDaemon);
        double? listener = samples.Median(Figures.Requests, Subjects.Listener);
        _text.AppendLine(
            "| on the firewalls | requests/s | of no daemon | of the idle listener "
            + "| CPU per connection, primary [µs] |");
        _text.AppendLine("|---|---:|---:|---:|---:|");
        foreach (string subject in (string[])[Subjects.NoDaemon, Subjects.Listener, Subjects.Original, Subjects.Ours,
            Subjects.AtOnce])
        {
            double? rate = samples.Median(Figures.Requests, subject);
            _text.Append($"| {subject} | {Format(Figures.Requests, rate)} ");
            _text.Append($"| {Percent(rate, none)} | {Percent(rate, listener)} ");
            double? cpu = samples.Median(Figures.HttpPrimary, subject);
            _text.AppendLine($"| {(cpu is { } used ? Figures.HttpPrimary.Format(used) : NotTaken)} |");
        }

        _text.AppendLine();
    }

    private void WriteRounds(string workload)
    {
        RoundResult[] rounds = [.. samples.Rounds.Where(round => round.Workload == workload)];
        Figure[] figures = [.. Figures.All.Where(figure => Array.Exists(rounds, round => round[figure] is not null))];
        string head = string.Concat(rounds.Select(round => $" {round.Subject} {round.Round} |"));
        _text.AppendLine($"| {workload} |{head}");
        _text.AppendLine("|---|" + string.Concat(rounds.Select(_ => "---:|")));
        foreach (Figure figure in figures)
        {
            string unit = figure.Unit.Length == 0 ? "" : $" [{figure.Unit}]";
            string cells = string.Concat(
                rounds.Select(round => $" {(round[figure] is { } value ? figure.Format(value) : NotTaken)} |"));
            _text.AppendLine($"| {figure.Name}{unit} |{cells}");
        }

        _text.AppendLine();
        foreach (RoundResult round in rounds)
        {
            if (round.Invalid.Length > 0)
                _text.AppendLine($"- {round.Subject} {round.Round}: {DoesNotCount}: {round.Invalid}");
            if (round.Note.Length > 0) _text.AppendLine($"- {round.Subject} {round.Round}: {round.Note}");
        }

        _text.AppendLine();
    }

    private static string Format(Figure figure, double? value) =>
        value is { } number ? figure.Format(number) : DoesNotCount;

    private static string Ratio(double? value, double? reference) =>
        value is { } number && reference is > 0
            ? (number / reference.Value).ToString("0.00", CultureInfo.InvariantCulture)
            : NotTaken;

    private static string Percent(double? value, double? reference) =>
        value is { } number && reference is > 0
            ? (number / reference.Value).ToString("0.0 %", CultureInfo.InvariantCulture)
            : NotTaken;
}
