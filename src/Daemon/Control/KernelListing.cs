using TwinTrack.Conntrack;
using TwinTrack.Replication;

namespace TwinTrack.Daemon.Control;

/// <summary>The answer to -i without internal cache: the kernel's table.</summary>
internal sealed class KernelListing : ControlAnswer, IDisposable
{
    private static readonly FlowTextStyle Style =
        new(FlowTextParts.Timeout | FlowTextParts.Counters | FlowTextParts.Use);

    private readonly TableReader _table = new();
    private PackedFlow _flow;

    public override AnswerState Fill(Instant now, Span<byte> slice, out int written)
    {
        LineWriter line = new(slice);
        AnswerState state = AnswerState.More;
        while (state == AnswerState.More && slice.Length - line.Length > FlowText.MaxLength)
        {
            if (_table.Read(ref _flow))
            {
                FlowText.Write(ref line, in _flow, in Style);
                line.Write((byte)'\n');
            }
            else
            {
                state = AnswerState.End;
            }
        }

        written = line.Length;
        return state;
    }

    public override void Close() => Dispose();

    public void Dispose() => _table.Dispose();
}
