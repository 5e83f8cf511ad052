using TwinTrack.Conntrack;
using TwinTrack.Replication;

namespace TwinTrack.Daemon.Control;

/// <summary>
/// Reads the next expectation of a cache, as <see cref="SyncEngine.ReadNextExpectation"/> does.
/// </summary>
public delegate bool ExpectationReader(
    ref ulong cursor, Instant now, ref PackedExpectation expectation, out EntryTimes times);

/// <summary>The answer to -i exp and -e exp: a cache, read as fast as the client takes it.</summary>
/// <param name="read">Reads the cache.</param>
/// <param name="isXml">Elements rather than lines.</param>
/// <param name="cacheTimeoutSeconds">Seconds after which an entry not heard of expires (ALARM); null: never.</param>
public sealed class ExpectationListing(ExpectationReader read, bool isXml, uint? cacheTimeoutSeconds) : ControlAnswer
{
    // " [expires in 4294967295s] [active since 4294967295s]" and the newline
    private const int TimesLength = 64;

    private readonly int _lineLength =
        (isXml ? ExpectationXml.MaxLength : ExpectationText.MaxLength) + TimesLength;
    private PackedExpectation _expectation;
    private ulong _cursor;

    /// <inheritdoc/>
    public override AnswerState Fill(Instant now, Span<byte> slice, out int written)
    {
        LineWriter line = new(slice);
        AnswerState state = AnswerState.More;
        while (slice.Length - line.Length >= _lineLength)
        {
            if (!read(ref _cursor, now, ref _expectation, out EntryTimes times))
            {
                state = AnswerState.End;
                break;
            }

            if (isXml) ExpectationXml.Write(ref line, in _expectation, default);
            else WriteLine(ref line, times);
            line.Write((byte)'\n');
        }

        written = line.Length;
        return state;
    }

    private void WriteLine(ref LineWriter line, EntryTimes times)
    {
        ExpectationText.Write(ref line, in _expectation, default);
        FlowListing.WriteTimes(ref line, times, cacheTimeoutSeconds);
    }
}
