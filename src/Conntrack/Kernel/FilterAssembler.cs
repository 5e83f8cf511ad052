using System.Buffers.Binary;
using TwinTrack.Netlink;

namespace TwinTrack.Conntrack.Kernel;

/// <summary>
/// Classic BPF with labels. Conditional jumps reach 255 instructions, so every far target goes by BPF_JA.
/// </summary>
internal sealed class FilterAssembler
{
    private const ushort LoadNumber = 0x00;      // BPF_LD | BPF_IMM
    private const ushort LoadIndexNumber = 0x01; // BPF_LDX | BPF_IMM
    private const ushort LoadAbsolute = 0x30;    // BPF_LD | BPF_B | BPF_ABS
    private const ushort LoadByteAtIndex = 0x50; // BPF_LD | BPF_B | BPF_IND
    private const ushort LoadWordAtIndex = 0x40; // BPF_LD | BPF_W | BPF_IND, big-endian
    private const ushort ToIndex = 0x07;         // BPF_MISC | BPF_TAX
    private const ushort And = 0x54;             // BPF_ALU | BPF_AND | BPF_K
    private const ushort JumpAlways = 0x05;      // BPF_JMP | BPF_JA
    private const ushort JumpEqual = 0x15;       // BPF_JMP | BPF_JEQ | BPF_K
    private const ushort Return = 0x06;          // BPF_RET | BPF_K

    private const uint FindAttribute = 0xfffff00c; // SKF_AD_OFF + SKF_AD_NLATTR
    private const uint FindNested = 0xfffff010;    // SKF_AD_OFF + SKF_AD_NLATTR_NEST
    private const uint AttributeHeaderSize = 4;

    private readonly List<FilterInstruction> _code = [];
    private readonly List<int> _labels = [-1, -1];       // instruction of each label
    private readonly List<(int At, int Label)> _far = []; // jumps to patch

    /// <summary>The label that keeps the message.</summary>
    public const int Keep = 0;

    /// <summary>The label that drops the message.</summary>
    public const int Drop = 1;

    public int Length => _code.Count + 2;

    public int NewLabel()
    {
        _labels.Add(-1);
        return _labels.Count - 1;
    }

    public void Place(int label) => _labels[label] = _code.Count;

    public void LoadByte(uint offset) => Emit(LoadAbsolute, offset);

    public void LoadValueByte() => Emit(LoadByteAtIndex, AttributeHeaderSize);

    public void Jump(int label)
    {
        _far.Add((_code.Count, label));
        Emit(JumpAlways, 0);
    }

    public void JumpIf(uint value, int label)
    {
        Emit(JumpEqual, value, jumpFalse: 1);
        Jump(label);
    }

    public void JumpUnless(uint value, int label)
    {
        Emit(JumpEqual, value, jumpTrue: 1);
        Jump(label);
    }

    /// <summary>Puts the offset of an attribute into the index register; jumps where any level is missing.</summary>
    public void Find(int missing, params ReadOnlySpan<int> path)
    {
        Emit(LoadNumber, NetfilterHeader.Size);
        for (int level = 0; level < path.Length; level++)
        {
            Emit(LoadIndexNumber, (uint)path[level]);
            Emit(LoadAbsolute, level == 0 ? FindAttribute : FindNested);
            JumpIf(0, missing);
        }

        Emit(ToIndex, 0);
    }

    /// <summary>Jumps if the first bits of the attribute's value are these.</summary>
    public void CompareValue(ReadOnlySpan<byte> value, int bits, int hit)
    {
        int differs = NewLabel();
        for (int offset = 0; offset < value.Length && bits > 0; offset += 4, bits -= 32)
        {
            uint mask = bits >= 32 ? uint.MaxValue : uint.MaxValue << (32 - bits);
            Emit(LoadWordAtIndex, AttributeHeaderSize + (uint)offset);
            if (mask != uint.MaxValue) Emit(And, mask);
            JumpUnless(BinaryPrimitives.ReadUInt32BigEndian(value[offset..]) & mask, differs);
        }

        Jump(hit);
        Place(differs);
    }

    public FilterInstruction[] Build()
    {
        FilterInstruction[] program =
            [.. _code, new(Return, 0, 0, uint.MaxValue), new(Return, 0, 0, 0)];
        foreach ((int at, int label) in _far)
        {
            int target = label switch
            {
                Keep => _code.Count,
                Drop => _code.Count + 1,
                _ => _labels[label],
            };
            program[at] = program[at] with { Value = (uint)(target - at - 1) };
        }

        return program;
    }

    private void Emit(ushort code, uint value, byte jumpTrue = 0, byte jumpFalse = 0) =>
        _code.Add(new(code, jumpTrue, jumpFalse, value));
}
