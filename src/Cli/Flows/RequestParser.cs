using System.Runtime.InteropServices;
using TwinTrack.Cli.CommandLine;
using TwinTrack.Conntrack;
using TwinTrack.Conntrack.Kernel;

namespace TwinTrack.Cli.Flows;

/// <summary>Reads command lines of conntrack(8), one after the other.</summary>
/// <param name="warn">Takes warnings.</param>
internal sealed class RequestParser(Action<string> warn)
{
    private static readonly WordBits[] _statusWords =
    [
        new("ASSURED", (uint)FlowStatus.Assured), new("SEEN_REPLY", (uint)FlowStatus.SeenReply), new("UNSET", 0),
        new("FIXED_TIMEOUT", (uint)FlowStatus.FixedTimeout), new("EXPECTED", (uint)FlowStatus.Expected),
        new("OFFLOAD", (uint)FlowStatus.Offload), new("HW_OFFLOAD", (uint)FlowStatus.HardwareOffload),
    ];

    private static readonly WordBits _unreplied = new("UNREPLIED", (uint)FlowStatus.SeenReply);

    private static readonly WordBits[] _eventWords =
    [
        new("ALL", (uint)EventGroups.Flows), new("NEW", (uint)EventGroups.New),
        new("UPDATES", (uint)EventGroups.Update), new("DESTROY", (uint)EventGroups.Destroy),
    ];

    private static readonly WordBits[] _outputWords =
    [
        new("xml", (uint)OutputKind.Xml), new("extended", (uint)OutputKind.Extended),
        new("timestamp", (uint)OutputKind.Timestamp), new("id", (uint)OutputKind.Id),
        new("ktimestamp", (uint)OutputKind.KernelTimestamp), new("labels", (uint)OutputKind.Labels),
        new("userspace", (uint)OutputKind.UserSpace), new("save", (uint)OutputKind.Save),
        new("json", (uint)OutputKind.Json),
    ];

    private readonly ArgumentScanner _scanner = new(OptionTable.All);
    private LabelMap? _labels;
    private bool _areLabelsRead;
    private RequestShape _passed;

    /// <summary>Reads a command line and checks it.</summary>
    /// <param name="request">Overwritten.</param>
    /// <param name="words">The arguments, without the program's name.</param>
    /// <param name="count">How many of them there are.</param>
    /// <exception cref="ToolException">It makes no sense.</exception>
    public void Parse(Request request, ReadOnlyMemory<char>[] words, int count)
    {
        request.Clear();
        _scanner.Start(words, count);
        while (_scanner.MoveNext())
        {
            int id = _scanner.Row.Id;
            if (id >= OptionTable.FirstProtocolOption)
                Apply(request, (ProtocolOption)(id - OptionTable.FirstProtocolOption), _scanner.Value.Span);
            else if (id >= OptionTable.FirstCommand) Take(request, (CommandId)(id - OptionTable.FirstCommand));
            else Apply(request, (OptionId)id, _scanner.Value.Span);
        }

        if (request.Command is null && !request.HasOptions) return;

        // The lines of a load file have few shapes.
        RequestShape shape = request.Shape;
        if (!shape.IsSame(in _passed)) RequestCheck.Check(request);
        _passed = shape;
        RequestCheck.Complete(request);
    }

    private void Take(Request request, CommandId id)
    {
        if (request.Command is not null) throw new ToolException("Invalid commands combination");

        request.Command = OptionTable.Find(id);
        request.Table = _scanner.TryTakeWord(out ReadOnlyMemory<char> word) ? Table(word.Span) : TableId.Conntrack;
        if (request.Table is TableId.Dying or TableId.Unconfirmed && id != CommandId.List)
            throw new ToolException("Can't do that command with tables `dying' and `unconfirmed'");
        if (request.Table == TableId.Expect && request.Command!.Expectations is null)
            throw new ToolException($"Can't do --{request.Command.Name} on expectations");
    }

    private static TableId Table(ReadOnlySpan<char> word) =>
        "expect".AsSpan().StartsWith(word) ? TableId.Expect
        : "conntrack".AsSpan().StartsWith(word) ? TableId.Conntrack
        : "dying".AsSpan().StartsWith(word) ? TableId.Dying
        : "unconfirmed".AsSpan().StartsWith(word) ? TableId.Unconfirmed
        : throw new ToolException($"unknown type `{word}'");

