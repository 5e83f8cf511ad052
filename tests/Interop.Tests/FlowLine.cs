using System.Globalization;

namespace TwinTrack.Interop.Tests;

/// <summary>A line of <c>conntrackd -i</c> or <c>-e</c>, taken apart. The age is left out: it is never the same.</summary>
/// <param name="Protocol">Number of the IP protocol.</param>
/// <param name="State">State of TCP or SCTP; empty for others.</param>
/// <param name="Original">The original tuple as printed.</param>
/// <param name="Reply">The reply tuple as printed; empty in external caches.</param>
/// <param name="Marks">[UNREPLIED] and [ASSURED].</param>
/// <param name="Details">mark, zone, helper and so on, as printed.</param>
internal sealed record FlowLine(
    byte Protocol, string State, string Original, string Reply, string Marks, string Details)
{
    private static readonly string[] TupleParts =
        ["src", "dst", "sport", "dport", "srckey", "dstkey", "type", "code", "id", "zone-orig", "zone-reply"];

    /// <summary>Reads all lines of a listing; a damaged line is an error.</summary>
    public static List<FlowLine> ParseAll(string listing)
    {
        if (listing.Length > 0 && !listing.EndsWith('\n'))
            throw new FormatException("the listing ends in the middle of a line");
        return [.. listing.Split('\n', StringSplitOptions.RemoveEmptyEntries).Select(Parse)];
    }

    // tcp      6 ESTABLISHED src=... dst=... sport=1 dport=2 [UNREPLIED] src=... [ASSURED] mark=0 [active since 3s]
    private static FlowLine Parse(string line)
    {
        int age = line.IndexOf(" [active since ", StringComparison.Ordinal);
        if (age < 0) throw new FormatException($"no age: {line}");

        // Mode ALARM tells besides when an external entry expires.
        int expiry = line.IndexOf(" [expires in ", StringComparison.Ordinal);
        string[] words = line[..(expiry < 0 ? age : expiry)].Split(' ', StringSplitOptions.RemoveEmptyEntries);
        if (words.Length < 4 || !byte.TryParse(words[1], CultureInfo.InvariantCulture, out byte protocol))
            throw new FormatException($"not a flow: {line}");

        bool hasState = !words[2].Contains('=', StringComparison.Ordinal);
        List<string> original = [], reply = [], marks = [], details = [];
        bool isReply = false;
        foreach (string word in words.Skip(hasState ? 3 : 2))
        {
            string name = word.Split('=')[0];
            isReply |= name == "src" && original.Count > 0;
            if (word.StartsWith('[')) marks.Add(word);
            else if (!TupleParts.Contains(name, StringComparer.Ordinal)) details.Add(word);
            else if (isReply) reply.Add(word);
            else original.Add(word);
        }

        return new FlowLine(
            protocol, hasState ? words[2] : "", string.Join(' ', original), string.Join(' ', reply),
            string.Join(' ', marks), string.Join(' ', details));
    }
}
