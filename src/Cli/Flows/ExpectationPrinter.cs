using TwinTrack.Cli.Output;
using TwinTrack.Conntrack;

namespace TwinTrack.Cli.Flows;

/// <summary>Writes expectations in the format a command line asks for.</summary>
internal sealed class ExpectationPrinter(ByteOutput output, Request request)
{
    private readonly OutputKind _kind = request.Output;
    private bool _isFrameOpen;

    /// <summary>Writes an expectation, or an event about it.</summary>
    /// <param name="expectation">The expectation.</param>
    /// <param name="happened">What happened to it; none for one that is only shown.</param>
    public void Print(in PackedExpectation expectation, FlowTextParts happened = FlowTextParts.None)
    {
        FlowTextParts parts = FlowTextParts.Timeout | happened;
        if (Wants(OutputKind.Timestamp)) parts |= FlowTextParts.EventTime;
        var style = new FlowTextStyle(parts, Clock.Now());
        if (Wants(OutputKind.Json)) ExpectationJson.Write(output, in expectation, in style);
        else if (Wants(OutputKind.Xml)) WriteXml(in expectation, in style);
        else ExpectationText.Write(output, in expectation, in style);
        output.Write("\n"u8);
    }

    /// <summary>Ends what was opened.</summary>
    public void Finish()
    {
        if (_isFrameOpen) output.Write("</expect>\n"u8);
        _isFrameOpen = false;
    }

    private void WriteXml(in PackedExpectation expectation, in FlowTextStyle style)
    {
        if (!_isFrameOpen) output.Write("<?xml version=\"1.0\" encoding=\"utf-8\"?>\n<expect>\n"u8);
        _isFrameOpen = true;
        ExpectationXml.Write(output, in expectation, in style);
    }

    private bool Wants(OutputKind kind) => (_kind & kind) != OutputKind.None;
}
