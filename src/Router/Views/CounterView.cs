namespace TwinTrack.Router.Views;

/// <summary><c>show conntrack statistics</c>: counters of the kernel, a row for each processor.</summary>
internal static class CounterView
{
    private static readonly (string Name, string Title)[] _columns =
    [
        ("found", "Found"), ("invalid", "Invalid"), ("insert", "Insert"), ("insert_failed", "Insert fail"),
        ("drop", "Drop"), ("early_drop", "Early drop"), ("error", "Errors"), ("search_restart", "Search restart"),
        ("clash_resolve", "Clash resolve"), ("chaintoolong", "Chain too long"),
    ];

    /// <summary>The table.</summary>
    /// <param name="counters">What <c>conntrack -S</c> prints.</param>
    public static string Text(string counters)
    {
        var table = new SimpleTable(["CPU", .. _columns.Select(column => column.Title)]);
        foreach (string line in counters.Split('\n', StringSplitOptions.RemoveEmptyEntries))
        {
            Dictionary<string, string> values = line.Split((char[])[' ', '\t'], StringSplitOptions.RemoveEmptyEntries)
                .Select(pair => pair.Split('=', 2))
                .Where(pair => pair.Length == 2)
                .ToDictionary(pair => pair[0], pair => pair[1], StringComparer.Ordinal);
            IEnumerable<string> cells = _columns.Select(column => values.GetValueOrDefault(column.Name, "0"));
            table.Add([values.GetValueOrDefault("cpu", ""), .. cells]);
        }

        return table.ToString();
    }
}
