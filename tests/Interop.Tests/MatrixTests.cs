using System.Text;
using TwinTrack.Lab;
using Xunit;

namespace TwinTrack.Interop.Tests;

/// <summary>
/// Every mode over every kind of link, ours and the original in both roles. Long: it runs when it is asked for, and
/// writes a table of what each cell came to.
/// </summary>
[Trait("needs", "root")]
[Trait("tier", "soak")]
public sealed class MatrixTests : IClassFixture<MatrixTable>
{
    private static readonly string[] Modes = ["FTFW", "NOTRACK", "ALARM"];
    private static readonly (SyncChannel Channel, bool IsIPv6)[] Links =
    [
        (SyncChannel.Udp, false), (SyncChannel.Udp, true), (SyncChannel.Multicast, false),
        (SyncChannel.Multicast, true), (SyncChannel.Tcp, false), (SyncChannel.Tcp, true),
    ];

    private readonly MatrixTable _table;

    public MatrixTests(MatrixTable table) => _table = table;

    /// <summary>Mode, kind of link, over IPv6, sender, receiver.</summary>
    public static TheoryData<string, SyncChannel, bool, Make, Make> Cells
    {
        get
        {
            var cells = new TheoryData<string, SyncChannel, bool, Make, Make>();
            foreach (string mode in Modes)
            {
                foreach ((SyncChannel channel, bool isIPv6) in Links)
                {
                    foreach (Make sender in Enum.GetValues<Make>())
                        foreach (Make receiver in Enum.GetValues<Make>())
                            cells.Add(mode, channel, isIPv6, sender, receiver);
                }
            }

            return cells;
        }
    }

    [Theory]
    [MemberData(nameof(Cells))]
    public void Flows_live_change_end_survive_restarts_and_are_committed(
        string mode, SyncChannel channel, bool isIPv6, Make sender, Make receiver)
    {
        string row = $"{mode}, {channel}{(isIPv6 ? " over IPv6" : "")}";
        string cell = $"{sender} to {receiver}";
        try
        {
            Walk(mode, channel, isIPv6, sender, receiver);
            _table.Add(row, cell, "equal");
        }
        catch (Exception failure)
        {
            _table.Add(row, cell, failure.Message.Split('\n', ';')[0]);
            if (sender != Make.Original || receiver != Make.Original) throw; // what fails without ours is a result
        }
    }

    private static void Walk(string mode, SyncChannel channel, bool isIPv6, Make sender, Make receiver)
    {
        using Pair pair = Pair.Build(sender, receiver, channel, isIPv6);
        pair.First.Config = InMode(pair.First.Config, mode);
        pair.Second.Config = InMode(pair.Second.Config, mode);
        pair.Start();
        FlowKinds.GiveLabels(pair.First);
        FlowKinds.GiveLabels(pair.Second);

        pair.First.Create([.. FlowKinds.All(sender)]);
        WaitUntilEqual(pair, "created");
        pair.First.WithKernel(FlowKindTests.Change);
        WaitUntilEqual(pair, "changed");
        pair.First.WithKernel(client => FlowKindTests.Delete(client, sender));
        WaitUntilEqual(pair, "ended");

        pair.Second.Daemon.Kill();
        pair.Second.Start();
        if (mode != "ALARM") pair.Second.Do("-n");
        WaitUntilEqual(pair, "receiver restarted");

        pair.First.Daemon.Kill();
        pair.Second.Do("-f", "external");
        pair.First.Start();
        if (mode != "ALARM") pair.First.Do("-B");
        WaitUntilEqual(pair, "sender restarted");

        pair.Second.Do("-c");
        IReadOnlyList<string> unexplained = KernelComparison.Compare(
            pair.First.Table(), pair.Second.Table(), sender, receiver, tracksWindows: false);
        if (unexplained.Count > 0) Assert.Fail($"committed: {string.Join("; ", unexplained)}");
    }

    private static SyncConfig InMode(SyncConfig config, string mode) => config with
    {
        Mode = mode,
        ModeLines = mode == "ALARM" ? "RefreshTime 2\nCacheTimeout 6" : "",
    };

    private static void WaitUntilEqual(Pair pair, string moment)
    {
        try
        {
            pair.WaitUntilEqual();
        }
        catch (Exception failure)
        {
            Assert.Fail($"{moment}: {failure.Message}");
        }
    }
}

/// <summary>Collects what the cells came to, and writes it as Markdown at the end.</summary>
public sealed class MatrixTable : IDisposable
{
    private const string Path = "interop-matrix.md";

    private readonly SortedDictionary<string, SortedDictionary<string, string>> _rows = new(StringComparer.Ordinal);

    public void Add(string row, string cell, string outcome)
    {
        lock (_rows)
        {
            if (!_rows.TryGetValue(row, out SortedDictionary<string, string>? cells))
                _rows.Add(row, cells = new(StringComparer.Ordinal));
            cells[cell] = outcome;
        }
    }

    public void Dispose()
    {
        if (_rows.Count == 0) return;
        IEnumerable<string> cellNames = _rows.Values.SelectMany(cells => cells.Keys).Distinct(StringComparer.Ordinal);
        string[] columns = [.. cellNames.Order(StringComparer.Ordinal)];
        var text = new StringBuilder();
        text.AppendLine($"| mode and link | {string.Join(" | ", columns)} |");
        text.AppendLine($"|---|{string.Concat(columns.Select(_ => "---|"))}");
        foreach ((string row, SortedDictionary<string, string> cells) in _rows)
        {
            IEnumerable<string> outcomes = columns.Select(column => cells.GetValueOrDefault(column, "").Replace('|', '/'));
            text.AppendLine($"| {row} | {string.Join(" | ", outcomes)} |");
        }

        File.WriteAllText(System.IO.Path.Combine(AppContext.BaseDirectory, Path), text.ToString());
    }
}
