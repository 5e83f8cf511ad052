using System.Net.Sockets;
using TwinTrack.Daemon.Config;
using TwinTrack.Netlink;

namespace TwinTrack.Daemon.Doctor;

/// <summary>The socket buffers the configuration asks for: does the kernel give them?</summary>
internal sealed class BufferChecks(Findings findings, Machine machine, DaemonConfig config)
{
    private const int SocketLevel = 1;          // SOL_SOCKET
    private const int ForceSendBuffer = 32;     // SO_SNDBUFFORCE
    private const int ForceReceiveBuffer = 33;  // SO_RCVBUFFORCE

    /// <summary>Looks at all of them.</summary>
    public void Run()
    {
        if (config.General.PollSeconds is null) CheckEvents();
        foreach (LinkConfig link in config.Sync?.Links ?? []) CheckLink(link);
    }

    private void CheckEvents()
    {
        uint wanted = config.General.NetlinkBufferSize;
        uint limit = config.General.NetlinkBufferSizeMaxGrowth;
        using var socket = new NetlinkSocket(NetlinkProtocol.Netfilter);
        if (wanted == 0)
        {
            findings.Warn("buffers", $"events wait in a buffer of {socket.ReceiveBufferSize} bytes only: a burst of "
                + "new flows overruns it", "set NetlinkBufferSize 2097152 and NetlinkBufferSizeMaxGrowth 8388608");
            return;
        }

        if (wanted > limit)
        {
            findings.Warn("buffers", $"NetlinkBufferSize {wanted} is larger than NetlinkBufferSizeMaxGrowth {limit} "
                + $"and not used: {socket.ReceiveBufferSize} bytes stay", "raise NetlinkBufferSizeMaxGrowth");
            return;
        }

        // The kernel doubles what it is asked for, and tells that.
        int half = (int)(Math.Min(limit, int.MaxValue) / 2);
        int given = socket.SetReceiveBufferSize(half);
        if (given < half * 2L)
        {
            findings.Warn("buffers", $"the event buffer may grow to {limit} bytes (NetlinkBufferSizeMaxGrowth), the "
                + $"kernel gives {given} (net.core.rmem_max is {machine.Setting("net/core/rmem_max")})",
                $"run with CAP_NET_ADMIN, or sysctl -w net.core.rmem_max={half}");
            return;
        }

        findings.Fine("buffers", $"the event buffer may grow to {given} bytes");
    }

    private void CheckLink(LinkConfig link)
    {
        using var socket = new Socket(link.Remote.AddressFamily, SocketType.Dgram, ProtocolType.Udp);
        Check(socket, link, "RcvSocketBuffer", link.ReceiveBuffer, ForceReceiveBuffer, "rmem_max");
        Check(socket, link, "SndSocketBuffer", link.SendBuffer, ForceSendBuffer, "wmem_max");
    }

    private void Check(Socket socket, LinkConfig link, string keyword, uint? wanted, int option, string limit)
    {
        if (wanted is not { } bytes)
        {
            if (link.Kind != LinkKind.Tcp && config.Sync!.Mode == Replication.SyncModeKind.Notrack)
            {
                findings.Note("buffers", $"{keyword} of {link.Interface} is not set: what a burst loses on the link, "
                    + "NOTRACK does not repeat", $"set {keyword} 1249280");
            }

            return;
        }

        try
        {
            socket.SetRawSocketOption(SocketLevel, option, BitConverter.GetBytes((int)bytes));
            findings.Fine("buffers", $"{link.Interface} gets the buffer it asks for ({keyword} {bytes})");
        }
        catch (SocketException)
        {
            findings.Fail("buffers", $"{keyword} {bytes} of {link.Interface} takes CAP_NET_ADMIN "
                + $"(net.core.{limit} is {machine.Setting("net/core/" + limit)})",
                "run with it, or leave the line out");
        }
    }
}
