using System.Net.Sockets;
using TwinTrack.Replication;

namespace TwinTrack.Daemon.Control;

/// <summary>Serves the control socket from the daemon's loop: never blocks, and no client holds up another.</summary>
/// <remarks>
/// A connection is: accepted, waiting for the four bytes of its request (limited in time), then sent its answer slice
/// by slice as it takes them, or held until the command it asked for has ended; then closed. In a turn of the loop a
/// client gets one slice, and all together <see cref="SlicesPerTurn"/>, in turns.
/// </remarks>
public sealed class ControlServer : IDisposable
{
    /// <summary>Most bytes rendered for a client in one turn of the loop.</summary>
    public const int SliceSize = 64 * 1024;

    /// <summary>Most slices rendered in one turn of the loop: well below a millisecond of work.</summary>
    public const int SlicesPerTurn = 8;

    private const int DefaultClientLimit = 512;
    private const int RequestSeconds = 5;
    private const int AcceptsPerTurn = 64;
    private const int AcceptPauseMilliseconds = 100;

    private readonly ControlListener _listener;
    private readonly ControlHandler _handler;
    private readonly uint _owner = ControlLibc.UserId();
    private readonly int _clientLimit;
    private readonly int _listenerDescriptor;
    private readonly Dictionary<int, ControlSession> _sessions = [];
    private readonly byte[] _slice = new byte[SliceSize];
    private Instant _acceptAgain = Instant.Never;
    private int _lastTicket;
    private int _slicesLeft = SlicesPerTurn;
    private uint _firstInTurn;
    private ControlStats _stats;

    /// <summary>Serves a socket, which it owns from then on.</summary>
    /// <param name="listener">The socket.</param>
    /// <param name="handler">Carries out the requests.</param>
    /// <param name="clientLimit">Most connections at a time.</param>
    public ControlServer(ControlListener listener, ControlHandler handler, int clientLimit = DefaultClientLimit)
    {
        _listener = listener;
        _handler = handler;
        _clientLimit = clientLimit;
        _listenerDescriptor = ControlSession.DescriptorOf(listener.Socket);
    }

    /// <summary>A client asked for what it may not have.</summary>
    public Action<ControlCall>? Denied { get; init; }

    /// <summary>Counters.</summary>
    public ref readonly ControlStats Stats => ref _stats;

    /// <summary>Connections now.</summary>
    public int Clients => _sessions.Count;

    /// <summary>When <see cref="OnDeadline"/> wants to be called; it may come early.</summary>
    public Instant NextDeadline { get; private set; } = Instant.Never;

    /// <summary>Begins a turn: adds what the loop shall watch. Ask again before each wait.</summary>
    public void AddInterests(ICollection<PollInterest> interests)
    {
        if (_acceptAgain == Instant.Never) interests.Add(new PollInterest(_listenerDescriptor, PollEvents.Read));
        _slicesLeft = SlicesPerTurn;
        if (_sessions.Count == 0) return;

        int first = (int)(_firstInTurn++ % (uint)_sessions.Count);
        AddSessions(interests, first, _sessions.Count);
        AddSessions(interests, 0, first);
    }

    /// <summary>A descriptor of <see cref="AddInterests"/> is ready.</summary>
    /// <returns>False when the descriptor is none of this server's (any more).</returns>
    public bool OnReady(Instant now, int descriptor, PollEvents events)
    {
        if (descriptor == _listenerDescriptor)
        {
            Accept(now);
            return true;
        }

        if (!_sessions.TryGetValue(descriptor, out ControlSession? session)) return false;

        if (session.Answer is null) ReadRequest(now, session);
        else if ((events & PollEvents.Write) != PollEvents.None) Send(now, session);
        else Close(session);
        return true;
    }

    /// <summary>Drops the clients whose time for a request is over.</summary>
    public void OnDeadline(Instant now)
    {
        if (now < NextDeadline) return;
        if (_acceptAgain <= now) _acceptAgain = Instant.Never;

        Instant next = _acceptAgain;
        List<ControlSession>? late = null;
        foreach (ControlSession session in _sessions.Values)
        {
            if (session.Answer is not null) continue;
            if (session.Deadline <= now) (late ??= []).Add(session);
            else next = Instant.Earlier(next, session.Deadline);
        }

        NextDeadline = next;
        if (late is null) return;
        foreach (ControlSession session in late)
        {
            _stats.TimedOut++;
            _stats.ReadFailed++;
            Close(session);
        }
    }

