namespace TwinTrack.Cli.Flows;

/// <summary>Options of conntrack(8), in the order in which they are checked.</summary>
internal enum OptionId
{
    Source,
    Destination,
    ReplySource,
    ReplyDestination,
    Protocol,
    Timeout,
    Status,
    Zero,
    EventMask,
    TupleSource,
    TupleDestination,
    MaskSource,
    MaskDestination,
    NatRange,
    Mark,
    Id,
    Family,
    SourceNat,
    DestinationNat,
    Output,
    SecurityMark,
    BufferSize,
    AnyNat,
    Zone,
    Label,
    LabelAdd,
    LabelDelete,
    OriginalZone,
    ReplyZone,

    /// <summary>How many of the above there are: the matrix has a column for each.</summary>
    Columns,

    /// <summary>Goes with every command.</summary>
    Yes,

    /// <summary>Goes with every command.</summary>
    Sockets,
}

/// <summary>Options that come with a protocol.</summary>
internal enum ProtocolOption
{
    SourcePort,
    DestinationPort,
    ReplySourcePort,
    ReplyDestinationPort,
    MaskSourcePort,
    MaskDestinationPort,
    TupleSourcePort,
    TupleDestinationPort,
    State,
    OriginalTag,
    ReplyTag,
    Role,
    IcmpType,
    IcmpCode,
    IcmpId,
}

/// <summary>Commands of conntrack(8).</summary>
internal enum CommandId
{
    None,
    List,
    Create,
    Add,
    Update,
    Delete,
    Get,
    Flush,
    Event,
    Count,
    Stats,
    Version,
    Help,
    Load,
}

/// <summary>Tables of conntrack(8).</summary>
internal enum TableId
{
    Conntrack,
    Expect,
    Dying,
    Unconfirmed,
}
