using TwinTrack.Conntrack;
using TwinTrack.Daemon.Channels;
using TwinTrack.Replication;

namespace TwinTrack.Daemon;

/// <summary>Everything between the engine and the dedicated link: datagrams in, datagrams out.</summary>
/// <remarks>
/// Each call does a bounded amount of work. A full socket keeps one datagram here and the rest in the engine.
/// </remarks>
internal sealed class LinkPort(SyncEngine engine, UdpChannel channel, int mostDatagramsPerTurn) : IDisposable
{
    private const int MostSentPerTurn = 128;

    private static readonly LinkId _onlyLink = new(0);

    private readonly byte[] _packet = new byte[channel.Capacity + SyncEngine.MessageLimit];
    private readonly DrainPacer _pacer = new(longestMicroseconds: 2000);
    private readonly PeerGate _gate = new(Address.Read(channel.Link.Remote.GetAddressBytes()));
    private int _held;       // bytes of a datagram that the socket did not take

    public UdpChannel Channel => channel;

    /// <summary>Until when the receiving socket should be left to fill.</summary>
    public Instant ReadAt => _pacer.ReadAt;

    /// <summary>Whether a datagram waits for room in the socket.</summary>
    public bool IsBlocked => _held > 0;

    /// <summary>Hands received datagrams to the engine.</summary>
    /// <returns>True when there are more than one turn takes.</returns>
    public bool Receive(Instant now)
    {
        if (_pacer.IsPausing(now)) return false;

        int total = 0;
        while (total < mostDatagramsPerTurn)
        {
            int count = channel.Receive();
            for (int index = 0; index < count; index++)
            {
                ReadOnlySpan<byte> datagram = channel.Datagram(index, out PeerId from);
                if (_gate.Admits(from, now)) engine.OnPeer(now, _onlyLink, from, datagram);
                else channel.CountIgnored();
            }

            total += count;
            if (count == UdpChannel.BatchSize) continue;
            _pacer.OnRead(now, total, channel.ReceiveBufferDatagrams);
            return false;
        }

        return true;
    }

    /// <summary>Sends what the engine has to say.</summary>
    /// <returns>True when there is more than one turn takes.</returns>
    public bool Transmit(Instant now)
    {
        for (int sent = 0; sent < MostSentPerTurn; sent++)
        {
            int length = _held > 0 ? _held : engine.PollTransmit(now, _packet, channel.Capacity);
            _held = 0;
            if (length == 0) return false;
            if (channel.Send(_packet.AsSpan(0, length))) continue;
            _held = length;
            return false;
        }

        return true;
    }

    public void Dispose() => channel.Dispose();
}
