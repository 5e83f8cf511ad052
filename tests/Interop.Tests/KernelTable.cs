using System.Text;
using TwinTrack.Conntrack;

namespace TwinTrack.Interop.Tests;

/// <summary>Compares a node's internal cache with its kernel's table, line by line.</summary>
internal static class KernelTable
{
    private const int MostNamed = 5;

    /// <summary>Waits until they are equal.</summary>
    /// <returns>How long it took.</returns>
    public static TimeSpan WaitUntilEqual(Node node, TimeSpan? patience = null) =>
        Eventually.Holds(() => Difference(node), patience);

    /// <summary>Null, or what is missing or in surplus.</summary>
    public static string? Difference(Node node)
    {
        HashSet<FlowLine> cached = [.. node.Internal().Select(WithoutZero)];
        HashSet<FlowLine> real = [.. node.Table().Select(Line).Select(WithoutZero)];
        return cached.SetEquals(real)
            ? null
            : $"{real.Count} in the kernel, {cached.Count} in the internal cache of {node.Make}; "
                + $"missing: {Name(real.Except(cached))}; surplus: {Name(cached.Except(real))}";
    }

    // An event does not carry a mark of 0, a dump does.
    private static FlowLine WithoutZero(FlowLine line) =>
        line with { Details = line.Details.Replace("mark=0", "", StringComparison.Ordinal).Trim() };

    private static FlowLine Line(PackedFlow flow)
    {
        Span<byte> buffer = stackalloc byte[FlowText.MaxLength];
        LineWriter writer = new(buffer);
        FlowText.Write(ref writer, in flow, new FlowTextStyle(FlowTextParts.None));
        return FlowLine.ParseAll(Encoding.ASCII.GetString(writer.Written).TrimEnd() + " [active since 0s]\n").Single();
    }

    private static string Name(IEnumerable<FlowLine> lines) =>
        string.Join("; ", lines.Take(MostNamed)) is { Length: > 0 } names ? names : "none";
}
