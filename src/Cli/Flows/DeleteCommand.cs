using TwinTrack.Conntrack;
using TwinTrack.Conntrack.Kernel;
using TwinTrack.Netlink;

namespace TwinTrack.Cli.Flows;

/// <summary>-D: deletes what matches, in batches, and shows what was deleted.</summary>
/// <remarks>
/// Nearly all of its time goes to the kernel, half of it for reading the table: of many flows, one thread reads and
/// another deletes and shows, in the same order.
/// </remarks>
internal sealed class DeleteCommand : IDisposable
{
    // Batches that are filled, emptied or wait in between.
    private const int Places = 8;

    private readonly Session _session;
    private readonly Request _request;
    private readonly RequestQueue _queue = new();
    private readonly FlowPrinter _printer;
    private readonly Batch?[] _batches = new Batch?[Places];
    private readonly SemaphoreSlim _filled = new(0);
    private readonly SemaphoreSlim _empty = new(Places - 1);
    private Thread? _deleter;
    private volatile ToolException? _error;
    private int _filling;
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
        try
        {
            FlowReader.Read(request, command.Take);
        }
        finally
        {
            command.End();
        }

        if (command._error is { } error) throw error;
        command._printer.Finish();
        session.SayCount(command._count, "flow entries have been deleted.");
        return command._count > 0 ? ExitCode.Success : ExitCode.Failure;
    }

    public void Dispose()
    {
        _queue.Dispose();
        _filled.Dispose();
        _empty.Dispose();
    }

    private void Take(in PackedFlow flow)
    {
        Batch batch = _batches[_filling] ??= new Batch();
        batch.Flows[batch.Count++] = flow;
        if (batch.Count < RequestQueue.Capacity) return;

        if (_error is { } error) throw error;
        if (_deleter is null)
        {
            _deleter = new Thread(DeleteAll);
            _deleter.Start();
        }

        HandOver();
        _empty.Wait();
    }

    private void HandOver()
    {
        _filling = (_filling + 1) % Places;
        _filled.Release();
    }

    // The last batch is not full: that is how the other thread knows it. Few flows are no work for two.
    private void End()
    {
        if (_deleter is null)
        {
            if (_batches[0] is { } only) Send(only);
            return;
        }

        _batches[_filling] ??= new Batch();
        HandOver();
        _deleter.Join();
    }

    private void DeleteAll()
    {
        bool isLast;
        int place = 0;
        do
        {
            _filled.Wait();
            Batch batch = _batches[place]!;
            place = (place + 1) % Places;
            isLast = batch.Count < RequestQueue.Capacity;
            if (_error is null) TrySend(batch);
            batch.Count = 0;
            _empty.Release();
        }
        while (!isLast);
    }

    private void TrySend(Batch batch)
    {
        try
        {
            Send(batch);
        }
        catch (ToolException e)
        {
            _error = e;
        }
    }

    // A flow that vanished meanwhile is no error, and is not shown.
    private void Send(Batch batch)
    {
        for (int i = 0; i < batch.Count; i++) _queue.Delete((uint)i, in batch.Flows[i]);
        NetlinkError error = _queue.Send();
        if (error.Code is Errno.TryAgain or Errno.OutOfMemory) throw Session.Failure(_request, error);

        while (_queue.TryReadAnswer(out RequestAnswer answer))
        {
            if (answer.Error.IsSuccess)
            {
                _printer.Print(in batch.Flows[answer.Token]);
                _count++;
            }
            else if (answer.Error.Code != Errno.NotFound)
            {
                throw Session.Failure(_request, answer.Error);
            }
        }
    }

    private sealed class Batch
    {
        public readonly PackedFlow[] Flows = new PackedFlow[RequestQueue.Capacity];
        public int Count;
    }
}
