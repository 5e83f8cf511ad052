using TwinTrack.Cli.Output;
using TwinTrack.Conntrack;
using TwinTrack.Netlink;

namespace TwinTrack.Cli.Flows;

/// <summary>The commands that show or make flows.</summary>
internal static class FlowCommands
{
    /// <summary>-L.</summary>
    public static int List(Session session, Request request)
    {
        int count = PartedList.Fits(session, request)
            ? new PartedList(session.Output, request).Run()
            : List(session.Output, request, TableHalf.Both);
        session.SayCount(count, "flow entries have been shown.");
        return ExitCode.Success;
    }

    /// <summary>Lists a half of the table, or all of it.</summary>
    /// <returns>How many flows were shown.</returns>
    public static int List(ByteOutput output, Request request, TableHalf half)
    {
        var printer = new FlowPrinter(output, request);
        int count = 0;
        FlowReader.Read(
            request,
            (in PackedFlow flow) =>
            {
                printer.Print(in flow);
                count++;
            },
            half);
        printer.Finish();
        return count;
    }

    /// <summary>-G.</summary>
    public static int Get(Session session, Request request)
    {
        PackedFlow key = default;
        bool isOriginal = request.Original.Has(TupleParts.Addresses);
        key.Fields = isOriginal ? FlowFields.Original : FlowFields.Reply;
        key.Original = request.Original;
        key.Reply = request.Reply;
        CompleteIcmp(request, ref isOriginal ? ref key.Original : ref key.Reply);

        PackedFlow flow = default;
        NetlinkError error = session.Client.Get(in key, ref flow);
        if (!error.IsSuccess) throw Session.Failure(request, error);

        int count = 0;
        if (new FlowConditions(request).Matches(in flow))
        {
            count++;
            var printer = new FlowPrinter(session.Output, request);
            printer.Print(in flow);
            printer.Finish();
        }

        session.SayCount(count, "flow entries have been shown.");
        return count > 0 ? ExitCode.Success : ExitCode.Failure;
    }

    /// <summary>-I and -A.</summary>
    public static int Create(Session session, Request request)
    {
        PackedFlow flow = default;
        MakeFlow(request, ref flow);
        bool isExclusive = request.CommandId == CommandId.Create;
        NetlinkError error = session.Client.Create(in flow, isExclusive);
        if (!error.IsSuccess) throw Session.Failure(request, error);

        session.SayCount(1, isExclusive ? "flow entries have been created." : "flow entries have been added.");
        return ExitCode.Success;
    }

    /// <summary>The flow that the options of -I and -A describe.</summary>
    /// <exception cref="ToolException">The kernel cannot hold it.</exception>
    public static void MakeFlow(Request request, ref PackedFlow flow)
    {
        flow.Clear();
        CheckIcmpFamily(request);
        MakeTuples(request, ref flow);
        if (request.Has(OptionId.Status))
        {
            flow.Status = request.Status;
            flow.Fields |= FlowFields.Status;
        }

        flow.Timeout = request.Timeout;
        flow.Fields |= FlowFields.Timeout;
        if (request.Has(OptionId.Mark))
        {
            flow.Mark = request.Mark;
            flow.Fields |= FlowFields.Mark;
        }

        if (request.Has(OptionId.Zone))
        {
            flow.Zone = request.Zone;
            flow.Fields |= FlowFields.Zone;
        }

        if (request.Has(OptionId.LabelAdd))
        {
            if (request.LabelsAdded.HasUnstorable)
                throw Session.Failure(request, new NetlinkError(Errno.OutOfRange));
            flow.Labels = request.LabelsAdded.Bits;
            flow.Fields |= FlowFields.Labels;
        }

        RequestCheck.AddState(request, ref flow);
        AddNat(request.SourceNat, FlowFields.SourceNat, FlowFields.SourceNatPort, ref flow.SourceNat, ref flow.Fields);
        AddNat(
            request.DestinationNat, FlowFields.DestinationNat, FlowFields.DestinationNatPort,
            ref flow.DestinationNat, ref flow.Fields);
        // What the kernel would translate instead is the identifier of ICMP, or the key of GRE.
        if (request.Protocol is not { TakesTranslatedPort: true })
            flow.Fields &= ~(FlowFields.SourceNatPort | FlowFields.DestinationNatPort);
    }

