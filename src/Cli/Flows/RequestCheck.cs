using TwinTrack.Cli.CommandLine;
using TwinTrack.Conntrack;

namespace TwinTrack.Cli.Flows;

/// <summary>Checks whether the options of a command line go together, and completes what follows from them.</summary>
internal static class RequestCheck
{
    // Segments beyond the window and selective acknowledgements are taken: the windows of a made flow are unknown.
    private const TcpFlags MadeFlowFlags = TcpFlags.BeLiberal | TcpFlags.SackPermitted;

    /// <summary>Checks whether the options of a command line go together.</summary>
    /// <exception cref="ToolException">They do not.</exception>
    public static void Check(Request request)
    {
        if (request.Has(OptionId.AnyNat) && request.HasAny(OptionId.SourceNat, OptionId.DestinationNat))
            throw new ToolException("cannot specify `--src-nat' or `--dst-nat' with `--any-nat'");

        CheckOptions(request);
        if (request.Protocol is { Rules: { } rules } protocol && request.CommandId != CommandId.Help)
            CheckProtocol(request, protocol, rules);
        CheckConditions(request);
    }

    private static void CheckOptions(Request request)
    {
        string matrix = OptionTable.Matrix(request.Command, request.Table);
        bool hasCouples = false;
        for (int column = 0; column < matrix.Length; column++)
        {
            hasCouples |= matrix[column] == 'c';
            if (column == (int)OptionId.Output && IsJsonStats(request)) continue;
            CheckCell(matrix[column], request.Has((OptionId)column), OptionTable.Options[column]);
        }

        if (!hasCouples) return;
        bool original = request.Has(OptionId.Source) && request.Has(OptionId.Destination);
        bool reply = request.Has(OptionId.ReplySource) && request.Has(OptionId.ReplyDestination);
        if (original || reply) return;

        bool isReplyMeant = !request.HasAny(OptionId.Source, OptionId.Destination)
            && request.HasAny(OptionId.ReplySource, OptionId.ReplyDestination);
        throw new ToolException(isReplyMeant
            ? "you have to specify `--reply-src' and `--reply-dst'"
            : "you have to specify `--src' and `--dst'");
    }

    // The one format that the original does not have: its scripts cannot mean an error by it.
    private static bool IsJsonStats(Request request) =>
        request.CommandId is CommandId.Count or CommandId.Stats && request.Output == OutputKind.Json;

    private static void CheckProtocol(Request request, ProtocolRow protocol, ProtocolRules rules)
    {
        string? cells = rules.For(request.CommandId, request.Table);
        bool hasCouples = false;
        for (int column = 0; column < protocol.Options.Length; column++)
        {
            OptionRow row = protocol.Options[column];
            char cell = cells?[column] ?? '.';
            hasCouples |= cell == 'c';
            CheckCell(cell, request.Has(OptionOf(row)), row);
        }

        if (!hasCouples) return;
        bool source = request.Has(ProtocolOption.SourcePort);
        bool destination = request.Has(ProtocolOption.DestinationPort);
        bool replySource = request.Has(ProtocolOption.ReplySourcePort);
        bool replyDestination = request.Has(ProtocolOption.ReplyDestinationPort);
        if ((source && destination) || (replySource && replyDestination)) return;

        bool isReplyMeant = !source && !destination && (replySource || replyDestination);
        throw new ToolException(isReplyMeant ? rules.ReplyCoupleError! : rules.CoupleError!);
    }

    private static void CheckConditions(Request request)
    {
        bool selects = request.CommandId is CommandId.List or CommandId.Delete or CommandId.Update or CommandId.Event;
        if (!selects) return;

        bool compares = request.HasAny(
            OptionId.Protocol, OptionId.Source, OptionId.Destination, OptionId.ReplySource,
            OptionId.ReplyDestination, OptionId.Mark, OptionId.SecurityMark, OptionId.Status, OptionId.Id,
            OptionId.Zone, OptionId.Label, OptionId.OriginalZone, OptionId.ReplyZone);
        if (request.Has(OptionId.Zero) && compares)
            throw new ToolException("Can't use -z with filtering parameters");
        if (request.Has(OptionId.MaskSource) && !request.Has(OptionId.Source))
            throw new ToolException("Can't use --mask-src without --src");
        if (request.Has(OptionId.MaskDestination) && !request.Has(OptionId.Destination))
            throw new ToolException("Can't use --mask-dst without --dst");
    }

