using TwinTrack.Netlink;

namespace TwinTrack.Conntrack.Kernel;

/// <summary>Takes one expectation of a dump.</summary>
public delegate void ExpectationHandler(in PackedExpectation expectation);

/// <summary>
/// Asks the kernel about expectations and changes them, one request at a time, waiting for each answer.
/// </summary>
/// <remarks>It belongs to the network namespace of the thread that made it. Not thread-safe.</remarks>
public sealed class ExpectationClient : IDisposable
{
    private readonly NetlinkClient _client;

    /// <summary>Opens a socket.</summary>
    /// <exception cref="NetlinkException">The kernel lacks nfnetlink.</exception>
    public ExpectationClient() => _client = new NetlinkClient(NetlinkProtocol.Netfilter);

    /// <summary>The port id that events of these requests carry.</summary>
    public uint PortId => _client.Socket.PortId;

    /// <summary>Creates an expectation, see <see cref="ExpectationCodec.WriteCreate"/>.</summary>
    /// <returns>
    /// <see cref="Errno.NotFound"/> without the master, <see cref="Errno.NotSupported"/> if the master has no helper,
    /// <see cref="Errno.Exists"/>.
    /// </returns>
    public NetlinkError Create(in PackedExpectation expectation)
    {
        _client.Writer.Clear();
        ExpectationCodec.WriteCreate(
            _client.Writer, in expectation, _client.NextSequence, exclusive: true, MessageFlags.Ack);
        return _client.Transact();
    }

    /// <summary>Deletes the expectation of this tuple and zone.</summary>
    public NetlinkError Delete(in PackedExpectation expectation)
    {
        _client.Writer.Clear();
        ExpectationCodec.WriteDelete(_client.Writer, in expectation, _client.NextSequence, MessageFlags.Ack);
        return _client.Transact();
    }

    /// <summary>Reads the expectation of this tuple and zone.</summary>
    /// <param name="key">A tuple, and the zone.</param>
    /// <param name="found">Filled on success.</param>
    public NetlinkError Get(in PackedExpectation key, ref PackedExpectation found)
    {
        _client.Writer.Clear();
        ExpectationCodec.WriteGet(_client.Writer, in key, _client.NextSequence, MessageFlags.Ack);
        if (!_client.Start().IsSuccess) return _client.Result;

        bool isRead = false;
        while (_client.Wait() == ReplyState.Message) isRead = ExpectationCodec.TryRead(_client.Message, ref found);
        return _client.Result.IsSuccess && !isRead ? new(Errno.BadMessage) : _client.Result;
    }

    /// <summary>Reads all expectations.</summary>
    /// <param name="handler">Called for each; it is valid until the handler returns.</param>
    /// <param name="family">2 or 10 for one family, 0 for both.</param>
    public NetlinkError Dump(ExpectationHandler handler, byte family = AddressFamily.Unspecified)
    {
        ArgumentNullException.ThrowIfNull(handler);
        _client.Writer.Clear();
        ExpectationCodec.WriteDump(_client.Writer, _client.NextSequence, family);
        if (!_client.Start().IsSuccess) return _client.Result;

        PackedExpectation expectation = default;
        while (_client.Wait() == ReplyState.Message)
        {
            if (ExpectationCodec.TryRead(_client.Message, ref expectation)) handler(in expectation);
        }

        return _client.Result;
    }

    /// <summary>Deletes all expectations of the namespace.</summary>
    /// <param name="helper">Only those of this helper; null for all.</param>
    public NetlinkError Flush(string? helper = null)
    {
        _client.Writer.Clear();
        ExpectationCodec.WriteFlush(_client.Writer, _client.NextSequence, helper, MessageFlags.Ack);
        return _client.Transact();
    }

    /// <summary>Reads the counters of each CPU.</summary>
    public NetlinkError ReadCpuStats(out IReadOnlyList<ExpectationCpuStats> stats)
    {
        List<ExpectationCpuStats> list = [];
        stats = list;
        _client.Writer.Clear();
        _client.Writer.Begin(
            NetfilterSubsystem.Expectation,
            ExpectationMessageType.GetStatsCpu,
            MessageFlags.Request | MessageFlags.Dump,
            _client.NextSequence,
            AddressFamily.Unspecified);
        _client.Writer.End();
        if (!_client.Start().IsSuccess) return _client.Result;

        while (_client.Wait() == ReplyState.Message)
        {
            if (ExpectationCpuStats.TryRead(_client.Message, out ExpectationCpuStats one)) list.Add(one);
        }

        return _client.Result;
    }

    /// <summary>Closes the socket.</summary>
    public void Dispose() => _client.Dispose();
}
