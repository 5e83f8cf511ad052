using TwinTrack.Lab;
using TwinTrack.Tests;
using Xunit;

namespace TwinTrack.Interop.Tests;

/// <summary>Commands of which the recorded original printed nothing print nothing, and leave with 0.</summary>
[Trait("needs", "root")]
public sealed class SilentCommandTests
{
    // What follows the command in a file's name and is no part of it.
    private static readonly string[] Places = ["peer", "node1", "node2", "again", "later"];

    private static readonly Dictionary<string, string> Sections = new(StringComparer.Ordinal)
    {
        ["alarm-multicast"] = KeywordPlace.Sync("Mode ALARM { }"),
        ["commit-small-hashsize"] = KeywordPlace.Sync(options: "Options { ExpectationSync on }"),
        ["ftfw-multicast"] = KeywordPlace.Sync(options: "Options { ExpectationSync on }"),
        ["ftfw-nat-marks"] = KeywordPlace.Sync(),
        ["ftfw-no-external"] = KeywordPlace.Sync("Mode FTFW { DisableExternalCache on }"),
        ["ftfw-peer-down"] = KeywordPlace.Sync(),
        ["notrack-cacheless-udp"] =
            KeywordPlace.Sync("Mode NOTRACK { DisableInternalCache on DisableExternalCache on }"),
        ["notrack-tcp"] = KeywordPlace.Sync("Mode NOTRACK { }"),
        ["notrack-tcp-peer-down"] = KeywordPlace.Sync("Mode NOTRACK { }"),
        ["notrack-udp"] = KeywordPlace.Sync("Mode NOTRACK { }"),
        ["stats-mode"] = "Stats { }",
    };

    public static TheoryData<string> Configurations => [.. Sections.Keys];

    [Theory, MemberData(nameof(Configurations))]
    public void What_printed_nothing_prints_nothing(string configuration)
    {
        string[] names =
        [
            .. File.ReadLines(Path.Combine(GoldenFiles.Root, "outputs", "silent.txt"))
                .Where(line => line.StartsWith(configuration + "/", StringComparison.Ordinal))
                .Select(line => Path.GetFileNameWithoutExtension(line)).OrderBy(name => name[0] == 'k'),
        ];
        Assert.NotEmpty(names);
        using var place = new KeywordPlace();
        place.Start("", Sections[configuration]);
        foreach (string name in names.Where(name => !name.StartsWith("k-", StringComparison.Ordinal)))
        {
            string[] arguments = Arguments(name);
            CommandResult result = place.Place.Control(arguments);
            Assert.Equal((0, "", ""), (result.ExitCode, result.Output, result.Errors));
        }
    }

    // i-exp-xml-node2 is -i exp -x, recorded on the second node.
    private static string[] Arguments(string name)
    {
        string[] parts = [.. name.Split('-').Except(Places, StringComparer.Ordinal)];
        return ["-" + parts[0], .. parts.Skip(1).Select(part => part == "xml" ? "-x" : part)];
    }
}
