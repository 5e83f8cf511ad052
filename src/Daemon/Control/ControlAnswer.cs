using System.Text;
using TwinTrack.Replication;

namespace TwinTrack.Daemon.Control;

/// <summary>What is left of an answer after a piece of it was produced.</summary>
public enum AnswerState
{
    /// <summary>There is more.</summary>
    More,

    /// <summary>There may be more, but not before <see cref="ControlServer.Resume"/>.</summary>
    Held,

    /// <summary>That was all.</summary>
    End,
}

/// <summary>An answer to a client. It is asked for the next piece when the client has taken the last one.</summary>
/// <remarks>So a slow reader costs nothing but its place: nothing is rendered ahead of it.</remarks>
public abstract class ControlAnswer
{
    /// <summary>The connection is closed at once.</summary>
    public static ControlAnswer Empty { get; } = new BytesAnswer(default);

    /// <summary>Nothing is sent and the client waits until <see cref="ControlServer.Complete"/>.</summary>
    public static ControlAnswer UntilComplete { get; } = new HeldAnswer();

    /// <summary>Bytes that are ready.</summary>
    public static ControlAnswer FromBytes(ReadOnlyMemory<byte> bytes) => new BytesAnswer(bytes);

    /// <summary>A text that is ready.</summary>
    public static ControlAnswer FromText(string text) => new BytesAnswer(Encoding.UTF8.GetBytes(text));

    /// <summary>Produces the next piece.</summary>
    /// <param name="now">The clock.</param>
    /// <param name="slice">Takes the piece.</param>
    /// <param name="written">Its length; may be 0.</param>
    public abstract AnswerState Fill(Instant now, Span<byte> slice, out int written);

    /// <summary>The client is served, or gone.</summary>
    public virtual void Close()
    {
    }

    private sealed class BytesAnswer(ReadOnlyMemory<byte> bytes) : ControlAnswer
    {
        private ReadOnlyMemory<byte> _rest = bytes;

        public override AnswerState Fill(Instant now, Span<byte> slice, out int written)
        {
            written = Math.Min(_rest.Length, slice.Length);
            _rest.Span[..written].CopyTo(slice);
            _rest = _rest[written..];
            return _rest.IsEmpty ? AnswerState.End : AnswerState.More;
        }
    }

    private sealed class HeldAnswer : ControlAnswer
    {
        public override AnswerState Fill(Instant now, Span<byte> slice, out int written)
        {
            written = 0;
            return AnswerState.Held;
        }
    }
}
