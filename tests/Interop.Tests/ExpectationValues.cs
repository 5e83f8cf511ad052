using System.Text;
using TwinTrack.Conntrack;

namespace TwinTrack.Interop.Tests;

/// <summary>An expectation of a kernel's dump as names and values, so that two can be compared.</summary>
internal sealed class ExpectationValues
{
    private const long TimeoutTolerance = 4; // seconds
    private const string Nat = "translation";
    private const string Class = "class";
    private const string Function = "function";

    private readonly Dictionary<string, string> _values = new(StringComparer.Ordinal);

    public ExpectationValues(in PackedExpectation expectation)
    {
        _values["tuple"] = Text(in expectation.Tuple);
        _values["mask"] = Text(in expectation.Mask);
        _values["master"] = Text(in expectation.Master);
        _values["timeout"] = expectation.Timeout.ToString();
        _values["flags"] = expectation.Flags.ToString();
        _values[Class] = expectation.Class.ToString();
        _values["helper"] = Name(expectation.Helper);
        if (expectation.Has(ExpectationFields.NatTuple))
            _values[Nat] = $"{expectation.NatDirection} {Text(in expectation.NatTuple)}";
        if (expectation.Has(ExpectationFields.Function)) _values[Function] = Name(expectation.Function);
    }

    /// <summary>The tuple, which tells the expectations of a test apart.</summary>
    public string Key => _values["tuple"];

    /// <summary>What is lost from the kernel of one to the kernel of the other after a commit: value and reason.</summary>
    public static IReadOnlyList<(string Reason, Action<ExpectationValues> Change)> Losses(Make sender, Make receiver)
    {
        var losses = new List<(string, Action<ExpectationValues>)>();
        if (receiver == Make.Original)
        {
            losses.Add(("the original commits no translation", values => values._values.Remove(Nat)));
            losses.Add(("the original commits no function", values => values._values.Remove(Function)));
            losses.Add(("the original commits no class", values => values._values[Class] = "0"));
        }
        else if (sender == Make.Original)
        {
            losses.Add(("the original sends no address of a translation over IPv6", LoseAddress));
        }

        return losses;
    }

    /// <summary>Compares what was sent, less the known losses, with what was committed.</summary>
    public static List<string> Compare(
        List<ExpectationValues> sent,
        List<ExpectationValues> committed,
        IReadOnlyList<(string Reason, Action<ExpectationValues> Change)> losses)
    {
        List<string> differences = [];
        foreach ((string reason, Action<ExpectationValues> change) in losses)
        {
            List<string> before = [.. sent.Select(values => values.ToString())];
            sent.ForEach(change);
            if (before.SequenceEqual(sent.Select(values => values.ToString()), StringComparer.Ordinal))
                differences.Add($"not seen: {reason}");
        }

        Dictionary<string, ExpectationValues> expected = sent.ToDictionary(values => values.Key, StringComparer.Ordinal);
        foreach (ExpectationValues found in committed)
        {
            if (expected.Remove(found.Key, out ExpectationValues? wanted)) differences.AddRange(wanted.Differences(found));
            else differences.Add($"{found.Key} was never sent");
        }

        differences.AddRange(expected.Keys.Select(key => $"{key} was not committed"));
        return differences;
    }

    public override string ToString() => string.Join(", ", _values.Select(value => $"{value.Key} {value.Value}"));

    private static void LoseAddress(ExpectationValues values)
    {
        if (values._values.TryGetValue(Nat, out string? nat))
            values._values[Nat] = nat.Replace("src=fd81:1::9", "src=::", StringComparison.Ordinal);
    }

    private IEnumerable<string> Differences(ExpectationValues found)
    {
        foreach (string name in _values.Keys.Union(found._values.Keys, StringComparer.Ordinal))
        {
            string before = _values.GetValueOrDefault(name, "absent");
            string after = found._values.GetValueOrDefault(name, "absent");
            if (before != after && !(name == "timeout" && IsClose(before, after)))
                yield return $"{Key}: {name} is {after} instead of {before}";
        }
    }

    private static bool IsClose(string left, string right) =>
        Math.Abs(long.Parse(left) - long.Parse(right)) <= TimeoutTolerance;

    private static string Text(in FlowTuple tuple) =>
        $"{tuple.Protocol} src={tuple.Source.ToText(tuple.Family)} dst={tuple.Destination.ToText(tuple.Family)} "
        + $"sport={tuple.SourcePort} dport={tuple.DestinationPort}";

    private static string Name(ReadOnlySpan<byte> padded) => Encoding.ASCII.GetString(padded).TrimEnd('\0');
}