    private void Apply(Request request, OptionId option, ReadOnlySpan<char> value)
    {
        switch (option)
        {
            case OptionId.Yes:
                request.SaysYes = true;
                return;
            case OptionId.Sockets:
                if (value is not ("1" or "2")) throw new ToolException($"Invalid number of sockets `{value}'");
                request.Sockets = value[0] - '0';
                return;
            case OptionId.NatRange:
                warn("WARNING: ignoring -a, deprecated option.");
                return;
            case OptionId.Protocol:
                request.Protocol = ProtocolTable.Find(value)
                    ?? throw new ToolException($"`{value}' unsupported protocol");
                _scanner.Add(request.Protocol.Options);
                break;
            case OptionId.Timeout: request.Timeout = (uint)Numbers.Leading(value); break;
            case OptionId.Mark:
                request.Mark = ValueReader.Mark(value, out uint mask);
                request.MarkMask = mask;
                break;
            case OptionId.Id: request.Id = ValueReader.Strict(value, 'i'); break;
            case OptionId.SecurityMark: request.SecurityMark = ValueReader.Strict(value, 'c'); break;
            case OptionId.BufferSize: request.BufferSize = (int)Numbers.Leading(value); break;
            case OptionId.Family: Join(request, ValueReader.Family(value)); break;
            case OptionId.Zone: request.Zone = (ushort)ValueReader.Strict(value, 'w', ushort.MaxValue); break;
            case OptionId.OriginalZone:
                request.Original.Zone = (ushort)ValueReader.Strict(value, '(', ushort.MaxValue);
                request.Original.Parts |= TupleParts.Zone;
                break;
            case OptionId.ReplyZone:
                request.Reply.Zone = (ushort)ValueReader.Strict(value, ')', ushort.MaxValue);
                request.Reply.Parts |= TupleParts.Zone;
                break;
            case OptionId.Status or OptionId.EventMask or OptionId.Output:
                ApplyList(request, option, value);
                break;
            case OptionId.Label or OptionId.LabelAdd or OptionId.LabelDelete:
                ApplyLabels(request, option, value);
                break;
            case OptionId.SourceNat or OptionId.DestinationNat or OptionId.AnyNat:
                ApplyNat(request, option, value);
                break;
            case OptionId.Zero: break;
            default:
                ApplyAddress(request, option, value);
                break;
        }

        request.Set(option);
    }

    private void ApplyList(Request request, OptionId option, ReadOnlySpan<char> value)
    {
        switch (option)
        {
            case OptionId.Status:
                (uint set, uint clear) = WordList.ParseSigned(value, _statusWords, _unreplied, warn);
                request.Status |= (FlowStatus)set;
                request.StatusClear |= (FlowStatus)clear;
                break;
            case OptionId.EventMask:
                request.Events |= (EventGroups)WordList.Parse(value, _eventWords, warn);
                break;
            case OptionId.Output:
                request.Output |= (OutputKind)WordList.Parse(value, _outputWords, warn);
                CheckOutput(request.Output);
                if ((request.Output & OutputKind.Labels) != OutputKind.None) request.LabelNames = Labels();
                break;
        }
    }

    private static void CheckOutput(OutputKind output)
    {
        const OutputKind save = OutputKind.Save | OutputKind.UserSpace;
        if ((output & OutputKind.Save) != OutputKind.None && (output & ~save) != OutputKind.None)
        {
            throw new ToolException(
                "cannot combine save output with any other output type, use -o save only", ExitCode.Failure);
        }

        const OutputKind both = OutputKind.Json | OutputKind.Xml;
        if ((output & both) == both) throw new ToolException("cannot combine json and xml output");
    }

    private void ApplyLabels(Request request, OptionId option, ReadOnlySpan<char> value)
    {
        bool adds = request.Has(OptionId.LabelAdd) || option == OptionId.LabelAdd;
        bool removes = request.Has(OptionId.LabelDelete) || option == OptionId.LabelDelete;
        if (adds && removes)
            throw new ToolException("cannot use --label-add and --label-del at the same time", ExitCode.Failure);

        request.LabelNames = Labels();
        LabelSet labels = _scanner.HasValue ? LabelMap.Parse(request.LabelNames, value) : default;
        switch (option)
        {
            case OptionId.Label: request.LabelFilter = request.LabelFilter.With(labels); break;
            case OptionId.LabelAdd: request.LabelsAdded = request.LabelsAdded.With(labels); break;
            case OptionId.LabelDelete:
                request.LabelsRemoved = request.LabelsRemoved.With(labels);
                request.RemovesAllLabels |= !_scanner.HasValue;
                break;
        }
    }

    private LabelMap? Labels()
    {
        if (_areLabelsRead) return _labels;

        _areLabelsRead = true;
        bool isThere = FileText.TryRead(LabelMap.Path, out ReadOnlySpan<byte> text);
        if (isThere) _labels = LabelMap.Read(text);
        if (_labels is null)
        {
            string why = isThere ? "no label in it" : Marshal.GetLastPInvokeErrorMessage();
            warn($"{LabelMap.Path}: {why}");
        }

        return _labels;
    }

