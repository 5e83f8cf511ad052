using System.Globalization;
using Spectre.Console;
using Spectre.Console.Rendering;
using TwinTrack.Lab;

namespace TwinTrack.Programs;

/// <summary>Shows a run while it goes on: its steps, and how many connections move.</summary>
internal sealed class LabView
{
    private const string Levels = "▁▂▃▄▅▆▇█";
    private const int HistoryLength = 60;

    private static readonly TimeSpan RefreshInterval = TimeSpan.FromMilliseconds(100);

    private readonly LabSession _session;
    private readonly Queue<char> _history = new();

    private LabView(LabSession session) => _session = session;

    /// <summary>A file gets no colours, and lines that are not wrapped at the width of no terminal.</summary>
    public static void AdaptToOutput()
    {
        if (!Console.IsOutputRedirected) return;

        AnsiConsole.Profile.Capabilities.Ansi = false;
        AnsiConsole.Profile.Width = 140;
    }

    /// <summary>Shows the run until it ends; on anything but a terminal, a line for each step.</summary>
    public static void Show(LabSession session)
    {
        bool isTerminal = AnsiConsole.Profile.Capabilities.Interactive && !Console.IsOutputRedirected;
        if (isTerminal) new LabView(session).ShowLive();
        else ShowLines(session);
    }

    private static void ShowLines(LabSession session)
    {
        int shown = 0;
        bool isOver;
        do
        {
            isOver = session.Wait(RefreshInterval);
            foreach (LabStep step in session.Run.Progress.Steps().Where(step => step.IsDone).Skip(shown))
            {
                string outcome = step.Outcome.Length == 0 ? "" : $": {step.Outcome}";
                Console.WriteLine($"{Seconds(step.Elapsed)}  {step.Text}{outcome}");
                shown++;
            }
        }
        while (!isOver);
    }

    private void ShowLive() => AnsiConsole.Live(Draw()).AutoClear(enabled: false).Start(context =>
    {
        bool isOver;
        do
        {
            isOver = _session.Wait(RefreshInterval);
            context.UpdateTarget(Draw());
            context.Refresh();
        }
        while (!isOver);
    });

    private Rows Draw()
    {
        var steps = new Grid().AddColumns(4);
        foreach (LabStep step in _session.Run.Progress.Steps())
        {
            steps.AddRow(
                step.IsDone ? new Text("✓", new Style(Color.Green)) : new Text("…", new Style(Color.Yellow)),
                new Text(Seconds(step.Elapsed)),
                new Text(step.Text),
                new Text(step.Outcome, new Style(decoration: Decoration.Dim)));
        }

        return new Rows((IRenderable[])[steps, .. Traffic()]);
    }

    private IEnumerable<IRenderable> Traffic()
    {
        TcpLoadSample tcp = _session.Run.Sample();
        if (tcp.Open == 0) yield break;

        if (_history.Count == HistoryLength) _history.Dequeue();
        _history.Enqueue(Levels[tcp.Moving * (Levels.Length - 1) / tcp.Open]);
        Color colour = tcp.Moving == tcp.Open ? Color.Green : tcp.Moving == 0 ? Color.Red : Color.Yellow;
        yield return new Text($"  {string.Concat(_history)}", new Style(colour));

        double megabytes = tcp.Bytes / 1e6;
        string udp = _session.Run.SampleUdp() is { } stream ? $"   UDP {stream.Received} of {stream.Sent}" : "";
        yield return new Text(string.Create(
            CultureInfo.InvariantCulture,
            $"  {tcp.Moving} of {tcp.Open} connections moving, {tcp.Broken} broken, {megabytes:0.0} MB checked{udp}"));
    }

    private static string Seconds(TimeSpan time) =>
        string.Create(CultureInfo.InvariantCulture, $"{time.TotalSeconds,6:0.00} s");
}
