using System.Diagnostics;
using TwinTrack.Cli.Output;
using TwinTrack.Conntrack;

namespace TwinTrack.Cli.Flows;

/// <summary>Writes flows in the format a command line asks for.</summary>
internal sealed class FlowPrinter
{
    private const int UsualLength = 4096;
    private const FlowTextParts Always = FlowTextParts.Timeout | FlowTextParts.Counters | FlowTextParts.Use;

    private readonly ByteOutput _output;
    private readonly OutputKind _kind;
    private readonly FlowTextParts _parts;
    private readonly IReadOnlyList<byte[]?>? _labels;
    private readonly bool _isDeletion;
    private bool _isFrameOpen;

    /// <summary>Prepares for the format of a request.</summary>
    public FlowPrinter(ByteOutput output, Request request)
    {
        _output = output;
        _kind = request.Output;
        CommandId command = request.CommandId;
        _isDeletion = command == CommandId.Delete;
        bool isEvent = command == CommandId.Event;
        bool isListed = command is CommandId.List or CommandId.Get || isEvent;

        _parts = Always;
        if (Wants(OutputKind.Extended)) _parts |= FlowTextParts.Family;
        if (Wants(OutputKind.Id) || Wants(OutputKind.Xml)) _parts |= FlowTextParts.Id;
        if (Wants(OutputKind.KernelTimestamp) && isListed) _parts |= FlowTextParts.KernelTimes;
        if (Wants(OutputKind.Timestamp) && isEvent) _parts |= FlowTextParts.EventTime;
        if (command != CommandId.Delete) _labels = request.LabelNames?.Names;
    }

    /// <summary>Writes a flow, or an event about it.</summary>
    /// <param name="flow">The flow.</param>
    /// <param name="happened">What happened to it; none for a flow that is only shown.</param>
    /// <param name="cause">Who caused an event; null for one that no program caused.</param>
    public void Print(
        in PackedFlow flow, FlowTextParts happened = FlowTextParts.None, EventCause? cause = null)
    {
        if (Wants(OutputKind.Xml)) OpenFrame();
        var style = new FlowTextStyle(_parts | happened, Now(in flow), _labels);
        for (int size = UsualLength; ; size *= 2)
        {
            Span<byte> place = _output.GetSpan(size);
            LineWriter line = new(place);
            Write(ref line, in flow, in style);
            if (cause is not null && !line.IsFull) WriteCause(ref line, place, cause);
            line.Write((byte)'\n');
            if (line.IsFull) continue;

            _output.Advance(line.Length);
            return;
        }
    }

    /// <summary>Ends what was opened.</summary>
    public void Finish()
    {
        if (_isFrameOpen) _output.Write("</conntrack>\n"u8);
        _isFrameOpen = false;
    }

    private void Write(ref LineWriter line, in PackedFlow flow, in FlowTextStyle style)
    {
        if (Wants(OutputKind.Save)) FlowSave.Write(ref line, in flow, SaveCommand(in style));
        else if (Wants(OutputKind.Json)) FlowJson.Write(ref line, in flow, in style);
        else if (Wants(OutputKind.Xml)) FlowXml.Write(ref line, in flow, in style);
        else FlowText.Write(ref line, in flow, in style);
    }

    private ReadOnlySpan<byte> SaveCommand(in FlowTextStyle style)
    {
        if (_isDeletion || style.Shows(FlowTextParts.Destroy)) return "-D"u8;
        return style.Shows(FlowTextParts.Update) ? "-U"u8 : "-A"u8;
    }

    private void OpenFrame()
    {
        if (_isFrameOpen) return;
        _isFrameOpen = true;
        _output.Write("<?xml version=\"1.0\" encoding=\"utf-8\"?>\n<conntrack>\n"u8);
    }

    // Asking for the time of day costs as much as formatting a number: only for those that show it.
    private ulong Now(in PackedFlow flow)
    {
        bool shows = flow.Has(FlowFields.TimestampStart) || (_parts & FlowTextParts.EventTime) != FlowTextParts.None;
        return shows ? Clock.Now() : 0;
    }

    private void WriteCause(ref LineWriter line, Span<byte> place, EventCause cause)
    {
        if (Wants(OutputKind.Save | OutputKind.Xml)) return;
        if (!Wants(OutputKind.Json))
        {
            WriteAscii(ref line, cause.Text);
            return;
        }

        // Two more members: the object is opened again at its end.
        int end = line.Length - 1;
        line = new LineWriter(place);
        line.Advance(end);
        line.Write(",\"port_id\":"u8);
        line.WriteNumber(cause.PortId);
        if (cause.Program is { } program)
        {
            line.Write(",\"program\":\""u8);
            WriteAscii(ref line, program.Replace('"', '?').Replace('\\', '?'));
            line.Write((byte)'"');
        }

        line.Write((byte)'}');
    }

    private static void WriteAscii(ref LineWriter line, string text)
    {
        foreach (char c in text)
        {
            Debug.Assert(char.IsAscii(c), "names of programs come without other characters");
            line.Write((byte)c);
        }
    }

    private bool Wants(OutputKind kind) => (_kind & kind) != OutputKind.None;
}
