using TwinTrack.Conntrack;
using TwinTrack.Conntrack.Kernel;
using TwinTrack.Netlink;

namespace TwinTrack.Cli.Flows;

/// <summary>-D: deletes what matches, in batches, and shows what was deleted.</summary>
internal sealed class DeleteCommand : IDisposable
{
    private readonly Session _session;
    private readonly Request _request;
    private readonly RequestQueue _queue = new();
    private readonly PackedFlow[] _flows = new PackedFlow[RequestQueue.Capacity];
    private readonly FlowPrinter _printer;
    private int _queued;
    private int _count;

    private DeleteCommand(Session session, Request request)
    {
        _session = session;
        _request = request;
        _printer = new FlowPrinter(session.Output, request);
    }

    /// <summary>Carries the command out.</summary>
    /// <returns>The exit status.</returns>
    public static int Run(Session session, Request request)
    {
        MassDelete.Announce(session, request);
        using var command = new DeleteCommand(session, request);
        FlowReader.Read(request, command.Take);
        command.Send();
        command._printer.Finish();
        session.SayCount(command._count, "flow entries have been deleted.");
        return command._count > 0 ? ExitCode.Success : ExitCode.Failure;
    }

    public void Dispose() => _queue.Dispose();

    private void Take(in PackedFlow flow)
    {
        _flows[_queued] = flow;
        _queue.Delete((uint)_queued, in flow);
        _queued++;
        if (_queue.IsFull) Send();
    }

    // A flow that vanished meanwhile is no error, and is not shown.
    private void Send()
    {
        NetlinkError error = _queue.Send();
        if (error.Code is Errno.TryAgain or Errno.OutOfMemory) throw Session.Failure(_request, error);

        while (_queue.TryReadAnswer(out RequestAnswer answer))
        {
            if (answer.Error.IsSuccess)
            {
                _printer.Print(in _flows[answer.Token]);
                _count++;
            }
            else if (answer.Error.Code != Errno.NotFound)
            {
                throw Session.Failure(_request, answer.Error);
            }
        }

        _queued = 0;
    }
}
