using TwinTrack.Replication;

namespace TwinTrack.Daemon.Control;

/// <summary>Who is at the other end of a control connection (SO_PEERCRED).</summary>
/// <param name="ProcessId">The process that connected; 0 when it is outside our PID namespace.</param>
/// <param name="UserId">Its effective user.</param>
/// <param name="GroupId">Its effective group.</param>
public readonly record struct PeerCredentials(int ProcessId, uint UserId, uint GroupId);

/// <summary>A request of a client.</summary>
/// <param name="Request">What it wants; may be a number without a name.</param>
/// <param name="Ticket">Names the client in <see cref="ControlServer.Complete"/>; never 0.</param>
/// <param name="Peer">Who asks.</param>
/// <param name="Now">The clock.</param>
/// <param name="IsJson">The answer shall be JSON; only for requests that read.</param>
public readonly record struct ControlCall(
    ControlRequest Request, int Ticket, PeerCredentials Peer, Instant Now, bool IsJson = false)
{
    /// <summary>The bit of the request's number that asks for JSON. The original knows no such request.</summary>
    public const int JsonBit = 0x10000;
}

/// <summary>Carries out a request.</summary>
/// <returns>The answer; null for a request that does not exist.</returns>
public delegate ControlAnswer? ControlHandler(in ControlCall call);

/// <summary>Counters of the control socket, from the start.</summary>
public struct ControlStats
{
    /// <summary>Connections accepted.</summary>
    public uint Accepted;

    /// <summary>Requests carried out.</summary>
    public uint Requests;

    /// <summary>Connections that ended, or ran out of time, before the request was complete.</summary>
    public uint ReadFailed;

    /// <summary>Requests that do not exist.</summary>
    public uint UnknownRequests;

    /// <summary>Of <see cref="ReadFailed"/>: the request did not come in time.</summary>
    public uint TimedOut;

    /// <summary>Requests that the client may not make.</summary>
    public uint Denied;

    /// <summary>Clients that had to make room for a new one.</summary>
    public uint Displaced;

    /// <summary>Connections not accepted, or closed at once because nobody could be displaced.</summary>
    public uint Refused;
}
