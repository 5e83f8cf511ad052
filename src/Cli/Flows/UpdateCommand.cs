using TwinTrack.Conntrack;
using TwinTrack.Netlink;

namespace TwinTrack.Cli.Flows;

/// <summary>-U: changes what matches, and shows it as it then is.</summary>
internal sealed class UpdateCommand
{
    private readonly Session _session;
    private readonly Request _request;
    private readonly FlowPrinter _printer;
    private int _count;

    private UpdateCommand(Session session, Request request)
    {
        _session = session;
        _request = request;
        _printer = new FlowPrinter(session.Output, request);
    }

    /// <summary>Carries the command out.</summary>
    /// <returns>The exit status.</returns>
    public static int Run(Session session, Request request)
    {
        var command = new UpdateCommand(session, request);
        FlowReader.Read(request, command.Take);
        command._printer.Finish();
        session.SayCount(command._count, "flow entries have been updated.");
        return command._count > 0 ? ExitCode.Success : ExitCode.Failure;
    }

    private void Take(in PackedFlow flow)
    {
        PackedFlow change = default;
        change.Original = flow.Original;
        change.Zone = flow.Zone;
        change.Fields = FlowFields.Original | (flow.Fields & FlowFields.Zone);
        if (!AddChanges(in flow, ref change)) return;

        NetlinkError error = _session.Client.Update(in change);
        switch (error.Code)
        {
            case Errno.None: break;
            case Errno.NotFound: return; // it ended meanwhile
            case Errno.NoSpace when change.Has(FlowFields.Labels): return; // made without room for labels
            case Errno.NotPermitted when IsTimeoutFixed(in flow, in change):
                throw new ToolException(
                    "Operation failed: the timeout of a flow with FIXED_TIMEOUT cannot be changed", ExitCode.Failure);
            default: throw Session.Failure(_request, error);
        }

        PackedFlow found = default;
        error = _session.Client.Get(in change, ref found);
        if (error.Code == Errno.NotFound) return;
        if (!error.IsSuccess) throw Session.Failure(_request, error);

        _printer.Print(in found);
        _count++;
    }

    private static bool IsTimeoutFixed(in PackedFlow flow, in PackedFlow change) =>
        change.Has(FlowFields.Timeout) && (flow.Status & FlowStatus.FixedTimeout) != FlowStatus.None;

    // Returns whether anything is to be changed.
    private bool AddChanges(in PackedFlow flow, ref PackedFlow change)
    {
        bool isChanged = false;
        if (_request.Has(OptionId.Timeout))
        {
            change.Timeout = _request.Timeout;
            change.Fields |= FlowFields.Timeout;
            isChanged |= !flow.Has(FlowFields.Timeout) || flow.Timeout != change.Timeout;
        }

        if (_request.Has(OptionId.Status))
        {
            change.Status = flow.Status | _request.Status;
            change.Fields |= FlowFields.Status;
            isChanged |= change.Status != flow.Status;
        }

        if (_request.Has(OptionId.Mark))
        {
            uint mark = flow.Has(FlowFields.Mark) ? flow.Mark : 0;
            change.Mark = (mark & ~_request.MarkMask) ^ _request.Mark;
            change.Fields |= FlowFields.Mark;
            isChanged |= change.Mark != mark;
        }

        isChanged |= AddState(in flow, ref change);
        return AddLabels(in flow, ref change) | isChanged;
    }

    private bool AddState(in PackedFlow flow, ref PackedFlow change)
    {
        RequestCheck.AddState(_request, ref change);
        if (!_request.Has(ProtocolOption.State)) return false;
        return _request.Protocol!.Number switch
        {
            IpProtocol.Tcp => flow.TcpState != change.TcpState,
            IpProtocol.Sctp => flow.SctpState != change.SctpState,
            _ => flow.DccpState != change.DccpState,
        };
    }

    // The kernel keeps the labels outside of the mask, and toggles those inside.
    private bool AddLabels(in PackedFlow flow, ref PackedFlow change)
    {
        LabelBits old = flow.Has(FlowFields.Labels) ? flow.Labels : default;
        LabelBits wanted = old;
        if (_request.Has(OptionId.LabelAdd))
        {
            LabelBits bits = _request.LabelsAdded.Bits;
            wanted = new(old.First | bits.First, old.Second | bits.Second);
            change.Labels = change.LabelsMask = bits;
        }
        else if (_request.RemovesAllLabels)
        {
            wanted = default;
            change.Labels = default;
            change.LabelsMask = new(ulong.MaxValue, ulong.MaxValue);
        }
        else if (_request.Has(OptionId.LabelDelete))
        {
            LabelBits bits = _request.LabelsRemoved.Bits;
            wanted = new(old.First & ~bits.First, old.Second & ~bits.Second);
            change.Labels = default;
            change.LabelsMask = bits;
        }

        // Labels named for a flow that has any count as a change, even if it is none.
        bool isNamed = _request.HasAny(OptionId.LabelAdd, OptionId.LabelDelete) && flow.Has(FlowFields.Labels);
        if (wanted == old && !isNamed) return false;
        change.Fields |= FlowFields.Labels | FlowFields.LabelsMask;
        return true;
    }
}
