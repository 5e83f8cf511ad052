using System.Buffers;

namespace TwinTrack.Conntrack;

/// <summary>Expectations as JSON objects of one line, without newline. Names of members stay as they are.</summary>
public static class ExpectationJson
{
    /// <summary>Bytes that any expectation fits into.</summary>
    public const int MaxLength = 2048;

    /// <summary>Writes one object.</summary>
    /// <param name="output">Takes the text.</param>
    /// <param name="expectation">The expectation; what is unknown is left out.</param>
    /// <param name="style">Tells event and time.</param>
    public static void Write(
        IBufferWriter<byte> output, in PackedExpectation expectation, in FlowTextStyle style)
    {
        ArgumentNullException.ThrowIfNull(output);
        LineWriter line = new(output.GetSpan(MaxLength));
        Write(ref line, in expectation, in style);
        output.Advance(line.Length);
    }

    /// <summary>Writes one object.</summary>
    public static void Write(ref LineWriter line, in PackedExpectation expectation, in FlowTextStyle style)
    {
        JsonText json = default;
        json.Open(ref line);
        FlowJson.WriteEvent(ref json, ref line, style.Now, in style);
        byte protocol = ExpectationText.Protocol(in expectation);
        json.PutText(ref line, "family"u8, FlowNames.Family(expectation.Tuple.Family));
        json.PutText(ref line, "protocol"u8, FlowNames.Protocol(protocol));
        json.PutNumber(ref line, "protocol_number"u8, protocol);
        if (expectation.Has(ExpectationFields.Timeout)) json.PutNumber(ref line, "timeout"u8, expectation.Timeout);
        if (expectation.Has(ExpectationFields.Tuple))
            WriteTuple(ref json, ref line, "expected"u8, in expectation.Tuple, protocol);
        if (expectation.Has(ExpectationFields.Mask))
            WriteTuple(ref json, ref line, "mask"u8, in expectation.Mask, protocol);
        if (expectation.Has(ExpectationFields.Master))
            WriteTuple(ref json, ref line, "master"u8, in expectation.Master, expectation.Master.Protocol);
        if (expectation.Has(ExpectationFields.NatTuple))
        {
            WriteTuple(ref json, ref line, "nat"u8, in expectation.NatTuple, protocol);
            json.PutText(ref line, "nat_direction"u8, expectation.NatDirection == 0 ? "original"u8 : "reply"u8);
        }

        WriteRest(ref json, ref line, in expectation);
        json.Close(ref line);
    }

    private static void WriteTuple(
        ref JsonText json, ref LineWriter line, scoped ReadOnlySpan<byte> key, in FlowTuple tuple, byte protocol)
    {
        json.Open(ref line, key);
        FlowJson.WriteTuple(ref json, ref line, in tuple, protocol);
        json.Close(ref line);
    }

    private static void WriteRest(ref JsonText json, ref LineWriter line, in PackedExpectation expectation)
    {
        if (expectation.Has(ExpectationFields.Zone)) json.PutNumber(ref line, "zone"u8, expectation.Zone);
        if (expectation.Has(ExpectationFields.Flags))
        {
            json.OpenList(ref line, "flags"u8);
            Flag(ref json, ref line, expectation.Flags, ExpectationFlags.Permanent, "PERMANENT"u8);
            Flag(ref json, ref line, expectation.Flags, ExpectationFlags.Inactive, "INACTIVE"u8);
            Flag(ref json, ref line, expectation.Flags, ExpectationFlags.UserSpace, "USERSPACE"u8);
            json.CloseList(ref line);
        }

        if (expectation.Has(ExpectationFields.Class)) json.PutNumber(ref line, "class"u8, expectation.Class);
        if (expectation.Has(ExpectationFields.Id)) json.PutNumber(ref line, "id"u8, expectation.Id);
        if (expectation.Has(ExpectationFields.Helper))
            json.PutText(ref line, "helper"u8, NameText.Of(expectation.Helper));
        if (expectation.Has(ExpectationFields.Function))
            json.PutText(ref line, "function"u8, NameText.Of(expectation.Function));
    }

    private static void Flag(
        ref JsonText json,
        ref LineWriter line,
        ExpectationFlags flags,
        ExpectationFlags flag,
        scoped ReadOnlySpan<byte> word)
    {
        if ((flags & flag) != ExpectationFlags.None) json.PutItem(ref line, word);
    }
}