    private void ApplyNat(Request request, OptionId option, ReadOnlySpan<char> value)
    {
        NatArgument argument = default;
        if (_scanner.HasValue)
        {
            argument = ValueReader.Nat(value, _scanner.Row.Name, out byte family);
            Join(request, family);
        }

        switch (option)
        {
            case OptionId.SourceNat: request.SourceNat = argument; break;
            case OptionId.DestinationNat: request.DestinationNat = argument; break;
            default: request.AnyNat = argument; break;
        }
    }

    private void ApplyAddress(Request request, OptionId option, ReadOnlySpan<char> value)
    {
        bool mayHavePrefix = option is OptionId.Source or OptionId.Destination
            or OptionId.TupleSource or OptionId.TupleDestination;
        string? name = mayHavePrefix ? null : _scanner.Row.Name;
        Address address = ValueReader.Address(value, name, out byte family, out int prefixLength);
        Join(request, family);

        bool isSource = option is OptionId.Source or OptionId.ReplySource or OptionId.TupleSource
            or OptionId.MaskSource;
        switch (option)
        {
            case OptionId.Source or OptionId.Destination: Put(ref request.Original, isSource, address); break;
            case OptionId.ReplySource or OptionId.ReplyDestination: Put(ref request.Reply, isSource, address); break;
            case OptionId.TupleSource or OptionId.TupleDestination:
                Put(ref request.Expected, isSource, address);
                break;
            default: Put(ref request.Mask, isSource, address); break;
        }

        if (prefixLength < 0) return;
        Put(ref request.Mask, isSource, AddressReader.Mask(prefixLength));
        request.Set(isSource ? OptionId.MaskSource : OptionId.MaskDestination);
    }

    private static void Put(ref FlowTuple tuple, bool isSource, Address address)
    {
        if (isSource) tuple.Source = address;
        else tuple.Destination = address;
        tuple.Parts |= isSource ? TupleParts.Source : TupleParts.Destination;
    }

    private static void Join(Request request, byte family)
    {
        if (!request.IsFamilyOpen && request.Family != family)
            throw new ToolException("mismatched address family");
        request.Family = family;
    }

    private static void Apply(Request request, ProtocolOption option, ReadOnlySpan<char> value)
    {
        byte protocol = request.Protocol!.Number;
        switch (option)
        {
            case ProtocolOption.State: request.State = ValueReader.State(protocol, value); break;
            case ProtocolOption.Role: request.Role = ValueReader.Role(value); break;
            case ProtocolOption.OriginalTag: request.OriginalTag = (uint)Numbers.Leading(value); break;
            case ProtocolOption.ReplyTag: request.ReplyTag = (uint)Numbers.Leading(value); break;
            case ProtocolOption.IcmpType: request.Original.IcmpType = (byte)Numbers.Leading(value); break;
            case ProtocolOption.IcmpCode: request.Original.IcmpCode = (byte)Numbers.Leading(value); break;
            case ProtocolOption.IcmpId:
                request.Original.IcmpId = (ushort)Numbers.Leading(value);
                request.Original.Parts |= TupleParts.IcmpId;
                break;
            default:
                ushort port = protocol == IpProtocol.Gre ? ValueReader.Key(value) : ValueReader.Port(value);
                ApplyPort(request, option, port);
                break;
        }

        request.Set(option);
    }

    private static void ApplyPort(Request request, ProtocolOption option, ushort port)
    {
        switch (option)
        {
            case ProtocolOption.SourcePort: Put(ref request.Original, TupleParts.SourcePort, port); break;
            case ProtocolOption.DestinationPort: Put(ref request.Original, TupleParts.DestinationPort, port); break;
            case ProtocolOption.ReplySourcePort: Put(ref request.Reply, TupleParts.SourcePort, port); break;
            case ProtocolOption.ReplyDestinationPort:
                Put(ref request.Reply, TupleParts.DestinationPort, port);
                break;
            case ProtocolOption.MaskSourcePort: Put(ref request.Mask, TupleParts.SourcePort, port); break;
            case ProtocolOption.MaskDestinationPort: Put(ref request.Mask, TupleParts.DestinationPort, port); break;
            case ProtocolOption.TupleSourcePort: Put(ref request.Expected, TupleParts.SourcePort, port); break;
            default: Put(ref request.Expected, TupleParts.DestinationPort, port); break;
        }
    }

    private static void Put(ref FlowTuple tuple, TupleParts part, ushort port)
    {
        if (part == TupleParts.SourcePort) tuple.SourcePort = port;
        else tuple.DestinationPort = port;
        tuple.Parts |= part;
    }
}
