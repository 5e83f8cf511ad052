using TwinTrack.Replication;

namespace TwinTrack.Daemon;

/// <summary>Spreads a burst of packets over time where nothing the peer says would slow it down.</summary>
/// <remarks>
/// FT-FW pauses when acknowledgements fail to come, and TCP when its window is full. NOTRACK and ALARM over UDP would
/// send a bulk at line rate into a socket buffer that holds some ninety datagrams by default, and never repeat what
/// does not fit. A third of that is let through at once, then 8 packets a millisecond: 140,000 flows a second.
/// </remarks>
internal sealed class SendPacer
{
    private const long Burst = 32;
    private const long PacketMicroseconds = 125;

    private long _paidUntil;     // when all that was sent would have been sent at an even pace

    /// <summary>When the next packet may be sent.</summary>
    public Instant ReadyAt => new(_paidUntil - ((Burst - 1) * PacketMicroseconds));

    /// <summary>A packet was sent.</summary>
    public void OnSent(Instant now) => _paidUntil = Math.Max(_paidUntil, now.Microseconds) + PacketMicroseconds;
}