    /// <summary>The command of a client has ended: its connection is closed, which is what it waits for.</summary>
    /// <remarks>A client that is gone, and ticket 0, are no error.</remarks>
    public void Complete(int ticket)
    {
        if (Find(ticket) is { } session) Close(session);
    }

    /// <summary>A held answer has more to say.</summary>
    public void Resume(int ticket)
    {
        if (Find(ticket) is { } session) session.IsHeld = false;
    }

    /// <summary>Closes the socket, then all connections: who waits for the end finds its place free.</summary>
    public void Dispose()
    {
        _listener.Dispose();
        foreach (ControlSession session in _sessions.Values) session.Close();
        _sessions.Clear();
    }

    private void AddSessions(ICollection<PollInterest> interests, int start, int end)
    {
        int place = 0;
        foreach (ControlSession session in _sessions.Values)
        {
            if (place >= start && place < end)
            {
                interests.Add(new PollInterest(session.Descriptor, session.Interest));
            }

            place++;
        }
    }

    private void Accept(Instant now)
    {
        for (int i = 0; i < AcceptsPerTurn && (i == 0 || _listener.Socket.Poll(0, SelectMode.SelectRead)); i++)
        {
            Socket socket;
            try
            {
                socket = _listener.Socket.Accept();
            }
            catch (SocketException exception)
            {
                OnAcceptFailed(now, exception.SocketErrorCode);
                return;
            }

            _stats.Accepted++;
            Open(now, socket);
        }
    }

    // Without descriptors the listener stays ready: give up the oldest client, or look away for a while.
    private void OnAcceptFailed(Instant now, SocketError error)
    {
        if (error is SocketError.WouldBlock or SocketError.ConnectionAborted or SocketError.Interrupted) return;

        _stats.Refused++;
        if (TryDisplace()) return;
        _acceptAgain = now.PlusMilliseconds(AcceptPauseMilliseconds);
        NextDeadline = Instant.Earlier(NextDeadline, _acceptAgain);
    }

    private void Open(Instant now, Socket socket)
    {
        if (_sessions.Count >= _clientLimit && !TryDisplace())
        {
            _stats.Refused++;
            socket.Dispose();
            return;
        }

        if (++_lastTicket <= 0) _lastTicket = 1;
        ControlSession session = new(socket, _lastTicket, now, now.PlusSeconds(RequestSeconds));
        _sessions.Add(session.Descriptor, session);
        NextDeadline = Instant.Earlier(NextDeadline, session.Deadline);
    }

    // Whoever has been still for longest goes first; clients held for a command are not still, they are told to wait.
    private bool TryDisplace()
    {
        ControlSession? oldest = null;
        foreach (ControlSession session in _sessions.Values)
        {
            if (session.IsHeld) continue;
            if (oldest is null || session.LastActive < oldest.LastActive) oldest = session;
        }

        if (oldest is null) return false;
        _stats.Displaced++;
        Close(oldest);
        return true;
    }

    private void ReadRequest(Instant now, ControlSession session)
    {
        switch (session.ReadRequest(now, out ControlRequest request))
        {
            case ControlSession.ReadResult.Incomplete:
                return;
            case ControlSession.ReadResult.Failed:
                _stats.ReadFailed++;
                Close(session);
                return;
        }

        bool isJson = ((int)request & ControlCall.JsonBit) != 0;
        request = (ControlRequest)((int)request & ~ControlCall.JsonBit);
        ControlCall call = new(request, session.Ticket, session.ReadCredentials(), now, isJson);
        if (!ControlAccess.Admits(request, call.Peer, _owner))
        {
            _stats.Denied++;
            Denied?.Invoke(call);
            Close(session);
            return;
        }

        session.Admit();
        ControlAnswer? answer = _handler(in call);
        if (session.IsClosed) return; // the command ended while it was being carried out
        if (answer is null)
        {
            _stats.UnknownRequests++;
            Close(session);
            return;
        }

        _stats.Requests++;
        session.Answer = answer;
        Send(now, session);
    }

    private void Send(Instant now, ControlSession session)
    {
        if (_slicesLeft == 0) return; // it is still ready in the next turn
        _slicesLeft--;
        if (!session.SendSlice(now, _slice)) Close(session);
    }

    private ControlSession? Find(int ticket)
    {
        foreach (ControlSession session in _sessions.Values)
        {
            if (session.Ticket == ticket) return session;
        }

        return null;
    }

    private void Close(ControlSession session)
    {
        _sessions.Remove(session.Descriptor);
        session.Close();
    }
}
