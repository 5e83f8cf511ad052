using System.Runtime.InteropServices;
using System.Text;

namespace TwinTrack.Netlink;

/// <summary>Flags of a network interface (IFF_*).</summary>
[Flags]
public enum LinkFlags : uint
{
    /// <summary>No flag.</summary>
    None = 0,

    /// <summary>IFF_UP: an administrator switched it on.</summary>
    Up = 0x1,

    /// <summary>IFF_BROADCAST.</summary>
    Broadcast = 0x2,

    /// <summary>IFF_LOOPBACK.</summary>
    Loopback = 0x8,

    /// <summary>IFF_POINTOPOINT.</summary>
    PointToPoint = 0x10,

    /// <summary>IFF_RUNNING: it can carry packets.</summary>
    Running = 0x40,

    /// <summary>IFF_MULTICAST.</summary>
    Multicast = 0x1000,

    /// <summary>IFF_LOWER_UP: the carrier is there.</summary>
    Carrier = 0x10000,
}

/// <summary>A network interface at one moment.</summary>
/// <param name="Index">Number of the interface, unique in its namespace.</param>
/// <param name="Name">IFLA_IFNAME.</param>
/// <param name="Flags">ifi_flags.</param>
/// <param name="Mtu">IFLA_MTU: bytes; 0 if unknown.</param>
/// <param name="IsGone">Whether the interface was removed.</param>
public readonly record struct LinkState(int Index, string Name, LinkFlags Flags, uint Mtu, bool IsGone)
{
    /// <summary>Whether it is switched on and has a carrier.</summary>
    public bool IsRunning =>
        !IsGone && (Flags & LinkFlags.Up) != LinkFlags.None && (Flags & LinkFlags.Running) != LinkFlags.None;
}

/// <summary>Knows the network interfaces of a namespace and tells their changes (rtnetlink, RTNLGRP_LINK).</summary>
/// <remarks>It belongs to the network namespace of the thread that made it. Not thread-safe.</remarks>
public sealed class LinkMonitor : IDisposable
{
    private const int LinkGroup = 1;         // RTNLGRP_LINK
    private const ushort NewLink = 16;       // RTM_NEWLINK
    private const ushort DeleteLink = 17;    // RTM_DELLINK
    private const ushort GetLink = 18;       // RTM_GETLINK
    private const int LinkHeaderSize = 16;   // struct ifinfomsg: u8 family, u16 type, s32 index, u32 flags, u32 change
    private const int NameAttribute = 3;     // IFLA_IFNAME
    private const int MtuAttribute = 4;      // IFLA_MTU
    private const byte BridgeFamily = 7;     // AF_BRIDGE: news of a bridge's port, not of the interface

    private readonly NetlinkSocket _events;
    private readonly Dictionary<int, LinkState> _links = [];
    private readonly Queue<LinkState> _changes = [];

    /// <summary>Opens its sockets and reads all interfaces.</summary>
    /// <exception cref="NetlinkException">The kernel refuses.</exception>
    public LinkMonitor()
    {
        _events = new NetlinkSocket(NetlinkProtocol.Route, batchSize: 4);
        try
        {
            _events.Join(LinkGroup).ThrowIfFailed("link events");
            ReadAll();
        }
        catch
        {
            _events.Dispose();
            throw;
        }

        _changes.Clear(); // what was there from the start is no change
    }

    /// <summary>The descriptor to wait for.</summary>
    public int Descriptor => _events.Descriptor;

    /// <summary>The interfaces as known now.</summary>
    public IReadOnlyCollection<LinkState> Links => _links.Values;

    /// <summary>Finds an interface by its name.</summary>
    public bool TryGet(string name, out LinkState link)
    {
        foreach (LinkState one in _links.Values)
        {
            if (!string.Equals(one.Name, name, StringComparison.Ordinal)) continue;
            link = one;
            return true;
        }

        link = default;
        return false;
    }

    /// <summary>Reads the next change of an interface, without waiting.</summary>
    /// <param name="link">The interface after the change.</param>
    /// <returns>False when there is no more now.</returns>
    /// <exception cref="NetlinkException">The interfaces had to be read anew, and that failed.</exception>
    public bool TryRead(out LinkState link)
    {
        while (!_changes.TryDequeue(out link))
        {
            switch (_events.Receive())
            {
                case ReceiveStatus.Datagrams:
                    for (int i = 0; i < _events.Count; i++) Apply(_events.Datagram(i));
                    break;
                case ReceiveStatus.Overrun: // changes were lost: look at everything again
                    ReadAll();
                    break;
                default:
                    return false;
            }
        }

        return true;
    }

    /// <summary>Waits for a change.</summary>
    /// <param name="timeout">Milliseconds; negative waits forever.</param>
    /// <returns>False when the time passed.</returns>
    public bool Wait(int timeout) => _changes.Count > 0 || _events.Wait(timeout);

    /// <summary>Closes the socket.</summary>
    public void Dispose() => _events.Dispose();

    private void ReadAll()
    {
        using var client = new NetlinkClient(NetlinkProtocol.Route);
        client.Writer.Begin(GetLink, MessageFlags.Request | MessageFlags.Dump, client.NextSequence);
        client.Writer.Append(LinkHeaderSize).Clear();
        client.Writer.End();
        client.Start().ThrowIfFailed("interfaces");

        var seen = new HashSet<int>();
        while (client.Wait() == ReplyState.Message)
        {
            if (TryReadLink(client.Message, out LinkState link) && seen.Add(link.Index)) Apply(in link);
        }

        client.Result.ThrowIfFailed("interfaces");
        foreach (LinkState gone in _links.Values.Where(link => !seen.Contains(link.Index)).ToArray())
            Apply(gone with { IsGone = true });
    }

    private void Apply(ReadOnlySpan<byte> datagram)
    {
        var reader = new MessageReader(datagram);
        while (reader.MoveNext())
        {
            if (TryReadLink(reader.Message, out LinkState link)) Apply(in link);
        }
    }

    private void Apply(in LinkState link)
    {
        bool isKnown = _links.TryGetValue(link.Index, out LinkState before);
        if (link.IsGone)
        {
            if (!_links.Remove(link.Index)) return;
        }
        else
        {
            if (isKnown && before == link) return;
            _links[link.Index] = link;
        }

        _changes.Enqueue(link);
    }

    private static bool TryReadLink(ReadOnlySpan<byte> message, out LinkState link)
    {
        link = default;
        if (!NetlinkHeader.TryRead(message, out NetlinkHeader header)) return false;
        if (header.Type is not (NewLink or DeleteLink)) return false;

        ReadOnlySpan<byte> body = message[NetlinkHeader.Size..];
        if (body.Length < LinkHeaderSize || body[0] == BridgeFamily) return false;

        string name = "";
        uint mtu = 0;
        var reader = new AttributeReader(body[LinkHeaderSize..]);
        while (reader.MoveNext())
        {
            if (reader.Type == NameAttribute) name = Encoding.UTF8.GetString(reader.ReadString());
            else if (reader.Type == MtuAttribute) mtu = reader.ReadHostUInt32();
        }

        link = new(
            MemoryMarshal.Read<int>(body[4..]),
            name,
            (LinkFlags)MemoryMarshal.Read<uint>(body[8..]),
            mtu,
            header.Type == DeleteLink);
        return !reader.IsMalformed && name.Length > 0;
    }
}
