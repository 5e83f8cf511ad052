using TwinTrack.Netlink;

namespace TwinTrack.Conntrack.Kernel;

/// <summary>Takes one flow of a dump.</summary>
public delegate void FlowHandler(in PackedFlow flow);

/// <summary>Asks the kernel about flows and changes them, one request at a time, waiting for each answer.</summary>
/// <remarks>
/// For tools and tests; a loop that must not wait uses <see cref="RequestQueue"/> and <see cref="FlowDump"/>.
/// It belongs to the network namespace of the thread that made it. Not thread-safe.
/// </remarks>
public sealed class ConntrackClient : IDisposable
{
    private readonly NetlinkClient _client;

    /// <summary>Opens a socket.</summary>
    /// <exception cref="NetlinkException">The kernel lacks nfnetlink.</exception>
    public ConntrackClient() => _client = new NetlinkClient(NetlinkProtocol.Netfilter);

    /// <summary>The port id that events of these requests carry.</summary>
    public uint PortId => _client.Socket.PortId;

    /// <summary>Creates a flow, see <see cref="FlowCodec.WriteCreate"/>.</summary>
    /// <param name="flow">The flow.</param>
    /// <param name="exclusive">Whether an existing flow is an error (EEXIST); else it is updated.</param>
    public NetlinkError Create(in PackedFlow flow, bool exclusive = true)
    {
        _client.Writer.Clear();
        FlowCodec.WriteCreate(_client.Writer, in flow, _client.NextSequence, exclusive, MessageFlags.Ack);
        return _client.Transact();
    }

    /// <summary>Changes a flow, see <see cref="FlowCodec.WriteUpdate"/>.</summary>
    public NetlinkError Update(in PackedFlow flow)
    {
        _client.Writer.Clear();
        FlowCodec.WriteUpdate(_client.Writer, in flow, _client.NextSequence, MessageFlags.Ack);
        return _client.Transact();
    }

    /// <summary>Deletes a flow, see <see cref="FlowCodec.WriteDelete"/>.</summary>
    public NetlinkError Delete(in PackedFlow flow)
    {
        _client.Writer.Clear();
        FlowCodec.WriteDelete(_client.Writer, in flow, _client.NextSequence, MessageFlags.Ack);
        return _client.Transact();
    }

    /// <summary>Reads a flow.</summary>
    /// <param name="key">A tuple of either direction, and the zone.</param>
    /// <param name="found">Filled on success.</param>
    public NetlinkError Get(in PackedFlow key, ref PackedFlow found)
    {
        _client.Writer.Clear();
        FlowCodec.WriteGet(_client.Writer, in key, _client.NextSequence, MessageFlags.Ack);
        if (!_client.Start().IsSuccess) return _client.Result;

        bool isRead = false;
        while (_client.Wait() == ReplyState.Message) isRead = FlowCodec.TryRead(_client.Message, ref found);
        return _client.Result.IsSuccess && !isRead ? new(Errno.BadMessage) : _client.Result;
    }

    /// <summary>Reads the table.</summary>
    /// <param name="handler">Called for each flow; the flow is valid until it returns.</param>
    /// <param name="family">2 or 10 for one family, 0 for both.</param>
    /// <param name="message">Which flows: <see cref="ConntrackMessage.Get"/> and those that read like it.</param>
    public NetlinkError Dump(
        FlowHandler handler, byte family = AddressFamily.Unspecified, byte message = ConntrackMessage.Get)
    {
        ArgumentNullException.ThrowIfNull(handler);
        _client.Writer.Clear();
        FlowCodec.WriteDump(_client.Writer, _client.NextSequence, family, message);
        return ReadDump(handler);
    }

    /// <summary>Reads the flows that match a pattern, see <see cref="FlowMatch"/>.</summary>
    /// <param name="handler">Called for each flow; the flow is valid until it returns.</param>
    /// <param name="pattern">The conditions: applied by the kernel where it can, and here.</param>
    /// <param name="family">2 or 10 for one family; 0 for that of the pattern's addresses, or both.</param>
    /// <param name="message"><see cref="ConntrackMessage.Get"/> or <see cref="ConntrackMessage.GetAndZero"/>.</param>
    public NetlinkError Dump(
        FlowHandler handler,
        in PackedFlow pattern,
        byte family = AddressFamily.Unspecified,
        byte message = ConntrackMessage.Get)
    {
        ArgumentNullException.ThrowIfNull(handler);
        _client.Writer.Clear();
        FlowCodec.WriteDump(_client.Writer, _client.NextSequence, in pattern, family, message);
        PackedFlow conditions = pattern;
        return ReadDump((in PackedFlow flow) =>
        {
            if (FlowMatch.Matches(in conditions, in flow)) handler(in flow);
        });
    }

