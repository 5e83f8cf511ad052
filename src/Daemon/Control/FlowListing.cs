using System.Diagnostics;
using TwinTrack.Conntrack;
using TwinTrack.Replication;

namespace TwinTrack.Daemon.Control;

/// <summary>Reads the next flow of a cache, as <see cref="SyncEngine.ReadNext"/> does.</summary>
public delegate bool FlowReader(ref ulong cursor, Instant now, ref PackedFlow flow, out EntryTimes times);

/// <summary>The answer to -i and -e: a cache, read as fast as the client takes it.</summary>
/// <param name="read">Reads the cache.</param>
/// <param name="style">What to show of a flow.</param>
/// <param name="isXml">Elements rather than lines.</param>
/// <param name="cacheTimeoutSeconds">Seconds after which an entry not heard of expires (ALARM); null: never.</param>
public sealed class FlowListing(FlowReader read, FlowTextStyle style, bool isXml, uint? cacheTimeoutSeconds)
    : ControlAnswer
{
    // " [expires in 4294967295s] [active since 4294967295s]" and the newline
    private const int TimesLength = 64;

    private readonly int _lineLength = (isXml ? FlowXml.MaxLength : FlowText.MaxLength) + TimesLength;
    private PackedFlow _flow;
    private ulong _cursor;

    /// <inheritdoc/>
    public override AnswerState Fill(Instant now, Span<byte> slice, out int written)
    {
        LineWriter line = new(slice);
        AnswerState state = AnswerState.More;
        while (slice.Length - line.Length >= _lineLength)
        {
            if (!read(ref _cursor, now, ref _flow, out EntryTimes times))
            {
                state = AnswerState.End;
                break;
            }

            if (isXml) FlowXml.Write(ref line, in _flow, in style);
            else WriteLine(ref line, times);
            line.Write((byte)'\n');
        }

        Debug.Assert(!line.IsFull, "the longest line fits");
        written = line.Length;
        return state;
    }

    private void WriteLine(ref LineWriter line, EntryTimes times)
    {
        FlowText.Write(ref line, in _flow, in style);
        WriteTimes(ref line, times, cacheTimeoutSeconds);
    }

    /// <summary>The end of a line: when the entry expires, and how old it is.</summary>
    internal static void WriteTimes(ref LineWriter line, EntryTimes times, uint? cacheTimeoutSeconds)
    {
        if (cacheTimeoutSeconds is { } timeout)
        {
            line.Write(" [expires in "u8);
            line.WriteSigned((long)timeout - times.IdleSeconds);
            line.Write("s]"u8);
        }

        line.Write(" [active since "u8);
        line.WriteNumber(times.AgeSeconds);
        line.Write("s]"u8);
    }
}
