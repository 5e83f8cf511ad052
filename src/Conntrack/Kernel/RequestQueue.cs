using TwinTrack.Netlink;

namespace TwinTrack.Conntrack.Kernel;

/// <summary>The answer to one queued request.</summary>
/// <param name="Token">The number the caller gave the request.</param>
/// <param name="Error">
/// Success, the kernel's error, or <see cref="Errno.NoBufferSpace"/> when the answer was lost and nothing is known.
/// </param>
public readonly record struct RequestAnswer(uint Token, NetlinkError Error);

/// <summary>Sends many requests with one system call and tells the answer of each, in order, without waiting.</summary>
/// <remarks>
/// <para>Queue until <see cref="IsFull"/> or done, <see cref="Send"/>, then <see cref="TryReadAnswer"/> until it has no
/// more. Only the last request of a batch asks for an acknowledgement; errors come by themselves, and a request passed
/// over by a later answer succeeded.</para>
/// <para>The kernel works a batch off inside the send, so that all answers are there when it returns. A batch of one
/// socket runs at a time; not thread-safe.</para>
/// </remarks>
public sealed class RequestQueue : IDisposable
{
    /// <summary>Requests in one batch at most.</summary>
    public const int Capacity = 256;

    // Every answer may be an error, which takes a kilobyte of the receive buffer at most.
    private const int ReceiveBufferBytes = Capacity * 2048;
    private const int SendBufferBytes = Capacity * 1024;
    private const int AnswersPerCall = 32;
    private const int AnswerBytes = 2048;

    private readonly NetlinkWriter _writer = new(64 * 1024);
    private readonly uint[] _tokens = new uint[Capacity];

    private uint _firstSequence = 1; // of the batch
    private int _queued;
    private int _answered;
    private bool _sent;
    private bool _isLost;
    private NetlinkError _sendError;

    private int _datagram;
    private int _offset;
    private int _answer = -1; // index of the request that the message read last is about
    private NetlinkError _error;

    /// <summary>Opens a socket in the thread's network namespace.</summary>
    /// <exception cref="NetlinkException">The kernel lacks nfnetlink.</exception>
    public RequestQueue()
    {
        Socket = new NetlinkSocket(NetlinkProtocol.Netfilter, AnswersPerCall, AnswerBytes);
        Socket.SetReceiveBufferSize(ReceiveBufferBytes);
        Socket.SetSendBufferSize(SendBufferBytes);
    }

    /// <summary>The socket: its port id marks the events that these requests cause.</summary>
    public NetlinkSocket Socket { get; }

    /// <summary>Requests queued or sent whose answers were not read yet.</summary>
    public int Pending => _queued - _answered;

    /// <summary>Whether no more can be queued: the batch is full, or it was sent and has answers to read.</summary>
    public bool IsFull => _queued == Capacity || _sent;

    /// <summary>Queues the creation of a flow, see <see cref="FlowCodec.WriteCreate"/>.</summary>
    /// <param name="token">Comes back in the answer.</param>
    /// <param name="flow">The flow.</param>
    /// <param name="exclusive">Whether an existing flow is an error; else it is updated.</param>
    /// <returns>False if <see cref="IsFull"/>.</returns>
    public bool Create(uint token, in PackedFlow flow, bool exclusive = true)
    {
        if (IsFull) return false;
        FlowCodec.WriteCreate(_writer, in flow, NextSequence, exclusive);
        return Add(token);
    }

    /// <summary>Queues the change of a flow, see <see cref="FlowCodec.WriteUpdate"/>.</summary>
    /// <returns>False if <see cref="IsFull"/>.</returns>
    public bool Update(uint token, in PackedFlow flow)
    {
        if (IsFull) return false;
        FlowCodec.WriteUpdate(_writer, in flow, NextSequence);
        return Add(token);
    }

    /// <summary>Queues the deletion of a flow, see <see cref="FlowCodec.WriteDelete"/>.</summary>
    /// <returns>False if <see cref="IsFull"/>.</returns>
    public bool Delete(uint token, in PackedFlow flow)
    {
        if (IsFull) return false;
        FlowCodec.WriteDelete(_writer, in flow, NextSequence);
        return Add(token);
    }

    /// <summary>Queues the deletion of all flows, see <see cref="FlowCodec.WriteFlush"/>.</summary>
    /// <returns>False if <see cref="IsFull"/>.</returns>
    public bool Flush(uint token, byte family = AddressFamily.Unspecified)
    {
        if (IsFull) return false;
        FlowCodec.WriteFlush(_writer, NextSequence, family);
        return Add(token);
    }

    /// <summary>Queues a request that was built elsewhere; it gets a sequence number of this queue.</summary>
    /// <param name="token">Comes back in the answer.</param>
    /// <param name="message">One message with its nlmsghdr, without NLM_F_ACK.</param>
    /// <param name="flags">More flags, such as <see cref="MessageFlags.Exclusive"/>.</param>
    /// <returns>False if <see cref="IsFull"/>.</returns>
    public bool Add(uint token, ReadOnlySpan<byte> message, MessageFlags flags = MessageFlags.None)
    {
        if (IsFull) return false;
        _writer.Append(message, NextSequence);
        _writer.AddFlags(flags);
        return Add(token);
    }

