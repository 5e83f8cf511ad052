using TwinTrack.Conntrack;
using TwinTrack.Conntrack.Kernel;
using TwinTrack.Replication;

namespace TwinTrack.Daemon.Control;

/// <summary>The answer to -i without internal cache: the kernel's table, read as fast as the client takes it.</summary>
internal sealed class KernelListing : ControlAnswer, IDisposable
{
    // Each read makes the kernel write the next part, so there is nothing to wait for unless memory is short.
    private const int PatienceMilliseconds = 10;

    private static readonly FlowTextStyle Style =
        new(FlowTextParts.Timeout | FlowTextParts.Counters | FlowTextParts.Use);

    private readonly FlowDump _dump = new();
    private PackedFlow _flow;

    public KernelListing() => _dump.Start();

    public override AnswerState Fill(Instant now, Span<byte> slice, out int written)
    {
        LineWriter line = new(slice);
        AnswerState state = AnswerState.More;
        while (state == AnswerState.More && slice.Length - line.Length > FlowText.MaxLength)
        {
            switch (_dump.Read(ref _flow))
            {
                case DumpStatus.Flow:
                    FlowText.Write(ref line, in _flow, in Style);
                    line.Write((byte)'\n');
                    break;
                case DumpStatus.WouldBlock when _dump.Wait(PatienceMilliseconds):
                    break;
                default:
                    state = AnswerState.End;
                    break;
            }
        }

        written = line.Length;
        return state;
    }

    public override void Close() => Dispose();

    public void Dispose() => _dump.Dispose();
}
