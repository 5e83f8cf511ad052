using System.Globalization;

namespace TwinTrack.Fuzz;

/// <summary>The command line of the fuzzer.</summary>
internal static class Cli
{
    private const string Usage =
        """
        usage: fuzz TARGET|all SECONDS [SEED]        change the inputs of the corpus for so long
               fuzz TARGET|all SECONDS [SEED] grow   the same; what made something new happen is added to the corpus
               fuzz TARGET HEX                       try one input
               fuzz seed                             add the recordings of tests/golden to the corpora
        An input that fails is printed with the command that tries it again. The exit status is 1 if one failed.
        """;

    // The first ones found differ most from what was known.
    private const int MostGrown = 60;

    private static readonly IFormatProvider Invariant = CultureInfo.InvariantCulture;

    public static int Run(string[] args)
    {
        bool grows = args is [.., "grow"];
        if (grows) args = args[..^1];
        if (args is ["seed"]) return Seed();
        if (args is not [var name, var what, .. var rest]) return Refuse();

        Target[] targets = name == "all" ? [.. Target.All] : [.. Target.All.Where(target => target.Name == name)];
        if (targets.Length == 0) return Refuse();
        if (int.TryParse(what, Invariant, out int seconds) && what.Length < 7)
        {
            int seed = rest is [var text] && int.TryParse(text, Invariant, out int given) ? given : Environment.TickCount;
            return targets.Sum(target => Walk(target, TimeSpan.FromSeconds(seconds), seed, grows)) == 0 ? 0 : 1;
        }

        return targets.Length == 1 && rest is [] ? TryOne(targets[0], Convert.FromHexString(what)) : Refuse();
    }

    private static int Refuse()
    {
        Console.Error.WriteLine(Usage);
        Console.Error.WriteLine("targets: " + string.Join(' ', Target.All.Select(target => target.Name)));
        return 2;
    }

    private static int Seed()
    {
        foreach (Target target in Target.All)
            Console.WriteLine($"{target.Name}: {Corpus.Add(target, target.Seeds(), "recorded, see tests/golden")} added");
        return 0;
    }

    private static int TryOne(Target target, byte[] input)
    {
        Console.WriteLine($"survived: {target.Run(input):x16}");
        return 0;
    }

    private static int Walk(Target target, TimeSpan time, int seed, bool grows)
    {
        var discovery = new Discovery(target, Corpus.Read(target));
        (byte[] Input, Exception Error)? failure =
            discovery.Replay() ?? discovery.Walk(seed, long.MaxValue, time, keepsCurrent: true);
        Console.WriteLine($"{target.Name}: {discovery.Tried} inputs, {discovery.Found.Count} made something new happen");
        if (failure is var (input, error))
        {
            Console.WriteLine(error);
            Console.WriteLine($"again: dotnet run --project tests/fuzz -- {target.Name} {Convert.ToHexString(input)}");
            return 1;
        }

        if (!grows) return 0;
        string remark = $"found by changing the others, seed {seed.ToString(Invariant)}";
        Console.WriteLine($"{Corpus.Add(target, discovery.Found.Take(MostGrown), remark)} added to {Corpus.PathOf(target)}");
        return 0;
    }
}
