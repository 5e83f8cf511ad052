using System.Globalization;
using TwinTrack.Daemon.Config;
using Xunit;

namespace TwinTrack.Daemon.Tests.Config;

public sealed class MutationTests
{
    private const int Rounds = 4_000;

    [Fact]
    public void A_file_cut_anywhere_is_read_or_refused() =>
        Assert.All(Samples.Names("valid").Select(Samples.Text), text =>
        {
            for (int length = 0; length < text.Length; length++) Survive(text[..length], $"cut at {length}");
        });

    [Fact]
    public void Damaged_files_are_read_or_refused()
    {
        string[] texts = [.. Samples.AllNames.Select(Samples.Text)];
        string[] pieces = string.Join(' ', texts).Split((char[]?)null, StringSplitOptions.RemoveEmptyEntries);
        for (int seed = 0; seed < Rounds; seed++)
        {
            var random = new Random(seed);
            string text = texts[random.Next(texts.Length)];
            for (int edits = random.Next(1, 4); edits > 0; edits--) text = Edit(random, text, pieces);
            Survive(text, string.Create(CultureInfo.InvariantCulture, $"seed {seed}"));
        }
    }

    private static string Edit(Random random, string text, string[] pieces)
    {
        int at = random.Next(text.Length + 1);
        int end = Math.Min(text.Length, at + random.Next(20));
        return random.Next(4) switch
        {
            0 => text.Remove(at, end - at),
            1 => text.Insert(at, $" {pieces[random.Next(pieces.Length)]} "),
            2 => text.Insert(at, ((char)random.Next(256)).ToString()),
            _ => text.Insert(at, "{}#;/\"\n\0"[random.Next(8)].ToString()),
        };
    }

    // Either an error with its place, or a configuration that survives being printed.
    private static void Survive(string text, string how)
    {
        ConfigResult result = ConfigReader.Parse("x", text, Samples.Protocols);
        if (result.Config is not { } config)
        {
            Assert.True(result.Problems.Any(problem => problem is { Level: ProblemLevel.Error, Line: > 0 }), how);
            return;
        }

        DaemonConfig? again = ConfigReader.Parse("printed", Printer.Print(config), Samples.Protocols).Config;
        Assert.True(config.Equals(again), how);
    }
}
