using System.Runtime.InteropServices;
using TwinTrack.Conntrack;

namespace TwinTrack.Replication.Store;

/// <summary>
/// A cached flow in its slab: what nearly every flow has. Rare parts are in a <see cref="FlowExtras"/> of their own.
/// The four addresses follow: 4 bytes each for IPv4, 16 for IPv6.
/// </summary>
/// <remarks>
/// An internal entry knows the reply tuple. An external entry knows the translation instead: the address and port that
/// the reply comes from (DNAT) and goes to (SNAT), in the same places.
/// </remarks>
[StructLayout(LayoutKind.Sequential, Pack = 4)]
internal struct FlowRecord
{
    public const int FixedSize = 84;
    public const int SizeIPv4 = FixedSize + (4 * 4);
    public const int SizeIPv6 = FixedSize + (4 * 16);

    public EntryHeader Header;
    public FlowFields Fields;
    public FlowStatus Status;
    public uint Timeout;
    public uint Mark;
    public uint Id;

    /// <summary>Second of the engine's clock in which the entry was added.</summary>
    public uint CreatedAt;

    /// <summary>Second of the engine's clock of the last event or message.</summary>
    public uint UpdatedAt;

    /// <summary>Slot plus one in the slab of extras, 0 for none.</summary>
    public uint Extras;

    /// <summary>Port or key; ICMP: the identifier.</summary>
    public ushort OriginalSourcePort;

    /// <summary>Port or key; ICMP: type and code.</summary>
    public ushort OriginalDestinationPort;

    public ushort ReplySourcePort;
    public ushort ReplyDestinationPort;
    public TupleParts OriginalParts;
    public TupleParts ReplyParts;
    public byte Protocol;
    public byte Family;

    /// <summary>TCP, SCTP or DCCP state.</summary>
    public byte State;

    /// <summary>TCP window scale of the original direction; DCCP role.</summary>
    public byte ScaleOriginal;

    public byte ScaleReply;

    /// <summary>What peers, or the kernel, have to do with it.</summary>
    public FlowMarks Marks;

    public uint SctpTagOriginal;
    public uint SctpTagReply;
    public ushort Zone;

    /// <summary>Number of the helper's name in the name table, 0 for none.</summary>
    public ushort Helper;
}

/// <summary>Marks of a flow of the internal cache.</summary>
internal enum FlowMarks : byte
{
    None,

    /// <summary>It was seen from its beginning, and nothing of it has been sent.</summary>
    Unannounced,

    /// <summary>We have committed it, and the kernel has not told since what it made of it.</summary>
    Committed,
}

/// <summary>Rare parts of a flow.</summary>
[StructLayout(LayoutKind.Sequential)]
internal struct FlowExtras
{
    /// <summary>The slab's free link lies here while the slot is unused.</summary>
    public uint Link;

    /// <summary>Number of the security context in the name table, 0 for none.</summary>
    public uint SecurityContext;

    public uint SecurityMark;
    public ushort ZoneOriginal;
    public ushort ZoneReply;
    public LabelBits Labels;
    public SequenceAdjustment SequenceOriginal;
    public SequenceAdjustment SequenceReply;
    public SynProxyState SynProxy;
    public ulong TimestampStart;
    public ulong TimestampStop;
    public FlowTuple Master;
}
