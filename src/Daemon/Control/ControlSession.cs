using System.Net.Sockets;
using System.Runtime.InteropServices;
using TwinTrack.Replication;

namespace TwinTrack.Daemon.Control;

/// <summary>One connection to the control socket.</summary>
internal sealed class ControlSession
{
    private const int RequestSize = 4;
    private const int SocketLevel = 1; // SOL_SOCKET
    private const int PeerCredentialsOption = 17; // SO_PEERCRED

    private readonly Socket _socket;
    private readonly byte[] _request = new byte[RequestSize];
    private int _requestLength;
    private ReadOnlyMemory<byte> _unsent;
    private bool _hasEnded;

    public ControlSession(Socket socket, int ticket, Instant now, Instant deadline)
    {
        _socket = socket;
        _socket.Blocking = false;
        Descriptor = DescriptorOf(socket);
        Ticket = ticket;
        LastActive = now;
        Deadline = deadline;
    }

    /// <summary>How far the request has come.</summary>
    public enum ReadResult
    {
        /// <summary>Some of it is missing.</summary>
        Incomplete,

        /// <summary>It is here.</summary>
        Complete,

        /// <summary>The client is gone.</summary>
        Failed,
    }

    public int Descriptor { get; }

    public int Ticket { get; }

    /// <summary>Until when the request must be here.</summary>
    public Instant Deadline { get; }

    /// <summary>When the client last sent or took something.</summary>
    public Instant LastActive { get; private set; }

    /// <summary>Null until the request is here.</summary>
    public ControlAnswer? Answer { get; set; }

    /// <summary>Whether the answer waits for something inside the daemon.</summary>
    public bool IsHeld { get; set; }

    public bool IsClosed { get; private set; }

    /// <summary>What to wait for on the descriptor.</summary>
    public PollEvents Interest
    {
        get
        {
            if (Answer is null) return PollEvents.Read;
            return IsHeld && _unsent.IsEmpty ? PollEvents.None : PollEvents.Write;
        }
    }

    public static int DescriptorOf(Socket socket) => (int)socket.SafeHandle.DangerousGetHandle();

    /// <summary>
    /// Reads the request. Its end stays in the socket until <see cref="Admit"/>: to close a connection with something
    /// unread resets it, which is how a client learns that it was refused.
    /// </summary>
    public ReadResult ReadRequest(Instant now, out ControlRequest request)
    {
        request = default;
        int count = _socket.Receive(_request.AsSpan(_requestLength), SocketFlags.Peek, out SocketError error);
        if (error == SocketError.WouldBlock) return ReadResult.Incomplete;
        if (error != SocketError.Success || count == 0) return ReadResult.Failed;

        LastActive = now;
        if (_requestLength + count < RequestSize)
        {
            _ = _socket.Receive(_request.AsSpan(_requestLength, count), SocketFlags.None, out _);
            _requestLength += count;
            return ReadResult.Incomplete;
        }

        request = (ControlRequest)MemoryMarshal.Read<int>(_request);
        return ReadResult.Complete;
    }

    /// <summary>Takes the request out of the socket.</summary>
    public void Admit()
    {
        Span<byte> end = _request.AsSpan(_requestLength);
        _ = _socket.Receive(end, SocketFlags.None, out _);
        _requestLength = RequestSize;
    }

    public PeerCredentials ReadCredentials()
    {
        Span<byte> credentials = stackalloc byte[12]; // struct ucred: pid, uid, gid
        credentials.Clear();
        _ = _socket.GetRawSocketOption(SocketLevel, PeerCredentialsOption, credentials);
        return MemoryMarshal.Read<PeerCredentials>(credentials);
    }

    /// <summary>Renders the next slice and sends it.</summary>
    /// <param name="now">The clock.</param>
    /// <param name="slice">Memory to render into; what the client does not take is copied.</param>
    /// <returns>False when the connection is over.</returns>
    public bool SendSlice(Instant now, Span<byte> slice)
    {
        if (!_unsent.IsEmpty)
        {
            int count = Send(now, _unsent.Span);
            if (count < 0) return false;
            _unsent = _unsent[count..];
            return !_unsent.IsEmpty || !_hasEnded;
        }

        AnswerState state = Answer!.Fill(now, slice, out int length);
        IsHeld = state == AnswerState.Held;
        _hasEnded = state == AnswerState.End;
        int sent = length > 0 ? Send(now, slice[..length]) : 0;
        if (sent < 0) return false;
        if (sent < length) _unsent = slice[sent..length].ToArray();
        return !_hasEnded || !_unsent.IsEmpty;
    }

    public void Close()
    {
        IsClosed = true;
        // Bytes after the request that nobody reads would turn the close into a reset, and the answer's end be lost.
        Span<byte> surplus = stackalloc byte[256];
        if (Answer is not null) _ = _socket.Receive(surplus, SocketFlags.None, out _);
        Answer?.Close();
        _socket.Dispose();
    }

    // Negative when the client is gone.
    private int Send(Instant now, ReadOnlySpan<byte> bytes)
    {
        int count = _socket.Send(bytes, SocketFlags.None, out SocketError error);
        if (error == SocketError.WouldBlock) return 0;
        if (error != SocketError.Success) return -1;

        if (count > 0) LastActive = now;
        return count;
    }
}
