using TwinTrack.Netlink;

namespace TwinTrack.Conntrack.Kernel;

/// <summary>Which events to receive; each is a multicast group.</summary>
[Flags]
public enum EventGroups
{
    /// <summary>Nothing.</summary>
    None = 0,

    /// <summary>NFNLGRP_CONNTRACK_NEW.</summary>
    New = 1,

    /// <summary>NFNLGRP_CONNTRACK_UPDATE.</summary>
    Update = 2,

    /// <summary>NFNLGRP_CONNTRACK_DESTROY.</summary>
    Destroy = 4,

    /// <summary>NFNLGRP_CONNTRACK_EXP_NEW.</summary>
    ExpectationNew = 8,

    /// <summary>NFNLGRP_CONNTRACK_EXP_DESTROY.</summary>
    ExpectationDestroy = 16,

    /// <summary>Everything about flows.</summary>
    Flows = New | Update | Destroy,

    /// <summary>Everything about expectations.</summary>
    Expectations = ExpectationNew | ExpectationDestroy,
}

/// <summary>What <see cref="EventStream.Read"/> found.</summary>
public enum EventStatus
{
    /// <summary>A flow event: the flow is filled.</summary>
    Flow,

    /// <summary>An expectation event: decode <see cref="EventStream.Message"/>.</summary>
    Expectation,

    /// <summary>Nothing more now.</summary>
    Empty,

    /// <summary>Events were lost, once or often; said once. More may follow. Recover by a dump.</summary>
    Overrun,

    /// <summary>The socket failed: see <see cref="NetlinkSocket.LastError"/>.</summary>
    Failed,
}

/// <summary>The kernel's connection tracking events, read in batches and decoded one by one in place.</summary>
/// <remarks>
/// Flows that were in the table before the first listener of the namespace came may cause no events
/// (net.netfilter.nf_conntrack_events = 2): combine with a dump. Not thread-safe.
/// </remarks>
public sealed class EventStream : IDisposable
{
    // 64 datagrams a call reach the floor of the cost per event; no event is longer than the kernel's 8 KiB page limit.
    private const int BatchSize = 64;
    private const int DatagramSize = 8192;

    private int _datagram;
    private int _offset;
    private bool _more;
    private ulong _truncated;
    private NetfilterHeader _header;
    private int _messageStart;
    private int _messageLength;

    /// <summary>Opens a socket in the thread's network namespace and joins the groups.</summary>
    /// <param name="groups">What to receive.</param>
    /// <param name="receiveBufferBytes">Asked of the kernel before joining; 0 leaves the host's default.</param>
    /// <exception cref="NetlinkException">CAP_NET_ADMIN is missing, or the kernel lacks nfnetlink.</exception>
    public EventStream(EventGroups groups, int receiveBufferBytes = 0)
    {
        Socket = new NetlinkSocket(NetlinkProtocol.Netfilter, BatchSize, DatagramSize);
        try
        {
            if (receiveBufferBytes > 0) Socket.SetReceiveBufferSize(receiveBufferBytes);
            Join(groups, EventGroups.New, NetfilterGroup.ConntrackNew);
            Join(groups, EventGroups.Update, NetfilterGroup.ConntrackUpdate);
            Join(groups, EventGroups.Destroy, NetfilterGroup.ConntrackDestroy);
            Join(groups, EventGroups.ExpectationNew, NetfilterGroup.ExpectationNew);
            Join(groups, EventGroups.ExpectationDestroy, NetfilterGroup.ExpectationDestroy);
        }
        catch
        {
            Socket.Dispose();
            throw;
        }
    }

    /// <summary>
    /// Leaves NFNLGRP_CONNTRACK_NEW, or joins it again: without a listener the kernel does not make its events.
    /// </summary>
    /// <returns>The error, if the kernel refuses.</returns>
    public NetlinkError HearBegins(bool on) =>
        on ? Socket.Join(NetfilterGroup.ConntrackNew) : Socket.Leave(NetfilterGroup.ConntrackNew);

    /// <summary>The socket: descriptor to wait for, buffer size, delivery options, filter.</summary>
    public NetlinkSocket Socket { get; }

