namespace TwinTrack.Netlink;

/// <summary>How far an exchange is.</summary>
public enum ReplyState
{
    /// <summary><see cref="NetlinkClient.Message"/> is a message of the answer.</summary>
    Message,

    /// <summary>Nothing more to read now; the answer is not complete.</summary>
    WouldBlock,

    /// <summary>The answer is complete: <see cref="NetlinkClient.Result"/> tells how it ended.</summary>
    Done,
}

/// <summary>
/// Asks the kernel one thing at a time: a request or a dump, and reads the answer message by message.
/// </summary>
/// <remarks>
/// Clear and fill <see cref="Writer"/> with one message numbered <see cref="NextSequence"/>, <see cref="Start"/>, then
/// <see cref="Read"/> (never waits) or <see cref="Wait"/> until <see cref="ReplyState.Done"/>. A request that is no
/// dump needs <see cref="MessageFlags.Ack"/>: its acknowledgement is what ends the answer.
/// </remarks>
public sealed class NetlinkClient : IDisposable
{
    // The kernel answers before send returns; a dump goes on with each receive. Silence this long is a defect.
    private const int TimeoutMilliseconds = 10_000;

    private uint _sequence;
    private int _datagram;
    private int _offset;
    private int _messageStart;
    private int _messageLength;
    private bool _running;
    private bool _broken; // the exchange ended without the kernel's last word

    /// <summary>Opens a socket.</summary>
    /// <param name="protocol">See <see cref="NetlinkProtocol"/>.</param>
    /// <exception cref="NetlinkException">The kernel lacks the protocol, or no descriptor is left.</exception>
    public NetlinkClient(int protocol) => Socket = new NetlinkSocket(protocol, batchSize: 4);

    /// <summary>The socket: port id, descriptor, options.</summary>
    public NetlinkSocket Socket { get; }

    /// <summary>Where the request is built.</summary>
    public NetlinkWriter Writer { get; } = new();

    /// <summary>The sequence number the next request must carry.</summary>
    public uint NextSequence => _sequence + 1;

    /// <summary>The message <see cref="Read"/> found, with its nlmsghdr; valid until the next read.</summary>
    public ReadOnlySpan<byte> Message =>
        _messageLength == 0 ? default : Socket.Datagram(_datagram).Slice(_messageStart, _messageLength);

    /// <summary>How the exchange ended.</summary>
    public NetlinkError Result { get; private set; }

    /// <summary>Whether the kernel said that the table changed under the dump (NLM_F_DUMP_INTR).</summary>
    public bool WasInterrupted { get; private set; }

    /// <summary>Whether the kernel said that it applied the filter of the dump (NLM_F_DUMP_FILTERED).</summary>
    public bool WasFiltered { get; private set; }

    /// <summary>Messages that could not be read, since the client was made.</summary>
    public ulong Malformed { get; private set; }

    /// <summary>Sends the request in <see cref="Writer"/>.</summary>
    /// <remarks>What is left of an exchange that was given up is read and forgotten first.</remarks>
    public NetlinkError Start()
    {
        if (_running || _broken) Drain(); // a dump keeps the next one out
        _sequence++;
        _messageLength = 0;
        WasInterrupted = false;
        WasFiltered = false;
        Result = Socket.Send(Writer);
        _running = Result.IsSuccess;
        return Result;
    }

    /// <summary>Sends the request and waits for its end; messages of the answer are passed over.</summary>
    public NetlinkError Transact()
    {
        if (!Start().IsSuccess) return Result;
        while (Wait() != ReplyState.Done) { }
        return Result;
    }

    /// <summary>Goes to the next message of the answer, waiting for it.</summary>
    public ReplyState Wait()
    {
        ReplyState state;
        while ((state = Read()) == ReplyState.WouldBlock)
        {
            if (!Socket.Wait(TimeoutMilliseconds)) return Break(new(Errno.TimedOut));
        }

        return state;
    }

    /// <summary>Goes to the next message of the answer without waiting.</summary>
    public ReplyState Read()
    {
        _messageLength = 0;
        while (_running)
        {
            while (_datagram < Socket.Count)
            {
                if (ReadMessage(Socket.Datagram(_datagram)) is { } state) return state;

                bool hole = Socket.IsTruncated(_datagram);
                _datagram++;
                _offset = 0;
                if (hole) return Break(new(Errno.BadMessage));
            }

            ReceiveStatus received = Socket.Receive();
            _datagram = 0;
            _offset = 0;
            if (received == ReceiveStatus.WouldBlock) return ReplyState.WouldBlock;
            if (received != ReceiveStatus.Datagrams) return Break(Socket.LastError);
        }

        return ReplyState.Done;
    }

    /// <summary>Closes the socket.</summary>
    public void Dispose() => Socket.Dispose();

    // The next message of the exchange in this datagram; null at its end.
    private ReplyState? ReadMessage(ReadOnlySpan<byte> datagram)
    {
        while (_offset < datagram.Length)
        {
            var reader = new MessageReader(datagram[_offset..]);
            if (!reader.MoveNext())
            {
                Malformed++;
                break;
            }

            int start = _offset;
            NetlinkHeader header = reader.Header;
            _offset += (reader.Message.Length + 3) & ~3;
            if (header.Sequence != _sequence) continue; // left over from an exchange that was given up

            WasInterrupted |= (header.Flags & MessageFlags.DumpInterrupted) != MessageFlags.None;
            if (header.Type is NetlinkHeader.Error or NetlinkHeader.Done)
                return Finish(NetlinkError.Read(reader.Message));
            if (header.Type is NetlinkHeader.Noop or NetlinkHeader.Overrun) continue;

            WasFiltered |= (header.Flags & MessageFlags.DumpFiltered) != MessageFlags.None;
            _messageStart = start;
            _messageLength = reader.Message.Length;
            return ReplyState.Message;
        }

        return null;
    }

    private void Drain()
    {
        while (Socket.Receive() is ReceiveStatus.Datagrams or ReceiveStatus.Overrun) { }
        _datagram = 0;
        _offset = 0;
        _broken = false;
    }

    private ReplyState Break(NetlinkError result)
    {
        _broken = true;
        return Finish(result);
    }

    private ReplyState Finish(NetlinkError result)
    {
        _running = false;
        Result = result;
        return ReplyState.Done;
    }
}
