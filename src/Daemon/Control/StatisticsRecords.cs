using TwinTrack.Daemon.Config;

namespace TwinTrack.Daemon.Control;

/// <summary>State of the interface of a link.</summary>
public enum LinkStatus : byte
{
    /// <summary>Up with carrier.</summary>
    Running,

    /// <summary>Up without carrier.</summary>
    NoCarrier,

    /// <summary>Down.</summary>
    Down,
}

/// <summary>Counters of one dedicated link: payload, and the calls that moved it.</summary>
public struct LinkStats
{
    /// <summary>Bytes sent.</summary>
    public ulong BytesSent;

    /// <summary>Bytes received.</summary>
    public ulong BytesReceived;

    /// <summary>Calls that sent something.</summary>
    public ulong PacketsSent;

    /// <summary>Calls that received something.</summary>
    public ulong PacketsReceived;

    /// <summary>Calls that failed to send, "would block" excluded.</summary>
    public ulong SendErrors;

    /// <summary>Calls that failed to receive, "would block" excluded.</summary>
    public ulong ReceiveErrors;
}

/// <summary>A dedicated link as statistics show it.</summary>
/// <param name="Kind">What it is made of.</param>
/// <param name="Device">Name of its interface.</param>
/// <param name="Status">State of that interface.</param>
/// <param name="IsActive">Whether it is the one in use.</param>
/// <param name="Stats">Its counters.</param>
/// <param name="IsServerConnected">TCP: the peer has connected to us.</param>
/// <param name="IsClientConnected">TCP: we have connected to the peer.</param>
/// <param name="TimesChosen">How often it came into use in the place of another.</param>
public readonly record struct LinkReport(
    LinkKind Kind,
    string Device,
    LinkStatus Status,
    bool IsActive,
    LinkStats Stats,
    bool IsServerConnected = false,
    bool IsClientConnected = false,
    uint TimesChosen = 0);

/// <summary>Counters of the daemon itself, from the start.</summary>
public struct RuntimeStats
{
    /// <summary>Seconds since the start.</summary>
    public ulong UptimeSeconds;

    /// <summary>Kernel events, of flows and expectations, before filtering.</summary>
    public ulong EventsReceived;

    /// <summary>Of these, dropped by the user-space filter or the helper list.</summary>
    public ulong EventsFiltered;

    /// <summary>Events of an unknown type.</summary>
    public uint EventsUnknown;

    /// <summary>Read errors on the event socket, overruns included.</summary>
    public uint EventErrors;

    /// <summary>Dump messages of an unknown type.</summary>
    public uint DumpUnknown;

    /// <summary>ENOBUFS on the event socket.</summary>
    public uint Overruns;

    /// <summary>Flushes of kernel tables.</summary>
    public uint KernelFlushes;

    /// <summary>Merges of kernel tables.</summary>
    public uint KernelResyncs;

    /// <summary>Receive buffer of the event socket in bytes, as the kernel reports it.</summary>
    public uint BufferSize;

    /// <summary>Child processes killed by a signal.</summary>
    public uint ChildrenFailed;

    /// <summary>Of these, by SIGSEGV.</summary>
    public uint ChildrenCrashed;

    /// <summary>Of these, by SIGINT, SIGTERM or SIGKILL.</summary>
    public uint ChildrenTerminated;

    /// <summary>Failures of the call that waits for descriptors.</summary>
    public uint PollErrors;

    /// <summary>Failures of the call that collects children.</summary>
    public uint WaitErrors;

    /// <summary>Control connections without a request.</summary>
    public uint ControlReadErrors;

    /// <summary>Control requests that do not exist.</summary>
    public uint ControlUnknown;
}

/// <summary>A queue as statistics show it.</summary>
/// <param name="Name"><c>txqueue</c>, <c>errorq</c> or <c>rsqueue</c>.</param>
/// <param name="Length">Elements now.</param>
/// <param name="Limit">Most elements.</param>
/// <param name="Overflows">Elements it had no room for.</param>
public readonly record struct QueueReport(string Name, uint Length, uint Limit, uint Overflows);

/// <summary>A process that works for the daemon.</summary>
/// <param name="ProcessId">Its id.</param>
/// <param name="Type">What it does, in one word.</param>
public readonly record struct ProcessReport(int ProcessId, string Type);
