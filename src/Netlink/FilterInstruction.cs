using System.Runtime.InteropServices;

namespace TwinTrack.Netlink;

/// <summary>One instruction of a classic BPF program (struct sock_filter).</summary>
/// <param name="Code">Operation (BPF_*).</param>
/// <param name="JumpTrue">Instructions to skip when a comparison holds.</param>
/// <param name="JumpFalse">Instructions to skip when it does not.</param>
/// <param name="Value">The operand k, host order.</param>
[StructLayout(LayoutKind.Sequential)]
public readonly record struct FilterInstruction(ushort Code, byte JumpTrue, byte JumpFalse, uint Value);
