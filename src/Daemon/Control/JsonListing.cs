using TwinTrack.Replication;

namespace TwinTrack.Daemon.Control;

/// <summary>Writes the next entry of a cache as a JSON object; false at the end.</summary>
internal delegate bool JsonEntryWriter(Instant now, ref Conntrack.LineWriter line);

/// <summary>
/// The answer to -i and -e as JSON: one object with a list, an entry a line, as fast as the client takes it.
/// </summary>
/// <param name="name">Name of the list.</param>
/// <param name="longestEntry">Bytes an entry has at most.</param>
/// <param name="write">Writes an entry.</param>
/// <param name="source">What the entries are read from, let go at the end; null for nothing.</param>
internal sealed class JsonListing(string name, int longestEntry, JsonEntryWriter write, IDisposable? source = null)
    : ControlAnswer
{
    private bool _isBegun;
    private bool _hasEntries;

    public override void Close() => source?.Dispose();

    public override AnswerState Fill(Instant now, Span<byte> slice, out int written)
    {
        Conntrack.LineWriter line = new(slice);
        if (!_isBegun) line.Write(System.Text.Encoding.ASCII.GetBytes($"{{\"{name}\":["));
        _isBegun = true;
        while (slice.Length - line.Length >= longestEntry + name.Length + 8)
        {
            Conntrack.LineWriter entry = line;
            entry.Write(_hasEntries ? ",\n"u8 : "\n"u8);
            if (!write(now, ref entry))
            {
                line.Write(_hasEntries ? "\n]}\n"u8 : "]}\n"u8);
                written = line.Length;
                return AnswerState.End;
            }

            line = entry;
            _hasEntries = true;
        }

        written = line.Length;
        return AnswerState.More;
    }
}
