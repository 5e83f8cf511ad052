using System.Buffers.Binary;

namespace TwinTrack.Netlink;

/// <summary>Netlink families by number (NETLINK_*).</summary>
public static class NetlinkProtocol
{
    /// <summary>NETLINK_ROUTE: links, addresses, routes.</summary>
    public const int Route = 0;

    /// <summary>NETLINK_NETFILTER: nfnetlink.</summary>
    public const int Netfilter = 12;
}

/// <summary>Subsystems of nfnetlink (NFNL_SUBSYS_*).</summary>
public enum NetfilterSubsystem : byte
{
    /// <summary>NFNL_SUBSYS_NONE: batch control.</summary>
    None = 0,

    /// <summary>NFNL_SUBSYS_CTNETLINK: flows.</summary>
    Conntrack = 1,

    /// <summary>NFNL_SUBSYS_CTNETLINK_EXP: expectations.</summary>
    Expectation = 2,

    /// <summary>NFNL_SUBSYS_QUEUE: packets handed to user space.</summary>
    Queue = 3,

    /// <summary>NFNL_SUBSYS_ULOG.</summary>
    Log = 4,

    /// <summary>NFNL_SUBSYS_OSF.</summary>
    Fingerprint = 5,

    /// <summary>NFNL_SUBSYS_IPSET.</summary>
    Sets = 6,

    /// <summary>NFNL_SUBSYS_ACCT.</summary>
    Accounting = 7,

    /// <summary>NFNL_SUBSYS_CTNETLINK_TIMEOUT: timeout policies.</summary>
    Timeout = 8,

    /// <summary>NFNL_SUBSYS_CTHELPER: user-space helpers.</summary>
    Helper = 9,

    /// <summary>NFNL_SUBSYS_NFTABLES.</summary>
    Tables = 10,
}

/// <summary>Multicast groups of nfnetlink (NFNLGRP_*).</summary>
public static class NetfilterGroup
{
    /// <summary>NFNLGRP_CONNTRACK_NEW.</summary>
    public const int ConntrackNew = 1;

    /// <summary>NFNLGRP_CONNTRACK_UPDATE.</summary>
    public const int ConntrackUpdate = 2;

    /// <summary>NFNLGRP_CONNTRACK_DESTROY.</summary>
    public const int ConntrackDestroy = 3;

    /// <summary>NFNLGRP_CONNTRACK_EXP_NEW.</summary>
    public const int ExpectationNew = 4;

    /// <summary>NFNLGRP_CONNTRACK_EXP_UPDATE; the kernel never sends to it.</summary>
    public const int ExpectationUpdate = 5;

    /// <summary>NFNLGRP_CONNTRACK_EXP_DESTROY.</summary>
    public const int ExpectationDestroy = 6;
}

/// <summary>What the two headers of an nfnetlink message say: nlmsghdr and nfgenmsg.</summary>
/// <param name="Subsystem">Upper byte of the message's type.</param>
/// <param name="Message">Lower byte of the message's type: the number within the subsystem.</param>
/// <param name="Flags">See <see cref="MessageFlags"/>.</param>
/// <param name="Sequence">Number of the request; 0 in events.</param>
/// <param name="PortId">Port id of the socket that caused an event; 0 for traffic and timers.</param>
/// <param name="Family">nfgen_family: 0, 2 (IPv4) or 10 (IPv6).</param>
/// <param name="Version">0, or NFNL version 1 in a flush of one family.</param>
/// <param name="Resource">res_id in host order, for example a CPU number.</param>
public readonly record struct NetfilterHeader(
    NetfilterSubsystem Subsystem,
    byte Message,
    MessageFlags Flags,
    uint Sequence,
    uint PortId,
    byte Family,
    byte Version,
    ushort Resource)
{
    /// <summary>Bytes of both headers: attributes start here.</summary>
    public const int Size = NetlinkHeader.Size + 4;

    /// <summary>Reads both headers.</summary>
    /// <param name="message">The message with its nlmsghdr.</param>
    /// <param name="header">The result; the default value when false is returned.</param>
    /// <returns>False for control messages (error, done) and for bytes that do not hold both headers.</returns>
    public static bool TryRead(ReadOnlySpan<byte> message, out NetfilterHeader header) =>
        TryRead(message, out header, out _);

    /// <summary>Reads both headers and finds the attributes behind them.</summary>
    /// <param name="message">The message with its nlmsghdr; bytes beyond the length it tells do not count.</param>
    /// <param name="header">The result; the default value when false is returned.</param>
    /// <param name="attributes">What follows the headers; empty when false is returned.</param>
    /// <returns>False for control messages (error, done) and for bytes that do not hold both headers.</returns>
    public static bool TryRead(
        ReadOnlySpan<byte> message, out NetfilterHeader header, out ReadOnlySpan<byte> attributes)
    {
        header = default;
        attributes = default;
        if (!NetlinkHeader.TryRead(message, out NetlinkHeader outer)) return false;
        if (outer.Length < Size || outer.Type < 1 << 8) return false;

        header = new(
            (NetfilterSubsystem)(outer.Type >> 8),
            (byte)outer.Type,
            outer.Flags,
            outer.Sequence,
            outer.PortId,
            message[16],
            message[17],
            BinaryPrimitives.ReadUInt16BigEndian(message[18..]));
        attributes = message[Size..(int)outer.Length];
        return true;
    }
}