    /// <summary>Queues the creation of an expectation, see <see cref="ExpectationCodec.WriteCreate"/>.</summary>
    /// <returns>False if <see cref="IsFull"/>.</returns>
    public bool CreateExpectation(uint token, in PackedExpectation expectation)
    {
        if (IsFull) return false;
        ExpectationCodec.WriteCreate(_writer, in expectation, NextSequence);
        return Add(token);
    }

    /// <summary>Queues the deletion of an expectation, see <see cref="ExpectationCodec.WriteDelete"/>.</summary>
    /// <returns>False if <see cref="IsFull"/>.</returns>
    public bool DeleteExpectation(uint token, in PackedExpectation expectation)
    {
        if (IsFull) return false;
        ExpectationCodec.WriteDelete(_writer, in expectation, NextSequence);
        return Add(token);
    }

    /// <summary>
    /// Queues the deletion of all expectations, see <see cref="ExpectationCodec.WriteFlush"/>.
    /// </summary>
    /// <returns>False if <see cref="IsFull"/>.</returns>
    public bool FlushExpectations(uint token)
    {
        if (IsFull) return false;
        ExpectationCodec.WriteFlush(_writer, NextSequence);
        return Add(token);
    }

    /// <summary>Sends what is queued. Nothing happens if nothing is.</summary>
    /// <returns>
    /// The error of the call. <see cref="Errno.TryAgain"/> and <see cref="Errno.OutOfMemory"/> leave the batch queued:
    /// send again later. After any other error <see cref="TryReadAnswer"/> gives it for each request.
    /// </returns>
    public NetlinkError Send()
    {
        if (_sent || _queued == 0) return NetlinkError.Success;

        _writer.AddFlags(MessageFlags.Ack);
        NetlinkError error = Socket.Send(_writer);
        if (error.Code is Errno.TryAgain or Errno.OutOfMemory) return error;

        _sent = true;
        _sendError = error;
        return error;
    }

    /// <summary>Reads the answer to the next request, in the order they were queued.</summary>
    /// <returns>False when all of the batch were read, or when the batch was not sent yet.</returns>
    public bool TryReadAnswer(out RequestAnswer answer)
    {
        answer = default;
        if (!_sent) return false;

        if (_answer < _answered && _sendError.IsSuccess) ReadNext();
        NetlinkError error =
            _answer == _answered ? _error
            : !_sendError.IsSuccess ? _sendError
            : _isLost ? new(Errno.NoBufferSpace)
            : NetlinkError.Success;
        answer = new(_tokens[_answered++], error);
        if (_answered == _queued) StartOver();
        return true;
    }

    /// <summary>Closes the socket.</summary>
    public void Dispose() => Socket.Dispose();

    private uint NextSequence => _firstSequence + (uint)_queued;

    private bool Add(uint token)
    {
        _tokens[_queued++] = token;
        return true;
    }

    // Finds the next message that answers a request of this batch. If there is none, the rest of the batch is lost.
    private void ReadNext()
    {
        while (true)
        {
            while (_datagram < Socket.Count)
            {
                if (TryReadMessage(Socket.Datagram(_datagram))) return;
                _datagram++;
                _offset = 0;
            }

            ReceiveStatus received = Socket.Receive();
            _datagram = 0;
            _offset = 0;
            if (received == ReceiveStatus.Datagrams) continue;

            if (received == ReceiveStatus.Overrun)
            {
                _isLost = true; // reported ahead of the answers that did fit
                continue;
            }

            // Without CAP_NET_ADMIN the kernel refuses the datagram as a whole, once.
            bool isRefused = _answer == 0 && _error.Code == Errno.NotPermitted;
            _sendError = isRefused ? _error : new(Errno.NoBufferSpace);
            return;
        }
    }

    private bool TryReadMessage(ReadOnlySpan<byte> datagram)
    {
        while (_offset < datagram.Length)
        {
            var reader = new MessageReader(datagram[_offset..]);
            if (!reader.MoveNext()) return false;

            _offset += (reader.Message.Length + 3) & ~3;
            uint index = reader.Header.Sequence - _firstSequence;
            bool isOurs = index >= (uint)_answered && index < (uint)_queued;
            if (reader.Header.Type != NetlinkHeader.Error || !isOurs) continue;

            _answer = (int)index;
            _error = NetlinkError.Read(reader.Message);
            return true;
        }

        return false;
    }

    private void StartOver()
    {
        _firstSequence += (uint)_queued;
        _queued = 0;
        _answered = 0;
        _answer = -1;
        _sent = false;
        _isLost = false;
        _sendError = NetlinkError.Success;
        _writer.Clear();
    }
}
