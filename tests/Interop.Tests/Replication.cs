namespace TwinTrack.Interop.Tests;

/// <summary>Compares what one node knows of its kernel with what the other one was told.</summary>
internal static class Replication
{
    private const int MostNamed = 5;

    /// <summary>Waits until the receiver's external cache is the sender's internal one, as far as it is carried.</summary>
    public static TimeSpan WaitUntilEqual(Node sender, Node receiver, TimeSpan? patience = null) =>
        Eventually.Holds(() => Difference(sender, receiver), patience);

    /// <summary>Null, or what is missing or in surplus.</summary>
    public static string? Difference(Node sender, Node receiver)
    {
        // Listing many flows is work; counts tell most of the time that it would be in vain.
        if (sender.Counts().Internal == 0 && receiver.Counts().External != 0) return "the receiver is not empty";
        HashSet<FlowLine> expected = [.. sender.Internal().Select(line => Losses.Carried(line, sender.Make, receiver.Make))];
        List<FlowLine> lines = receiver.External();
        HashSet<FlowLine> actual = [.. lines];
        if (lines.Count != actual.Count) return "the external cache lists a flow twice";
        return expected.SetEquals(actual)
            ? null
            : $"{expected.Count} in the internal cache of {sender.Make}, {actual.Count} in the external cache of "
                + $"{receiver.Make}; missing: {Name(expected.Except(actual))}; surplus: {Name(actual.Except(expected))}";
    }

    private static string Name(IEnumerable<FlowLine> lines) =>
        string.Join("; ", lines.Take(MostNamed)) is { Length: > 0 } names ? names : "none";
}
