using System.Buffers;

namespace TwinTrack.Conntrack;

/// <summary>Expectations as the XML elements that conntrack(8) and conntrackd(8) print, without newline.</summary>
public static class ExpectationXml
{
    /// <summary>Bytes that any expectation fits into.</summary>
    public const int MaxLength = 2048;

    /// <summary>Writes one element.</summary>
    public static void Write(
        IBufferWriter<byte> output, in PackedExpectation expectation, in FlowTextStyle style)
    {
        LineWriter line = new(output.GetSpan(MaxLength));
        Write(ref line, in expectation, in style);
        output.Advance(line.Length);
    }

    /// <summary>Writes one element. Of the style it uses timeout, event and time of the event.</summary>
    public static void Write(ref LineWriter line, in PackedExpectation expectation, in FlowTextStyle style)
    {
        line.Write(FlowXml.FlowTag(in style));
        WriteAddresses(ref line, in expectation);
        WritePorts(ref line, in expectation);
        WriteMetadata(ref line, in expectation, in style);
        line.Write("</flow>"u8);
    }

    private static void WriteAddresses(ref LineWriter line, in PackedExpectation expectation)
    {
        bool isKnown = expectation.Has(ExpectationFields.Tuple)
            && (expectation.Tuple.Parts & TupleParts.Addresses) != TupleParts.None;
        byte family = isKnown ? expectation.Tuple.Family : AddressFamily.Unspecified;
        FlowXml.OpenLayer(ref line, 3, family, FlowNames.Family(family));
        line.Write("<expected>"u8);
        FlowXml.WriteAddresses(ref line, in expectation.Tuple, family);
        line.Write("</expected><mask>"u8);
        FlowXml.WriteAddresses(ref line, in expectation.Mask, family);
        line.Write("</mask><master>"u8);
        FlowXml.WriteAddresses(ref line, in expectation.Master, family);
        line.Write("</master></layer3>"u8);
    }

    private static void WritePorts(ref LineWriter line, in PackedExpectation expectation)
    {
        byte protocol = ExpectationText.Protocol(in expectation);
        byte master = expectation.Master.Has(TupleParts.Protocol) ? expectation.Master.Protocol : (byte)0;
        FlowXml.OpenLayer(ref line, 4, protocol, FlowNames.Protocol(protocol));
        line.Write("<expected>"u8);
        FlowXml.WritePorts(ref line, in expectation.Tuple, protocol);
        line.Write("</expected><mask>"u8);
        FlowXml.WritePorts(ref line, in expectation.Mask, protocol);
        line.Write("</mask><master>"u8);
        FlowXml.WritePorts(ref line, in expectation.Master, master);
        line.Write("</master></layer4>"u8);
    }

    private static void WriteMetadata(
        ref LineWriter line, in PackedExpectation expectation, in FlowTextStyle style)
    {
        line.Write("<meta>"u8);
        if (expectation.Has(ExpectationFields.Helper))
        {
            FlowXml.WriteName(ref line, "helper-name"u8, NameText.Of(expectation.Helper));
        }

        if (style.Shows(FlowTextParts.Timeout) && expectation.Has(ExpectationFields.Timeout))
        {
            FlowXml.WriteNumber(ref line, "timeout"u8, expectation.Timeout);
        }

        if (expectation.Has(ExpectationFields.Class)) FlowXml.WriteNumber(ref line, "class"u8, expectation.Class);
        if (expectation.Has(ExpectationFields.Zone)) FlowXml.WriteNumber(ref line, "zone"u8, expectation.Zone);
        if (style.Shows(FlowTextParts.EventTime)) FlowXml.WriteWhen(ref line, style.Now);
        ExpectationFlags flags = expectation.Has(ExpectationFields.Flags) ? expectation.Flags : ExpectationFlags.None;
        if ((flags & ExpectationFlags.Permanent) != ExpectationFlags.None) line.Write("<permanent/>"u8);
        if ((flags & ExpectationFlags.Inactive) != ExpectationFlags.None) line.Write("<inactive/>"u8);
        if ((flags & ExpectationFlags.UserSpace) != ExpectationFlags.None) line.Write("<userspace/>"u8);
        line.Write("</meta>"u8);
    }
}