    /// <summary>
    /// Deletes the flows that match a pattern, see <see cref="FlowMatch"/>: a dump, and a request for each.
    /// </summary>
    /// <param name="pattern">The conditions.</param>
    /// <param name="deleted">How many are gone.</param>
    /// <param name="family">2 or 10 for one family; 0 for that of the pattern's addresses, or both.</param>
    /// <returns>
    /// The error of the dump, or the first of a deletion; flows that vanished meanwhile are no error.
    /// </returns>
    public NetlinkError DeleteMatching(in PackedFlow pattern, out int deleted, byte family = AddressFamily.Unspecified)
    {
        using var queue = new RequestQueue();
        int count = 0;
        NetlinkError first = NetlinkError.Success;
        NetlinkError result = Dump(
            (in PackedFlow flow) =>
            {
                queue.Delete(0, in flow);
                if (queue.IsFull) Finish(queue, ref count, ref first);
            },
            in pattern,
            family);
        Finish(queue, ref count, ref first);
        deleted = count;
        return result.IsSuccess ? first : result;
    }

    /// <summary>Deletes all flows of the namespace.</summary>
    /// <param name="family">2 or 10 for one family, 0 for both.</param>
    public NetlinkError Flush(byte family = AddressFamily.Unspecified)
    {
        _client.Writer.Clear();
        FlowCodec.WriteFlush(_client.Writer, _client.NextSequence, family, MessageFlags.Ack);
        return _client.Transact();
    }

    /// <summary>Reads how many flows there are, and may be.</summary>
    public NetlinkError Count(out TableSize size)
    {
        size = default;
        NetlinkError error = Ask(NetfilterSubsystem.Conntrack, ConntrackMessage.GetStats, MessageFlags.Ack);
        while (error.IsSuccess && _client.Wait() == ReplyState.Message)
        {
            if (!TableSize.TryRead(_client.Message, out size)) error = new(Errno.BadMessage);
        }

        return error.IsSuccess ? _client.Result : error;
    }

    /// <summary>Reads the counters of each CPU.</summary>
    public NetlinkError ReadCpuStats(out IReadOnlyList<CpuStats> stats)
    {
        List<CpuStats> list = [];
        stats = list;
        NetlinkError error = Ask(NetfilterSubsystem.Conntrack, ConntrackMessage.GetStatsCpu, MessageFlags.Dump);
        while (error.IsSuccess && _client.Wait() == ReplyState.Message)
        {
            if (CpuStats.TryRead(_client.Message, out CpuStats one)) list.Add(one);
        }

        return error.IsSuccess ? _client.Result : error;
    }

    /// <summary>Closes the socket.</summary>
    public void Dispose() => _client.Dispose();

    private static void Finish(RequestQueue queue, ref int count, ref NetlinkError first)
    {
        NetlinkError error = queue.Send();
        if (!error.IsSuccess && first.IsSuccess) first = error;
        while (queue.TryReadAnswer(out RequestAnswer answer))
        {
            if (answer.Error.IsSuccess) count++;
            else if (answer.Error.Code != Errno.NotFound && first.IsSuccess) first = answer.Error;
        }
    }

    private NetlinkError ReadDump(FlowHandler handler)
    {
        if (!_client.Start().IsSuccess) return _client.Result;

        PackedFlow flow = default;
        while (_client.Wait() == ReplyState.Message)
        {
            if (FlowCodec.TryRead(_client.Message, ref flow)) handler(in flow);
        }

        return _client.Result;
    }

    private NetlinkError Ask(NetfilterSubsystem subsystem, byte message, MessageFlags flags)
    {
        _client.Writer.Clear();
        _client.Writer.Begin(
            subsystem, message, MessageFlags.Request | flags, _client.NextSequence, AddressFamily.Unspecified);
        _client.Writer.End();
        return _client.Start();
    }
}
