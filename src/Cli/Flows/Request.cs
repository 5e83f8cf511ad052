using TwinTrack.Conntrack;
using TwinTrack.Conntrack.Kernel;

namespace TwinTrack.Cli.Flows;

/// <summary>What <c>-o</c> asks for.</summary>
[Flags]
internal enum OutputKind
{
    None = 0,
    Xml = 1,
    Extended = 2,
    Timestamp = 4,
    Id = 8,
    KernelTimestamp = 16,
    Labels = 32,
    UserSpace = 64,
    Save = 128,
    Json = 256,
}

/// <summary>An address and a port to translate to, or to find in a translation.</summary>
internal record struct NatArgument(bool HasAddress, Address Address, bool HasPort, ushort Port);

/// <summary>What one command line asks for. It can be used again for the next.</summary>
internal sealed class Request
{
    /// <summary>The command; null while none was given.</summary>
    public CommandRow? Command { get; set; }

    /// <summary>The table.</summary>
    public TableId Table { get; set; }

    /// <summary>The protocol; null while none was given.</summary>
    public ProtocolRow? Protocol { get; set; }

    /// <summary>2, 10, or 0 for both.</summary>
    public byte Family { get; set; }

    /// <summary>Seconds.</summary>
    public uint Timeout { get; set; }

    /// <summary>Status bits that shall be set.</summary>
    public FlowStatus Status { get; set; }

    /// <summary>Status bits that shall not be set.</summary>
    public FlowStatus StatusClear { get; set; }

    /// <summary>The mark.</summary>
    public uint Mark { get; set; }

    /// <summary>Bits of the mark that count.</summary>
    public uint MarkMask { get; set; }

    /// <summary>The kernel's id.</summary>
    public uint Id { get; set; }

    /// <summary>The security mark.</summary>
    public uint SecurityMark { get; set; }

    /// <summary>Zone of both directions.</summary>
    public ushort Zone { get; set; }

    /// <summary>State of the protocol.</summary>
    public byte State { get; set; }

    /// <summary>DCCP: 0 client, 1 server.</summary>
    public byte Role { get; set; }

    /// <summary>SCTP verification tag.</summary>
    public uint OriginalTag { get; set; }

    /// <summary>SCTP verification tag.</summary>
    public uint ReplyTag { get; set; }

    /// <summary>Bytes of the receive buffer for events.</summary>
    public int BufferSize { get; set; }

    /// <summary>Which events.</summary>
    public EventGroups Events { get; set; }

    /// <summary>Which format.</summary>
    public OutputKind Output { get; set; }

    /// <summary>Names of labels, if an option needed them and the system has them.</summary>
    public LabelMap? LabelNames { get; set; }

    /// <summary>Labels a flow must have.</summary>
    public LabelSet LabelFilter { get; set; }

    /// <summary>Labels to add.</summary>
    public LabelSet LabelsAdded { get; set; }

    /// <summary>Labels to remove; <see cref="RemovesAllLabels"/> for all.</summary>
    public LabelSet LabelsRemoved { get; set; }

    /// <summary>Whether labels are removed without a list.</summary>
    public bool RemovesAllLabels { get; set; }

    /// <summary>Whether no question is to be asked.</summary>
    public bool SaysYes { get; set; }

    /// <summary>Over how many sockets to list; 0 leaves it open.</summary>
    public int Sockets { get; set; }

    /// <summary>What <c>-n</c> says.</summary>
    public NatArgument SourceNat { get; set; }

    /// <summary>What <c>-g</c> says.</summary>
    public NatArgument DestinationNat { get; set; }

    /// <summary>What <c>-j</c> says.</summary>
    public NatArgument AnyNat { get; set; }

    /// <summary>Original direction.</summary>
    public FlowTuple Original;

    /// <summary>Reply direction.</summary>
    public FlowTuple Reply;

    /// <summary>The expected flow.</summary>
    public FlowTuple Expected;

    /// <summary>Masks: of an expectation, or of the original direction.</summary>
    public FlowTuple Mask;

    private uint _options;
    private uint _protocolOptions;

    /// <summary>Whether any option was given.</summary>
    public bool HasOptions => _options != 0;

    /// <summary>The command.</summary>
    public CommandId CommandId => Command?.Id ?? CommandId.None;

    /// <summary>What of the command line, without its values, says whether it makes sense.</summary>
    public RequestShape Shape => new(Command, Table, Protocol, Output, _options, _protocolOptions);

    /// <summary>Whether the option was given.</summary>
    public bool Has(OptionId option) => (_options & (1u << (int)option)) != 0;

    /// <summary>Whether any of the options was given.</summary>
    public bool HasAny(params ReadOnlySpan<OptionId> options)
    {
        foreach (OptionId option in options)
        {
            if (Has(option)) return true;
        }

        return false;
    }

    /// <summary>Whether the option of the protocol was given.</summary>
    public bool Has(ProtocolOption option) => (_protocolOptions & (1u << (int)option)) != 0;

    /// <summary>Notes that the option was given.</summary>
    public void Set(OptionId option) => _options |= 1u << (int)option;

    /// <summary>Notes that the option of the protocol was given.</summary>
    public void Set(ProtocolOption option) => _protocolOptions |= 1u << (int)option;

    /// <summary>Whether both address families may be concerned.</summary>
    public bool IsFamilyOpen => Family == AddressFamily.Unspecified;

    /// <summary>Forgets everything.</summary>
    public void Clear()
    {
        Command = null;
        Table = TableId.Conntrack;
        Protocol = null;
        Family = AddressFamily.Unspecified;
        Status = StatusClear = FlowStatus.None;
        Output = OutputKind.None;
        Events = EventGroups.None;
        BufferSize = Sockets = 0;
        State = Role = 0;
        Timeout = 0;
        LabelNames = null;
        LabelFilter = LabelsAdded = LabelsRemoved = default;
        RemovesAllLabels = SaysYes = false;
        SourceNat = DestinationNat = AnyNat = default;
        Original = Reply = Expected = Mask = default;
        _options = _protocolOptions = 0;
    }
}

/// <summary>A command line without its values.</summary>
internal readonly record struct RequestShape(
    CommandRow? Command,
    TableId Table,
    ProtocolRow? Protocol,
    OutputKind Output,
    uint Options,
    uint ProtocolOptions)
{
    /// <summary>Whether both are the same, told by where the rows are.</summary>
    public bool IsSame(in RequestShape other) =>
        ReferenceEquals(Command, other.Command) && ReferenceEquals(Protocol, other.Protocol) && Table == other.Table
        && Output == other.Output && Options == other.Options && ProtocolOptions == other.ProtocolOptions;
}
