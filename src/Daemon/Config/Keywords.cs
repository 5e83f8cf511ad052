namespace TwinTrack.Daemon.Config;

/// <summary>The whole grammar: the sections of a configuration file, and what lies below them.</summary>
internal static class Keywords
{
    private const string BothSections = "cannot use both `Stats' and `Sync' clauses in conntrackd.conf";

    public static readonly Block File = new("the file",
    [
        new("General", "What holds for the daemon as a whole.") { Body = GeneralKeywords.General },
        new("Sync", "Replicate flows to other firewalls.")
        {
            Body = SyncKeywords.Sync,
            Open = (draft, at, _) =>
            {
                if (draft.StatsAt is not null) draft.Fail(at, BothSections);
                draft.Sync ??= new SyncDraft(at);
            },
        },
        new("Stats", "Log the flows that end; excludes Sync.")
        {
            Body = GeneralKeywords.Stats,
            Open = (draft, at, _) =>
            {
                if (draft.Sync is not null) draft.Fail(at, BothSections);
                draft.StatsAt ??= at;
            },
        },
        new("Helper", "Run connection tracking helpers in user space.")
        {
            Body = HelperKeywords.Helper,
            Open = (draft, _, _) => draft.Helper ??= new HelperDraft(),
        },
    ]);

    private static readonly HashSet<string> Names =
        All(File).Select(row => row.Keyword.Name).ToHashSet(StringComparer.Ordinal);

    /// <summary>Whether the word begins a statement somewhere and so cannot be a name.</summary>
    public static bool IsKeyword(string word) => Names.Contains(word);

    /// <summary>Titles of the blocks that know the keyword.</summary>
    public static IEnumerable<string> PlacesOf(string word) =>
        All(File)
            .Where(row => row.Keyword.Name == word)
            .Select(row => row.Block.Title)
            .Distinct(StringComparer.Ordinal);

    /// <summary>Every row below a block, with the block it stands in; a block reached twice comes once.</summary>
    public static IEnumerable<(Block Block, Keyword Keyword)> All(Block block) =>
        Blocks(block).Distinct().SelectMany(found => found.Keywords.Select(keyword => (found, keyword)));

    private static IEnumerable<Block> Blocks(Block block)
    {
        IEnumerable<Block> below = block.Keywords
            .SelectMany(keyword => keyword.Bodies?.Values ?? (keyword.Body is { } body ? [body] : []));
        return below.SelectMany(Blocks).Prepend(block);
    }
}
