using TwinTrack.Netlink;

namespace TwinTrack.Conntrack.Kernel;

/// <summary>Takes one flow of a dump.</summary>
public delegate void FlowHandler(in PackedFlow flow);

/// <summary>The size of the kernel's table (IPCTNL_MSG_CT_GET_STATS).</summary>
/// <param name="Entries">CTA_STATS_GLOBAL_ENTRIES: flows of this network namespace.</param>
/// <param name="Limit">CTA_STATS_GLOBAL_MAX_ENTRIES: nf_conntrack_max; 0 if an old kernel does not tell.</param>
public readonly record struct TableSize(uint Entries, uint Limit);

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
    /// <param name="message">See <see cref="FlowCodec.WriteDump"/>.</param>
    public NetlinkError Dump(
        FlowHandler handler, byte family = AddressFamily.Unspecified, byte message = ConntrackMessage.Get)
    {
        ArgumentNullException.ThrowIfNull(handler);
        _client.Writer.Clear();
        FlowCodec.WriteDump(_client.Writer, _client.NextSequence, family, message);
        if (!_client.Start().IsSuccess) return _client.Result;

        PackedFlow flow = default;
        while (_client.Wait() == ReplyState.Message)
        {
            if (FlowCodec.TryRead(_client.Message, ref flow)) handler(in flow);
        }

        return _client.Result;
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
        _client.Writer.Clear();
        const MessageFlags Flags = MessageFlags.Request | MessageFlags.Ack;
        _client.Writer.Begin(
            NetfilterSubsystem.Conntrack, ConntrackMessage.GetStats, Flags, _client.NextSequence,
            AddressFamily.Unspecified);
        _client.Writer.End();
        if (!_client.Start().IsSuccess) return _client.Result;

        while (_client.Wait() == ReplyState.Message) size = ReadSize(_client.Message);
        return _client.Result;
    }

    /// <summary>Closes the socket.</summary>
    public void Dispose() => _client.Dispose();

    private static TableSize ReadSize(ReadOnlySpan<byte> message)
    {
        if (message.Length < NetfilterHeader.Size) return default;

        uint entries = 0;
        uint limit = 0;
        var reader = new AttributeReader(message[NetfilterHeader.Size..]);
        while (reader.MoveNext())
        {
            if (reader.Type == 1) entries = reader.ReadUInt32();    // CTA_STATS_GLOBAL_ENTRIES
            else if (reader.Type == 2) limit = reader.ReadUInt32(); // CTA_STATS_GLOBAL_MAX_ENTRIES
        }

        return new(entries, limit);
    }
}
