using System.Runtime.InteropServices;
using TwinTrack.Conntrack;
using TwinTrack.Conntrack.Kernel;
using TwinTrack.Netlink;

namespace TwinTrack.Cli.Flows;

/// <summary>-E: shows events until a signal ends it.</summary>
internal sealed class EventCommand : IDisposable
{
    // Without a wish: what a burst of 100,000 events a second needs while the terminal is slow.
    private const int DefaultBuffer = 8 * 1024 * 1024;

    // Above this many events after a wake-up, later ones are waited for and read together: a wake-up costs more.
    private const int BusyCount = 32;
    private const int BusyPauseMilliseconds = 1;

    private readonly Session _session;
    private readonly Request _request;
    private readonly FlowConditions _conditions;
    private readonly FlowPrinter _flows;
    private readonly ExpectationPrinter _expectations;
    private readonly EventOrigin _origin = new();
    private readonly EventStream _events;
    private readonly int _wake;
    private readonly PosixSignalRegistration[] _signals;
    private volatile bool _isStopWanted;
    private PackedExpectation _expectation;
    private long _count;

    private EventCommand(Session session, Request request)
    {
        _session = session;
        _request = request;
        _conditions = new FlowConditions(request);
        _flows = new FlowPrinter(session.Output, request);
        _expectations = new ExpectationPrinter(session.Output, request);
        _events = Open(session, request);
        _wake = Libc.EventDescriptor(0, Libc.NonBlockingCloseOnExec);
        // A script that starts it in the background makes it ignore the signal by which the script ends it.
        Libc.Signal(Libc.SignalInterrupt, Libc.DefaultHandler);
        _signals =
        [
            PosixSignalRegistration.Create(PosixSignal.SIGINT, Stop),
            PosixSignalRegistration.Create(PosixSignal.SIGTERM, Stop),
        ];
    }

    /// <summary>Carries the command out.</summary>
    /// <returns>The exit status.</returns>
    public static int Run(Session session, Request request)
    {
        using var command = new EventCommand(session, request);
        command.Loop();
        command._flows.Finish();
        command._expectations.Finish();
        session.Output.Flush();
        session.SayCount(
            (int)command._count,
            request.Table == TableId.Expect ? "expectation events have been shown." : "flow events have been shown.");
        return ExitCode.Success;
    }

    public void Dispose()
    {
        foreach (PosixSignalRegistration signal in _signals) signal.Dispose();
        _ = Libc.Close(_wake);
        _events.Dispose();
    }

    private static EventStream Open(Session session, Request request)
    {
        EventGroups groups =
            request.Table == TableId.Expect ? EventGroups.Expectations
            : request.Has(OptionId.EventMask) ? request.Events
            : EventGroups.Flows;
        try
        {
            bool isAsked = request.Has(OptionId.BufferSize);
            var events = new EventStream(groups, isAsked ? request.BufferSize : DefaultBuffer);
            if (isAsked)
            {
                int size = events.Socket.ReceiveBufferSize;
                session.Say($"NOTICE: Netlink socket buffer size has been set to {size} bytes.");
            }

            return events;
        }
        catch (NetlinkException e)
        {
            session.Say(e.Message);
            string what = request.Table == TableId.Expect ? "handler" : "netlink socket";
            throw new ToolException($"Can't open {what}", ExitCode.Failure);
        }
    }

    private void Stop(PosixSignalContext context)
    {
        context.Cancel = true;
        _isStopWanted = true;
        Span<byte> one = stackalloc byte[8];
        MemoryMarshal.Write(one, 1UL);
        _ = Libc.Write(_wake, in MemoryMarshal.GetReference(one), (nuint)one.Length);
    }

    private void Loop()
    {
        Span<Libc.PollDescriptor> waited =
        [
            new() { Descriptor = _events.Socket.Descriptor, Events = Libc.PollIn },
            new() { Descriptor = _wake, Events = Libc.PollIn },
        ];
        while (!_isStopWanted)
        {
            _ = Libc.Poll(ref waited[0], (nuint)waited.Length, -1);
            bool isBusy = Drain() >= BusyCount;
            if (_session.Output.Error != 0) return;
            if (isBusy) _ = Libc.Poll(ref waited[1], 1, BusyPauseMilliseconds);
        }

        Drain(); // what the kernel told before the signal
    }

    // Lines are flushed when the socket runs dry: whoever reads along sees them at once.
    private int Drain()
    {
        PackedFlow flow = default;
        int events = 0;
        while (true)
        {
            switch (_events.Read(ref flow))
            {
                case EventStatus.Flow:
                    events++;
                    Show(in flow);
                    break;
                case EventStatus.Expectation:
                    events++;
                    ShowExpectation();
                    break;
                case EventStatus.Overrun:
                    SayOverrun();
                    break;
                case EventStatus.Failed:
                    throw new ToolException(
                        $"failed to received netlink event: {_events.Socket.LastError}", ExitCode.Failure);
                default:
                    _session.Output.Flush();
                    return events;
            }
        }
    }

    private void Show(in PackedFlow flow)
    {
        if (!_conditions.Matches(in flow)) return;

        FlowTextParts happened = _events.Kind switch
        {
            EventKind.New => FlowTextParts.New,
            EventKind.Update => FlowTextParts.Update,
            _ => FlowTextParts.Destroy,
        };
        _flows.Print(in flow, happened, _origin.Of(_events.Header.PortId));
        _count++;
    }

    private void ShowExpectation()
    {
        if (!ExpectationCodec.TryRead(_events.Message, ref _expectation)) return;

        FlowTextParts happened =
            _events.Kind == EventKind.ExpectationNew ? FlowTextParts.New : FlowTextParts.Destroy;
        _expectations.Print(in _expectation, happened);
        _count++;
    }

    private void SayOverrun()
    {
        _session.Say("WARNING: We have hit ENOBUFS! We are losing events.");
        _session.Say("This message means that the current netlink socket buffer size is too small.");
        _session.Say("Please, check --buffer-size in conntrack(8) manpage.");
    }
}