    private static void CheckCell(char cell, bool isGiven, OptionRow row)
    {
        if (cell == '!' && !isGiven)
            throw new ToolException($"You need to supply the `--{row.Name}' option for this command");
        if (cell == '.' && isGiven) throw new ToolException($"Illegal option `--{row.Name}' with this command");
    }

    private static ProtocolOption OptionOf(OptionRow row) =>
        (ProtocolOption)(row.Id - OptionTable.FirstProtocolOption);

    /// <summary>Adds what the options leave open and the words before them could not know yet.</summary>
    public static void Complete(Request request)
    {
        bool concernsBoth = request.Table != TableId.Expect && request.CommandId is CommandId.List
            or CommandId.Update or CommandId.Delete or CommandId.Get or CommandId.Flush or CommandId.Event;
        if (request.IsFamilyOpen && !concernsBoth && request.Table != TableId.Expect)
            request.Family = AddressFamily.IPv4;
        request.Original.Family = request.Reply.Family = request.Family;
        request.Expected.Family = request.Mask.Family = request.Family;
        if (request.Protocol is not { } protocol) return;

        Name(ref request.Original, protocol.Number);
        const TupleParts ports = TupleParts.Ports;
        if ((request.Expected.Parts & ports) != TupleParts.None) Name(ref request.Expected, protocol.Number);
        if ((request.Mask.Parts & ports) != TupleParts.None) Name(ref request.Mask, protocol.Number);

        bool hasReplyPorts = (request.Reply.Parts & ports) != TupleParts.None;
        bool hasReplyAddress = (request.Reply.Parts & TupleParts.Addresses) != TupleParts.None;
        if (hasReplyPorts || (hasReplyAddress && !protocol.HasPorts)) Name(ref request.Reply, protocol.Number);
        if (protocol.IsIcmp) CompleteIcmp(request);
    }

    private static void CompleteIcmp(Request request)
    {
        if (request.Has(ProtocolOption.IcmpType) && request.Has(ProtocolOption.IcmpCode))
            request.Original.Parts |= TupleParts.IcmpTypeCode;
        if (!request.Reply.Has(TupleParts.Protocol)) return;

        // Without a counterpart the kernel has the last word.
        FlowTuple original = request.Original;
        original.Parts |= TupleParts.IcmpTypeCode;
        if (!original.TryReverse(out FlowTuple reverse)) reverse.IcmpType = original.IcmpType;
        const TupleParts icmp = TupleParts.IcmpTypeCode | TupleParts.IcmpId;
        request.Reply.IcmpType = reverse.IcmpType;
        request.Reply.IcmpCode = reverse.IcmpCode;
        request.Reply.IcmpId = reverse.IcmpId;
        request.Reply.Parts |= request.Original.Parts & icmp;
    }

    private static void Name(ref FlowTuple tuple, byte protocol)
    {
        tuple.Protocol = protocol;
        tuple.Parts |= TupleParts.Protocol;
    }

    /// <summary>Puts what the options say about the state of the protocol into a flow.</summary>
    public static void AddState(Request request, ref PackedFlow flow)
    {
        if (request.Protocol is not { } protocol) return;

        bool hasState = request.Has(ProtocolOption.State);
        switch (protocol.Number)
        {
            case IpProtocol.Tcp when hasState:
                flow.TcpState = request.State;
                var flags = (byte)MadeFlowFlags;
                if (request.State >= (byte)TcpState.TimeWait) flags |= (byte)TcpFlags.CloseInitiated;
                flow.TcpFlagsOriginal = flow.TcpFlagsOriginalMask = flags;
                flow.TcpFlagsReply = flow.TcpFlagsReplyMask = flags;
                flow.Fields |= FlowFields.TcpState | FlowFields.TcpFlagsOriginal | FlowFields.TcpFlagsReply;
                break;
            case IpProtocol.Sctp:
                flow.SctpState = request.State;
                flow.SctpTagOriginal = request.OriginalTag;
                flow.SctpTagReply = request.ReplyTag;
                if (hasState) flow.Fields |= FlowFields.SctpState;
                if (request.Has(ProtocolOption.OriginalTag)) flow.Fields |= FlowFields.SctpTagOriginal;
                if (request.Has(ProtocolOption.ReplyTag)) flow.Fields |= FlowFields.SctpTagReply;
                break;
            case IpProtocol.Dccp:
                flow.DccpState = request.State;
                flow.DccpRole = request.Role;
                if (hasState) flow.Fields |= FlowFields.DccpState;
                if (request.Has(ProtocolOption.Role)) flow.Fields |= FlowFields.DccpRole;
                break;
        }
    }
}
