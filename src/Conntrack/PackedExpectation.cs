using System.Runtime.CompilerServices;

namespace TwinTrack.Conntrack;

/// <summary>Fields of an expectation that may be absent.</summary>
[Flags]
public enum ExpectationFields : uint
{
    /// <summary>Nothing is known.</summary>
    None = 0,

    /// <summary>CTA_EXPECT_MASTER; which parts of it, says <see cref="FlowTuple.Parts"/>.</summary>
    Master = 1 << 0,

    /// <summary>CTA_EXPECT_TUPLE.</summary>
    Tuple = 1 << 1,

    /// <summary>CTA_EXPECT_MASK.</summary>
    Mask = 1 << 2,

    /// <summary>CTA_EXPECT_TIMEOUT.</summary>
    Timeout = 1 << 3,

    /// <summary>CTA_EXPECT_ID.</summary>
    Id = 1 << 4,

    /// <summary>CTA_EXPECT_HELP_NAME.</summary>
    Helper = 1 << 5,

    /// <summary>CTA_EXPECT_ZONE.</summary>
    Zone = 1 << 6,

    /// <summary>CTA_EXPECT_FLAGS.</summary>
    Flags = 1 << 7,

    /// <summary>CTA_EXPECT_CLASS.</summary>
    Class = 1 << 8,

    /// <summary>CTA_EXPECT_NAT_DIR.</summary>
    NatDirection = 1 << 9,

    /// <summary>CTA_EXPECT_NAT_TUPLE.</summary>
    NatTuple = 1 << 10,

    /// <summary>CTA_EXPECT_FN.</summary>
    Function = 1 << 11,
}

/// <summary>Flags of an expectation (NF_CT_EXPECT_*).</summary>
[Flags]
public enum ExpectationFlags : uint
{
    /// <summary>No flag.</summary>
    None = 0,

    /// <summary>NF_CT_EXPECT_PERMANENT: it stays after a flow fulfilled it.</summary>
    Permanent = 1,

    /// <summary>NF_CT_EXPECT_INACTIVE: it does not match yet.</summary>
    Inactive = 2,

    /// <summary>NF_CT_EXPECT_USERSPACE: made by a user-space helper.</summary>
    UserSpace = 4,
}

/// <summary>Name of the function the kernel calls for the expected flow, NUL-padded (nat-follow-master).</summary>
[InlineArray(32)]
public struct FunctionBytes
{
    private byte _first;
}

/// <summary>
/// An expectation as plain memory: every attribute of ctnetlink, with a mask that says which are known.
/// It is decoded into in place and reused; clearing the mask empties it.
/// </summary>
/// <remarks>Numbers are in host order, addresses in network order. Fields not named hold leftovers.</remarks>
public struct PackedExpectation
{
    /// <summary>Which fields are known.</summary>
    public ExpectationFields Fields;

    /// <summary>CTA_EXPECT_MASTER: the original tuple of the flow whose helper made it.</summary>
    public FlowTuple Master;

    /// <summary>
    /// CTA_EXPECT_TUPLE: what the expected flow's original tuple looks like, where the mask has ones.
    /// </summary>
    public FlowTuple Tuple;

    /// <summary>
    /// CTA_EXPECT_MASK: addresses and ports are bit masks; the kernel masks source and protocol only.
    /// </summary>
    public FlowTuple Mask;

    /// <summary>CTA_EXPECT_NAT_TUPLE: what the expected flow is translated to.</summary>
    public FlowTuple NatTuple;

    /// <summary>CTA_EXPECT_NAT_DIR: 0 original, 1 reply.</summary>
    public uint NatDirection;

    /// <summary>CTA_EXPECT_TIMEOUT: seconds left.</summary>
    public uint Timeout;

    /// <summary>CTA_EXPECT_ID: stable for the life of the expectation.</summary>
    public uint Id;

    /// <summary>CTA_EXPECT_CLASS: which of the helper's policies it counts for.</summary>
    public uint Class;

    /// <summary>CTA_EXPECT_FLAGS.</summary>
    public ExpectationFlags Flags;

    /// <summary>CTA_EXPECT_ZONE.</summary>
    public ushort Zone;

    /// <summary>CTA_EXPECT_HELP_NAME.</summary>
    public NameBytes Helper;

    /// <summary>CTA_EXPECT_FN.</summary>
    public FunctionBytes Function;

    /// <summary>Whether every field in <paramref name="fields"/> is known.</summary>
    public readonly bool Has(ExpectationFields fields) => (Fields & fields) == fields;

    /// <summary>Forgets everything without touching the rest of the memory.</summary>
    public void Clear()
    {
        Fields = ExpectationFields.None;
        Master.Parts = TupleParts.None;
        Tuple.Parts = TupleParts.None;
        Mask.Parts = TupleParts.None;
        NatTuple.Parts = TupleParts.None;
    }
}
