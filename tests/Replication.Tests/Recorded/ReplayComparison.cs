using TwinTrack.Replication.Wire;
using Xunit;

namespace TwinTrack.Replication.Tests;

/// <summary>Compares what we said with what was recorded, message by message; sequence numbers aside.</summary>
internal static class ReplayComparison
{
    /// <summary>Fails the test unless both say the same.</summary>
    /// <param name="where">For the failure.</param>
    /// <param name="recorded">The original's messages.</param>
    /// <param name="ours">Ours.</param>
    /// <param name="also">Messages that we say besides.</param>
    /// <param name="isAnyOrder">The flows may come in another order (that of the cache).</param>
    public static void Check(
        string where, List<byte[]> recorded, List<byte[]> ours, List<byte[]> also, bool isAnyOrder)
    {
        List<string> expected = [.. recorded.Concat(also).Select(AsOurs).Select(Describe)];
        List<string> actual = [.. ours.Select(Describe)];
        if (isAnyOrder)
        {
            expected.Sort(StringComparer.Ordinal);
            actual.Sort(StringComparer.Ordinal);
        }

        string greetings = string.Join(' ', recorded.Concat(also).Select(Greetings));
        Assert.Equal(
            $"{where}\n{string.Join('\n', expected)}\n{greetings}",
            $"{where}\n{string.Join('\n', actual)}\n{string.Join(' ', ours.Select(Greetings))}");
    }

    public static bool IsFlow(byte[] message) => PeerHeader.Read(message).Type <= PeerMessageType.FlowDelete;

    /// <summary>Whether ours is what we say in the place of the recorded one.</summary>
    public static bool IsSameFlow(byte[] recorded, byte[] ours) =>
        IsFlow(recorded) && string.Equals(Describe(AsOurs(recorded)), Describe(ours), StringComparison.Ordinal);

    private static byte[] AsOurs(byte[] message) => IsFlow(message)
        ? [.. message[..PeerHeader.Size], .. RecordedBody.AsOurs(message.AsSpan(PeerHeader.Size), out _, IsEnd(message))]
        : message;

    private static bool IsEnd(byte[] message) => PeerHeader.Read(message).Type == PeerMessageType.FlowDelete;

    private static PeerFlags Greetings(byte[] message) => PeerHeader.Read(message).Flags & PeerFlags.Greetings;

    private static string Describe(byte[] message)
    {
        PeerHeader header = PeerHeader.Read(message);
        if (header.Type == PeerMessageType.Control)
        {
            PeerFlags kind = header.Flags & ~PeerFlags.Greetings;
            if (!header.HasRange) return kind.ToString();
            (Seq from, Seq to) = PeerHeader.ReadRange(message);
            return $"{kind} {from.Value}..{to.Value}";
        }

        return $"{header.Type} {Convert.ToHexString(message.AsSpan(PeerHeader.Size))}";
    }
}
