using TwinTrack.Netlink;

namespace TwinTrack.Conntrack.Kernel;

/// <summary>Whether what is listed passes, or everything else.</summary>
public enum FilterMode
{
    /// <summary>Only what is listed passes.</summary>
    Accept,

    /// <summary>What is listed is dropped.</summary>
    Ignore,
}

/// <summary>Addresses of a flow that a filter looks at.</summary>
[Flags]
public enum FlowAddresses
{
    /// <summary>None.</summary>
    None = 0,

    /// <summary>Source of the original tuple.</summary>
    OriginalSource = 1,

    /// <summary>Destination of the original tuple.</summary>
    OriginalDestination = 2,

    /// <summary>Source of the reply tuple: the real destination, after translation.</summary>
    ReplySource = 4,

    /// <summary>Destination of the reply tuple: the source, after translation.</summary>
    ReplyDestination = 8,
}

/// <summary>A host or network.</summary>
/// <param name="Family">2 or 10.</param>
/// <param name="Address">The address; bits beyond the prefix do not matter.</param>
/// <param name="PrefixLength">0 to 32 or 128.</param>
public readonly record struct AddressPrefix(byte Family, Address Address, int PrefixLength);

/// <summary>
/// Builds a filter that the kernel applies to flow events before they cost us anything (classic BPF).
/// </summary>
/// <remarks>
/// Each call adds a condition, and an event must fulfil all. Messages that are no flow events always pass. A list that
/// accepts drops what has no such attribute at all: IPv6 flows when only IPv4 networks are listed.
/// </remarks>
public sealed class KernelFilter
{
    /// <summary>Instructions the kernel takes at most (BPF_MAXINSNS).</summary>
    public const int InstructionLimit = 4096;

    private readonly FilterAssembler _assembler = new();

    /// <summary>Starts with a filter that passes everything.</summary>
    public KernelFilter()
    {
        // The type of the message is in host order: subsystem in its upper byte.
        _assembler.LoadByte(BitConverter.IsLittleEndian ? 5u : 4u);
        _assembler.JumpUnless((uint)NetfilterSubsystem.Conntrack, FilterAssembler.Keep);
    }

    /// <summary>Instructions of the filter so far.</summary>
    public int Length => _assembler.Length;

    /// <summary>Adds a condition on the IP protocol.</summary>
    /// <param name="mode">What happens to the listed.</param>
    /// <param name="protocols">IP protocol numbers.</param>
    /// <returns>This filter.</returns>
    public KernelFilter Protocols(FilterMode mode, IEnumerable<byte> protocols)
    {
        ArgumentNullException.ThrowIfNull(protocols);
        (int hit, int miss, int next) = Outcomes(mode);
        _assembler.Find(
            miss, FlowAttributeType.TupleOriginal, TupleAttributeType.Protocol, PortAttributeType.Number);
        _assembler.LoadValueByte();
        foreach (byte protocol in protocols) _assembler.JumpIf(protocol, hit);
        _assembler.Jump(miss);
        _assembler.Place(next);
        return this;
    }

    /// <summary>Adds a condition on addresses: one hit of any listed network on any of the places counts.</summary>
    /// <param name="mode">What happens to the listed.</param>
    /// <param name="where">Which addresses of the flow to look at.</param>
    /// <param name="networks">Hosts and networks of both families.</param>
    /// <returns>This filter.</returns>
    public KernelFilter Addresses(FilterMode mode, FlowAddresses where, IReadOnlyCollection<AddressPrefix> networks)
    {
        ArgumentNullException.ThrowIfNull(networks);
        (int hit, int miss, int next) = Outcomes(mode);
        for (int i = 0; i < 4; i++)
        {
            if (((int)where & (1 << i)) == 0) continue;

            int tuple = i < 2 ? FlowAttributeType.TupleOriginal : FlowAttributeType.TupleReply;
            Compare(networks, AddressFamily.IPv4, tuple, AddressAttributeType.IPv4Source + (i & 1), hit);
            Compare(networks, AddressFamily.IPv6, tuple, AddressAttributeType.IPv6Source + (i & 1), hit);
        }

        _assembler.Jump(miss);
        _assembler.Place(next);
        return this;
    }

    /// <summary>Adds a condition on the TCP state. Other protocols and events without a state pass.</summary>
    /// <remarks>
    /// Destroy events pass too: whoever heard of a flow must hear of its end, whatever its last state.
    /// </remarks>
    /// <param name="mode">What happens to the listed.</param>
    /// <param name="states">TCP states.</param>
    /// <returns>This filter.</returns>
    public KernelFilter TcpStates(FilterMode mode, IEnumerable<TcpState> states)
    {
        ArgumentNullException.ThrowIfNull(states);
        (int hit, int miss, int next) = Outcomes(mode);
        _assembler.LoadByte(BitConverter.IsLittleEndian ? 4u : 5u);
        _assembler.JumpIf(ConntrackMessage.Delete, next);
        _assembler.Find(next, FlowAttributeType.ProtocolInfo, StateAttributeType.Tcp, StateAttributeType.TcpState);
        _assembler.LoadValueByte();
        foreach (TcpState state in states) _assembler.JumpIf((uint)state, hit);
        _assembler.Jump(miss);
        _assembler.Place(next);
        return this;
    }

    /// <summary>The program, for <see cref="NetlinkSocket.AttachFilter"/>.</summary>
    public FilterInstruction[] Build() => _assembler.Build();

    /// <summary>Puts the filter on an event stream, in place of the one before.</summary>
    /// <returns>
    /// <see cref="Errno.OutOfRange"/> when it exceeds <see cref="InstructionLimit"/>: then filter in user space.
    /// </returns>
    public NetlinkError AttachTo(EventStream events)
    {
        ArgumentNullException.ThrowIfNull(events);
        FilterInstruction[] program = Build();
        return program.Length > InstructionLimit ? new(Errno.OutOfRange) : events.Socket.AttachFilter(program);
    }

    private (int Hit, int Miss, int Next) Outcomes(FilterMode mode)
    {
        int next = _assembler.NewLabel();
        return mode == FilterMode.Accept ? (next, FilterAssembler.Drop, next) : (FilterAssembler.Drop, next, next);
    }

    private void Compare(
        IReadOnlyCollection<AddressPrefix> networks, byte family, int tuple, int attribute, int hit)
    {
        if (!networks.Any(network => network.Family == family)) return;

        int absent = _assembler.NewLabel();
        _assembler.Find(absent, tuple, TupleAttributeType.Address, attribute);
        Span<byte> bytes = stackalloc byte[16];
        foreach (AddressPrefix network in networks)
        {
            if (network.Family != family) continue;

            int length = network.Address.Write(bytes, family);
            _assembler.CompareValue(bytes[..length], network.PrefixLength, hit);
        }

        _assembler.Place(absent);
    }
}
