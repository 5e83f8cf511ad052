using TwinTrack.Conntrack;
using TwinTrack.Netlink;

namespace TwinTrack.Fuzz.Targets;

/// <summary>An expectation message of the kernel: decoded, shown, and encoded again.</summary>
internal sealed class ExpectationTarget : Target
{
    private readonly byte[] _text = new byte[8192];
    private readonly NetlinkWriter _writer = new();
    private PackedExpectation _expectation;
    private PackedExpectation _again;

    public override string Name => "expectation";

    public override IReadOnlyList<byte[]> Words { get; } =
    [
        [4, 0, 1, 0x80], [4, 0, 2, 0x80], [4, 0, 3, 0x80], [8, 0, 4, 0, 0, 0, 1, 0], [8, 0, 6, 0, (byte)'f', (byte)'t', 0, 0],
        [8, 0, 8, 0, 0, 0, 0, 7], [4, 0, 10, 0x80], [8, 0, 11, 0, (byte)'x', 0, 0, 0], [6, 0, 7, 0, 0, 9, 0, 0],
    ];

    public override IEnumerable<byte[]> Seeds() => NetlinkTarget.Recordings(_ => true).Where(IsExpectation);

    public override void Repair(Span<byte> input) => NetlinkTarget.RepairMessage(input);

    public override ulong Run(ReadOnlySpan<byte> input)
    {
        var signature = new Signature();
        bool isRead = ExpectationCodec.TryRead(input, ref _expectation);
        signature.Add(isRead);
        if (!isRead) return signature.Value;

        signature.Add((ulong)_expectation.Fields);
        signature.Add((ulong)_expectation.Tuple.Parts);
        foreach (FlowTextParts parts in (FlowTextParts[])[FlowTextParts.None, (FlowTextParts)int.MaxValue])
        {
            var style = new FlowTextStyle(parts, 1);
            LineWriter text = new(_text.AsSpan(0, ExpectationText.MaxLength));
            ExpectationText.Write(ref text, in _expectation, in style);
            LineWriter xml = new(_text.AsSpan(0, ExpectationXml.MaxLength));
            ExpectationXml.Write(ref xml, in _expectation, in style);
            if (text.IsFull || xml.IsFull) throw new FuzzFailure("the text is longer than its MaxLength");
        }

        _writer.Clear();
        ExpectationCodec.WriteCreate(_writer, in _expectation, 1);
        if (!ExpectationCodec.TryRead(_writer.Written, ref _again))
            throw new FuzzFailure("what was encoded cannot be decoded");
        const ExpectationFields Numbers = ExpectationFields.Timeout | ExpectationFields.Zone | ExpectationFields.Flags
            | ExpectationFields.Class | ExpectationFields.Helper | ExpectationFields.Function;
        if ((_expectation.Fields & Numbers) != (_again.Fields & Numbers)
            || (_expectation.Has(ExpectationFields.Class) && _expectation.Class != _again.Class)
            || (_expectation.Has(ExpectationFields.Tuple) && _expectation.Tuple.Source != _again.Tuple.Source))
        {
            throw new FuzzFailure("what was encoded is another expectation");
        }

        return signature.Value;
    }

    private bool IsExpectation(byte[] message) =>
        NetfilterHeader.TryRead(message, out NetfilterHeader header)
        && header.Subsystem == NetfilterSubsystem.Expectation
        && ExpectationCodec.TryRead(message, ref _expectation);
}
