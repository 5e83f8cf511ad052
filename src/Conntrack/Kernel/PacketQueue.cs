using TwinTrack.Netlink;

namespace TwinTrack.Conntrack.Kernel;

/// <summary>A queue of packets that wait for verdicts (nfnetlink_queue), bound to a socket of its own.</summary>
/// <remarks>
/// It belongs to the network namespace of the thread that made it. Not thread-safe. Closing it lets the kernel drop
/// what still waits. Verdicts are sent without acknowledgement; what the kernel refuses comes back as an error message.
/// </remarks>
public sealed class PacketQueue : IDisposable
{
    // The longest packet and what the kernel tells of it and of its flow.
    private const int LongestMessage = 65_536 + 8192;
    private const int BatchSize = 4;
    private const int BufferBytes = 4 * 1024 * 1024;
    private const int TimeoutMilliseconds = 10_000;

    private readonly NetlinkWriter _writer = new(LongestMessage);
    private uint _sequence;
    private NetlinkError _answer;
    private uint _answered;

    /// <summary>Opens a socket and binds the queue.</summary>
    /// <param name="number">Number of the queue.</param>
    /// <param name="length">Packets that may wait; 0 leaves the kernel's 1024.</param>
    /// <param name="flags">How packets are queued.</param>
    /// <exception cref="NetlinkException">
    /// The queue is taken (<see cref="Errno.Busy"/>), the kernel lacks queues (<see cref="Errno.Invalid"/>) or a flag
    /// (<see cref="Errno.NotSupported"/>), or privileges are missing (<see cref="Errno.NotPermitted"/>).
    /// </exception>
    public PacketQueue(ushort number, uint length = 0, PacketQueueFlags flags = PacketQueueFlags.Conntrack)
    {
        Number = number;
        Socket = new NetlinkSocket(NetlinkProtocol.Netfilter, BatchSize, LongestMessage);
        try
        {
            Socket.SetReceiveBufferSize(BufferBytes);
            Socket.SetSendBufferSize(BufferBytes / 4);

            // A packet that finds the buffer full counts as dropped in the queue's own statistics.
            Socket.SetSilentLoss(true);
            _writer.Clear();
            PacketQueueCodec.WriteBind(_writer, number, ++_sequence, MessageFlags.Ack);
            Transact($"bind queue {number}");
            PacketQueueCodec.WriteParameters(_writer, number, length, flags, ++_sequence, MessageFlags.Ack);
            Transact($"configure queue {number}");
        }
        catch
        {
            Socket.Dispose();
            throw;
        }
    }

    /// <summary>Number of the queue.</summary>
    public ushort Number { get; }

    /// <summary>The socket: descriptor, and receiving.</summary>
    public NetlinkSocket Socket { get; }

    /// <summary>Verdicts the kernel answered with an error, since the queue was opened.</summary>
    public ulong Refused { get; private set; }

    /// <summary>Sends a verdict, see <see cref="PacketQueueCodec.WriteVerdict"/>.</summary>
    public NetlinkError Answer(
        in QueuedPacket packet, in PacketAnswer answer, in PackedFlow flow, in PackedExpectation expectation)
    {
        _writer.Clear();
        PacketQueueCodec.WriteVerdict(_writer, in packet, in answer, in flow, in expectation, ++_sequence);
        NetlinkError sent = Socket.Send(_writer);
        _writer.Clear();
        return sent;
    }

    /// <summary>Lets a packet pass as it is.</summary>
    public NetlinkError Accept(in QueuedPacket packet)
    {
        var answer = new PacketAnswer { Verdict = PacketVerdict.Accept };
        PackedFlow flow = default;
        PackedExpectation none = default;
        return Answer(in packet, in answer, in flow, in none);
    }

    /// <summary>Takes a message that is no packet: the answer to a request or to a verdict.</summary>
    /// <param name="message">The message with its nlmsghdr.</param>
    public void OnOther(ReadOnlySpan<byte> message)
    {
        if (!NetlinkHeader.TryRead(message, out NetlinkHeader header) || header.Type != NetlinkHeader.Error) return;

        _answer = NetlinkError.Read(message);
        _answered = header.Sequence;
        if (!_answer.IsSuccess) Refused++;
    }

    /// <summary>Closes the socket, and with it the queue.</summary>
    public void Dispose() => Socket.Dispose();

    // Packets that come before all is set up pass as they are.
    private void Transact(string what)
    {
        NetlinkError sent = Socket.Send(_writer);
        _writer.Clear();
        sent.ThrowIfFailed(what);
        while (_answered != _sequence)
        {
            if (!Socket.Wait(TimeoutMilliseconds)) throw new NetlinkException(what, new NetlinkError(Errno.TimedOut));
            if (Socket.Receive() != ReceiveStatus.Datagrams) continue;
            for (int i = 0; i < Socket.Count; i++) TakeAnswer(Socket.Datagram(i));
        }

        Refused = 0;
        _answer.ThrowIfFailed(what);
    }

    private void TakeAnswer(ReadOnlySpan<byte> datagram)
    {
        uint expected = _sequence;
        var reader = new MessageReader(datagram);
        while (reader.MoveNext())
        {
            if (!PacketQueueCodec.TryRead(reader.Message, out QueuedPacket packet)) OnOther(reader.Message);
            else
            {
                Accept(in packet);
                _sequence = expected; // the answer waited for keeps its number
            }
        }
    }
}
