using System.Net;
using System.Net.Sockets;
using System.Runtime.InteropServices;
using TwinTrack.Netlink;

namespace TwinTrack.Daemon.Doctor;

/// <summary>
/// Whether somebody is there at an address: one empty datagram to its discard port makes the kernel ask who has the
/// address (ARP, neighbour discovery), which no packet filter keeps from being answered.
/// </summary>
/// <remarks>The peer's daemon sees nothing of it.</remarks>
internal sealed class PeerProbe : IDisposable
{
    private const int DiscardPort = 9;
    private const ushort GetNeighbours = 30;   // RTM_GETNEIGH
    private const ushort NewNeighbour = 28;    // RTM_NEWNEIGH
    private const int HeaderSize = 12;         // struct ndmsg: u8 family, pad, s32 index, u16 state, u8 flags, u8 type
    private const int StateOffset = 8;
    private const int AddressAttribute = 1;    // NDA_DST
    private const int Confirmed = 0x02 | 0x40 | 0x80;   // NUD_REACHABLE, NUD_NOARP, NUD_PERMANENT
    private const int Failed = 0x20;           // NUD_FAILED

    private readonly Socket _socket;
    private readonly IPAddress _peer;

    private PeerProbe(Socket socket, IPAddress peer)
    {
        _socket = socket;
        _peer = peer;
    }

    /// <summary>Whether somebody is there; null while nobody knows.</summary>
    public bool? IsThere { get; private set; }

    /// <summary>Sends the datagram.</summary>
    /// <param name="own">Where it comes from.</param>
    /// <param name="peer">Whose address it is.</param>
    /// <param name="problem">Why it could not be sent.</param>
    public static PeerProbe? Send(IPAddress own, IPAddress peer, out string problem)
    {
        var socket = new Socket(peer.AddressFamily, SocketType.Dgram, ProtocolType.Udp) { Blocking = false };
        try
        {
            socket.Bind(new IPEndPoint(own, 0));
            socket.Connect(new IPEndPoint(peer, DiscardPort));
            socket.Send(ReadOnlySpan<byte>.Empty);
            problem = "";
            return new PeerProbe(socket, peer);
        }
        catch (SocketException error)
        {
            socket.Dispose();
            problem = error.Message;
            return null;
        }
    }

    /// <summary>Looks whether there is an answer by now.</summary>
    public void Look()
    {
        if (IsThere is not null) return;

        // "Connection refused" is the peer's word that nobody listens at that port.
        _socket.Receive(new byte[1], SocketFlags.None, out SocketError error);
        if (error is SocketError.ConnectionRefused or SocketError.ConnectionReset) IsThere = true;
        else if (error == SocketError.HostUnreachable) IsThere = false;
        else IsThere = ReadState() switch
        {
            { } state when (state & Confirmed) != 0 => true,
            { } state when (state & Failed) != 0 => false,
            _ => null,
        };
    }

    public void Dispose() => _socket.Dispose();

    private int? ReadState()
    {
        using var client = new NetlinkClient(NetlinkProtocol.Route);
        client.Writer.Begin(GetNeighbours, MessageFlags.Request | MessageFlags.Dump, client.NextSequence);
        client.Writer.Append(HeaderSize).Clear();
        client.Writer.End();
        if (!client.Start().IsSuccess) return null;

        int? state = null;
        byte[] wanted = _peer.GetAddressBytes();
        while (client.Wait() == ReplyState.Message)
        {
            if (IsOf(client.Message, wanted, out int found)) state = found;
        }

        return state;
    }

    private static bool IsOf(ReadOnlySpan<byte> message, ReadOnlySpan<byte> wanted, out int state)
    {
        state = 0;
        if (!NetlinkHeader.TryRead(message, out NetlinkHeader header) || header.Type != NewNeighbour) return false;
        ReadOnlySpan<byte> body = message[NetlinkHeader.Size..];
        if (body.Length < HeaderSize) return false;

        state = MemoryMarshal.Read<ushort>(body[StateOffset..]);
        var reader = new AttributeReader(body[HeaderSize..]);
        while (reader.MoveNext())
        {
            if (reader.Type == AddressAttribute && reader.Value.SequenceEqual(wanted)) return true;
        }

        return false;
    }
}