    /// <summary>What happened, of the event read last.</summary>
    public EventKind Kind { get; private set; }

    /// <summary>
    /// Both headers of the event read last; <see cref="NetfilterHeader.PortId"/> tells who caused it.
    /// </summary>
    public ref readonly NetfilterHeader Header => ref _header;

    /// <summary>The event read last with its nlmsghdr; valid until the next read.</summary>
    public ReadOnlySpan<byte> Message => Socket.Datagram(_datagram).Slice(_messageStart, _messageLength);

    /// <summary>Events handed out.</summary>
    public ulong Received { get; private set; }

    /// <summary>Messages that could not be decoded; they are passed over.</summary>
    public ulong Malformed { get; private set; }

    /// <summary>How often events were lost.</summary>
    public ulong Overruns { get; private set; }

    /// <summary>Reads the next event, without waiting.</summary>
    /// <param name="flow">Filled for <see cref="EventStatus.Flow"/>.</param>
    public EventStatus Read(ref PackedFlow flow)
    {
        while (true)
        {
            while (_datagram < Socket.Count)
            {
                if (TryNext(Socket.Datagram(_datagram)))
                {
                    if (Kind >= EventKind.ExpectationNew) return Hand(EventStatus.Expectation);
                    if (FlowCodec.TryRead(Message, ref flow)) return Hand(EventStatus.Flow);
                    Malformed++;
                    continue;
                }

                _datagram++;
                _offset = 0;
            }

            if (Refill() is { } status) return status;
        }
    }

    /// <summary>Doubles the receive buffer.</summary>
    /// <param name="limit">
    /// Bytes as <see cref="NetlinkSocket.ReceiveBufferSize"/> counts them; never grown beyond.
    /// </param>
    /// <returns>The size now; the same as before when the limit is reached.</returns>
    public int GrowBuffer(int limit)
    {
        int size = Socket.ReceiveBufferSize;
        if (size >= limit) return size;

        // The kernel doubles what it is given.
        return Socket.SetReceiveBufferSize((int)Math.Min((long)size * 2, limit) / 2);
    }

    /// <summary>Closes the socket.</summary>
    public void Dispose() => Socket.Dispose();

    // The next event of a datagram; false at its end.
    private bool TryNext(ReadOnlySpan<byte> datagram)
    {
        while (_offset < datagram.Length)
        {
            var reader = new MessageReader(datagram[_offset..]);
            if (!reader.MoveNext())
            {
                Malformed++;
                return false;
            }

            _messageStart = _offset;
            _messageLength = reader.Message.Length;
            _offset += (_messageLength + 3) & ~3;
            if (!NetfilterHeader.TryRead(reader.Message, out _header)) continue;

            Kind = EventKinds.Of(in _header);
            if (Kind != EventKind.None) return true;
        }

        return false;
    }

    // Null when there is a new batch to look at.
    private EventStatus? Refill()
    {
        // A batch that was not full emptied the queue: the next call would only say so.
        bool drained = _more && Socket.Count < Socket.BatchSize;
        if (drained)
        {
            _more = false;
            return EventStatus.Empty;
        }

        ReceiveStatus received = Socket.Receive();
        _datagram = 0;
        _offset = 0;
        _more = received == ReceiveStatus.Datagrams;
        switch (received)
        {
            case ReceiveStatus.WouldBlock: return EventStatus.Empty;
            case ReceiveStatus.Failed: return EventStatus.Failed;
            case ReceiveStatus.Overrun:
                Overruns++;
                return EventStatus.Overrun;
        }

        if (Socket.Truncated == _truncated) return null;

        // An event that did not fit its place is as lost as one the kernel dropped.
        _truncated = Socket.Truncated;
        Overruns++;
        return EventStatus.Overrun;
    }

    private EventStatus Hand(EventStatus status)
    {
        Received++;
        return status;
    }

    private void Join(EventGroups wanted, EventGroups one, int group)
    {
        if ((wanted & one) != EventGroups.None) Socket.Join(group).ThrowIfFailed($"events of {one}");
    }
}
