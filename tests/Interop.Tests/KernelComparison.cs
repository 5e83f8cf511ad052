using TwinTrack.Conntrack;

namespace TwinTrack.Interop.Tests;

/// <summary>Compares two kernels' tables after a commit, attribute by attribute.</summary>
internal static class KernelComparison
{
    private const long TimeoutTolerance = 4; // seconds: each kernel, each daemon and the clock between them round

    /// <summary>Compares what was sent, less the known losses, with what was committed.</summary>
    /// <returns>The differences that no known loss explains, and the known losses that did not happen.</returns>
    public static IReadOnlyList<string> Compare(
        List<PackedFlow> sent, List<PackedFlow> committed, Make sender, Make receiver, bool tracksWindows)
    {
        List<Loss> losses = [.. Losses.OfKernels(sender, receiver, tracksWindows)];
        HashSet<Loss> seen = [];
        Dictionary<string, Dictionary<string, string>> expected = [];
        foreach (PackedFlow flow in sent)
        {
            Dictionary<string, string> values = FlowAttributes.Of(in flow);
            foreach (Loss loss in losses)
            {
                if (loss.Apply(values)) seen.Add(loss);
            }

            // What a loss makes indistinguishable is one flow from then on.
            expected[KeyOf(values)] = values;
        }

        List<string> unexpected = [];
        foreach (PackedFlow flow in committed)
        {
            Dictionary<string, string> values = FlowAttributes.Of(in flow);
            if (!expected.Remove(KeyOf(values), out Dictionary<string, string>? wanted))
                unexpected.Add($"{KeyOf(values)} was never sent");
            else
                unexpected.AddRange(Differences(wanted, values));
        }

        unexpected.AddRange(expected.Keys.Select(key => $"{key} was not committed"));
        return [.. unexpected, .. losses.Except(seen).Select(loss => $"not seen: {loss.Reason}")];
    }

    private static IEnumerable<string> Differences(Dictionary<string, string> wanted, Dictionary<string, string> found)
    {
        foreach (string name in wanted.Keys.Union(found.Keys, StringComparer.Ordinal))
        {
            string before = wanted.GetValueOrDefault(name, "absent");
            string after = found.GetValueOrDefault(name, "absent");
            if (before != after && !(name == FlowAttributes.Timeout && IsClose(before, after)))
                yield return $"{KeyOf(wanted)}: {name} is {after} instead of {before}";
        }
    }

    private static bool IsClose(string left, string right) =>
        Math.Abs(long.Parse(left) - long.Parse(right)) <= TimeoutTolerance;

    private static string KeyOf(Dictionary<string, string> values) =>
        $"{values[FlowAttributes.Original]} zone {values.GetValueOrDefault(FlowAttributes.Zone, "0")}";
}
