using System.Text.Json;
using TwinTrack.Router.Config;
using TwinTrack.Router.Sync;
using Xunit;

namespace TwinTrack.Router.Tests;

/// <summary>What a commit does for a change.</summary>
public sealed class ChangeTests
{
    // What happens when a start fails is tried with a real daemon.
    private static readonly string[] _elsewhere = ["failed-start"];

    private static readonly JsonElement _cases = Samples.Json("12-changes", "cases.json");

    public static TheoryData<string> Names =>
    [
        .. _cases.EnumerateArray().Select(one => one.GetProperty("name").GetString()!)
            .Except(_elsewhere, StringComparer.Ordinal),
    ];

    [Theory]
    [MemberData(nameof(Names))]
    public void A_change_takes_the_actions_that_lose_least(string name)
    {
        JsonElement one = _cases.EnumerateArray().First(found => found.GetProperty("name").GetString() == name);
        string start = one.GetProperty("start").GetString()!;
        string sample = start.Length > 0 ? start : "04-new-multicast";
        Machine machine = Samples.Machine(Samples.Json(sample, "env.json"));
        ConfigNode full = Samples.Configuration(Samples.Text(sample, "set.txt"));
        ConfigNode before = start.Length > 0 ? full : ConfigNode.Empty();
        ConfigNode after = start.Length > 0 ? full.Clone() : full;
        if (start.Length > 0)
        {
            foreach (JsonElement command in one.GetProperty("commands").EnumerateArray())
            {
                List<string> words = WordSplitter.Split(command.GetString()!);
                if (words[0] == "set") after.Set(PathReader.ForSet(words[1..]));
                else after.Delete(PathReader.ForPlace(words[1..]));
            }
        }

        string[] expected = [.. one.GetProperty("actions").EnumerateArray().Select(action => action.GetString()!)];
        Assert.Equal(expected, ChangePlan.Between(Files(before, machine), Files(after, machine)));
    }

    private static RouterFiles Files(ConfigNode root, Machine machine) =>
        RouterFiles.Make(root, machine, new DaemonFiles(), "/hook", "/state");
}