    // The kernel would make a flow that no packet can belong to.
    private static void CheckIcmpFamily(Request request)
    {
        if (request.Protocol is not { IsIcmp: true } protocol) return;
        bool isIPv6 = request.Family == AddressFamily.IPv6;
        if (isIPv6 != (protocol.Number == IpProtocol.IcmpV6))
            throw Session.Failure(request, new NetlinkError(Errno.Invalid));
    }

    // Given one direction only, the other is its reverse; given parts of both, what is missing is zero.
    private static void MakeTuples(Request request, ref PackedFlow flow)
    {
        const TupleParts addresses = TupleParts.Addresses;
        flow.Original = request.Original;
        flow.Reply = request.Reply;
        flow.Fields |= FlowFields.Original | FlowFields.Reply;
        CompleteIcmp(request, ref flow.Original);
        bool hasOriginal = (request.Original.Parts & addresses) != TupleParts.None;
        bool hasReply = (request.Reply.Parts & addresses) != TupleParts.None;
        if (hasOriginal && !hasReply)
        {
            flow.Original.TryReverse(out flow.Reply);
            KeepZone(in request.Reply, ref flow.Reply);
            if (request.SourceNat.HasAddress && request.DestinationNat.HasAddress)
                KeepPorts(in request.Reply, ref flow.Reply);
        }
        else if (hasReply && !hasOriginal)
        {
            CompleteIcmp(request, ref flow.Reply);
            flow.Reply.TryReverse(out flow.Original);
            KeepZone(in request.Original, ref flow.Original);
        }
        else
        {
            CompleteIcmp(request, ref flow.Reply);
            FillUp(ref flow.Original);
            FillUp(ref flow.Reply);
        }
    }

    // Translated ports come as ports of the reply, also when both addresses come as translations.
    private static void KeepPorts(in FlowTuple given, ref FlowTuple tuple)
    {
        if (given.Has(TupleParts.SourcePort))
        {
            tuple.SourcePort = given.SourcePort;
            tuple.Parts |= TupleParts.SourcePort;
        }

        if (!given.Has(TupleParts.DestinationPort)) return;
        tuple.DestinationPort = given.DestinationPort;
        tuple.Parts |= TupleParts.DestinationPort;
    }

    private static void KeepZone(in FlowTuple given, ref FlowTuple tuple)
    {
        if (!given.Has(TupleParts.Zone)) return;
        tuple.Zone = given.Zone;
        tuple.Parts |= TupleParts.Zone;
    }

    private static void FillUp(ref FlowTuple tuple)
    {
        if ((tuple.Parts & TupleParts.Ports) != TupleParts.None)
        {
            if (!tuple.Has(TupleParts.SourcePort)) tuple.SourcePort = 0;
            if (!tuple.Has(TupleParts.DestinationPort)) tuple.DestinationPort = 0;
            tuple.Parts |= TupleParts.Ports;
        }

        if (!tuple.Has(TupleParts.Source)) tuple.Source = default;
        if (!tuple.Has(TupleParts.Destination)) tuple.Destination = default;
        tuple.Parts |= TupleParts.Addresses;
    }

    // The kernel wants the identifier, if only a zero.
    private static void CompleteIcmp(Request request, ref FlowTuple tuple)
    {
        if (request.Protocol is { IsIcmp: true } && tuple.Has(TupleParts.Protocol)) tuple.Parts |= TupleParts.IcmpId;
    }

    private static void AddNat(
        NatArgument argument, FlowFields address, FlowFields port, ref NatRange range, ref FlowFields fields)
    {
        if (!argument.HasAddress) return;
        range = default;
        range.First = range.Last = argument.Address;
        fields |= address;
        if (!argument.HasPort) return;
        range.FirstPort = range.LastPort = argument.Port;
        fields |= port;
    }
}
