using System.Buffers;

namespace TwinTrack.Conntrack;

/// <summary>Expectations as the lines that conntrack(8) and conntrackd(8) print, without newline.</summary>
public static class ExpectationText
{
    /// <summary>Bytes that any expectation fits into.</summary>
    public const int MaxLength = 1024;

    /// <summary>Writes one line.</summary>
    public static void Write(
        IBufferWriter<byte> output, in PackedExpectation expectation, in FlowTextStyle style)
    {
        LineWriter line = new(output.GetSpan(MaxLength));
        Write(ref line, in expectation, in style);
        output.Advance(line.Length);
    }

    /// <summary>Writes one line. Of the style it uses timeout, event and time of the event.</summary>
    public static void Write(ref LineWriter line, in PackedExpectation expectation, in FlowTextStyle style)
    {
        FlowText.WriteEvent(ref line, style.Now, in style);
        if (style.Shows(FlowTextParts.Timeout) && expectation.Has(ExpectationFields.Timeout))
        {
            WriteNumber(ref line, default, expectation.Timeout);
        }

        byte protocol = Protocol(in expectation);
        WriteNumber(ref line, "proto="u8, protocol);
        if (expectation.Has(ExpectationFields.Tuple)) WriteTuple(ref line, default, in expectation.Tuple, protocol);
        if (expectation.Has(ExpectationFields.Mask)) WriteTuple(ref line, "mask-"u8, in expectation.Mask, protocol);
        if (expectation.Has(ExpectationFields.Master))
        {
            WriteTuple(ref line, "master-"u8, in expectation.Master, expectation.Master.Protocol);
        }

        if (expectation.Has(ExpectationFields.Zone)) WriteNumber(ref line, "zone="u8, expectation.Zone);
        if (expectation.Has(ExpectationFields.Flags)) WriteFlags(ref line, expectation.Flags);
        if (expectation.Has(ExpectationFields.Class)) WriteNumber(ref line, "class="u8, expectation.Class);
        if (expectation.Has(ExpectationFields.Helper))
        {
            line.Write("helper="u8);
            line.WriteName(NameText.Of(expectation.Helper));
        }

        line.RemoveLast((byte)' ');
    }

    /// <summary>The protocol of the expected flow, 0 when unknown.</summary>
    internal static byte Protocol(in PackedExpectation expectation) =>
        expectation.Has(ExpectationFields.Tuple) && expectation.Tuple.Has(TupleParts.Protocol)
            ? expectation.Tuple.Protocol
            : (byte)0;

    private static void WriteTuple(
        ref LineWriter line, scoped ReadOnlySpan<byte> prefix, in FlowTuple tuple, byte protocol)
    {
        if ((tuple.Parts & TupleParts.Addresses) != TupleParts.None)
        {
            line.Write(prefix);
            line.Write("src="u8);
            line.WriteAddress(FlowText.SourceOf(in tuple), tuple.Family);
            line.Write((byte)' ');
            line.Write(prefix);
            line.Write("dst="u8);
            line.WriteAddress(FlowText.DestinationOf(in tuple), tuple.Family);
            line.Write((byte)' ');
        }

        FlowText.WritePorts(ref line, in tuple, protocol);
    }

    private static void WriteFlags(ref LineWriter line, ExpectationFlags flags)
    {
        WriteFlag(ref line, flags, ExpectationFlags.Permanent, "PERMANENT,"u8);
        WriteFlag(ref line, flags, ExpectationFlags.Inactive, "INACTIVE,"u8);
        WriteFlag(ref line, flags, ExpectationFlags.UserSpace, "USERSPACE,"u8);
        line.RemoveLast((byte)',');
        const ExpectationFlags named =
            ExpectationFlags.Permanent | ExpectationFlags.Inactive | ExpectationFlags.UserSpace;
        if ((flags & named) != ExpectationFlags.None) line.Write((byte)' ');
    }

    private static void WriteFlag(
        ref LineWriter line, ExpectationFlags flags, ExpectationFlags flag, scoped ReadOnlySpan<byte> word)
    {
        if ((flags & flag) != ExpectationFlags.None) line.Write(word);
    }

    private static void WriteNumber(ref LineWriter line, scoped ReadOnlySpan<byte> prefix, uint value)
    {
        line.Write(prefix);
        line.WriteNumber(value);
        line.Write((byte)' ');
    }
}
