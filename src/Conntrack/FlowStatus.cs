namespace TwinTrack.Conntrack;

/// <summary>Status bits of a flow: enum ip_conntrack_status (IPS_*), carried in CTA_STATUS.</summary>
[Flags]
public enum FlowStatus : uint
{
    /// <summary>No bit set.</summary>
    None = 0,

    /// <summary>IPS_EXPECTED: a helper announced it.</summary>
    Expected = 0x1,

    /// <summary>IPS_SEEN_REPLY: packets went both ways.</summary>
    SeenReply = 0x2,

    /// <summary>IPS_ASSURED: never dropped early.</summary>
    Assured = 0x4,

    /// <summary>IPS_CONFIRMED: its packet left the machine; it is in the table.</summary>
    Confirmed = 0x8,

    /// <summary>IPS_SRC_NAT: the source is translated.</summary>
    SourceNat = 0x10,

    /// <summary>IPS_DST_NAT: the destination is translated.</summary>
    DestinationNat = 0x20,

    /// <summary>IPS_SEQ_ADJUST: TCP sequence numbers are shifted.</summary>
    SequenceAdjust = 0x40,

    /// <summary>IPS_SRC_NAT_DONE: source NAT looked at it; says nothing about translation.</summary>
    SourceNatDone = 0x80,

    /// <summary>IPS_DST_NAT_DONE: destination NAT looked at it; says nothing about translation.</summary>
    DestinationNatDone = 0x100,

    /// <summary>IPS_DYING: removed from the table.</summary>
    Dying = 0x200,

    /// <summary>IPS_FIXED_TIMEOUT: packets do not refresh the timeout.</summary>
    FixedTimeout = 0x400,

    /// <summary>IPS_TEMPLATE: a template of a CT rule.</summary>
    Template = 0x800,

    /// <summary>IPS_NAT_CLASH (once IPS_UNTRACKED).</summary>
    NatClash = 0x1000,

    /// <summary>IPS_HELPER: the helper was attached by a rule.</summary>
    Helper = 0x2000,

    /// <summary>IPS_OFFLOAD: forwarded by a flowtable.</summary>
    Offload = 0x4000,

    /// <summary>IPS_HW_OFFLOAD: forwarded by hardware.</summary>
    HardwareOffload = 0x8000,
}
