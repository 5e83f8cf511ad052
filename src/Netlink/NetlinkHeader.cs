using System.Runtime.InteropServices;

namespace TwinTrack.Netlink;

/// <summary>Flags of a netlink message (NLM_F_*). Some bits mean different things by kind of message.</summary>
[Flags]
public enum MessageFlags : ushort
{
    /// <summary>No flag.</summary>
    None = 0,

    /// <summary>NLM_F_REQUEST: every request carries it.</summary>
    Request = 0x001,

    /// <summary>NLM_F_MULTI: one of several messages, ended by NLMSG_DONE.</summary>
    Multi = 0x002,

    /// <summary>NLM_F_ACK: answer also in case of success.</summary>
    Ack = 0x004,

    /// <summary>NLM_F_ECHO.</summary>
    Echo = 0x008,

    /// <summary>NLM_F_DUMP_INTR: the dump is inconsistent, the table changed meanwhile.</summary>
    DumpInterrupted = 0x010,

    /// <summary>NLM_F_DUMP_FILTERED: the kernel applied the filter of the request.</summary>
    DumpFiltered = 0x020,

    /// <summary>NLM_F_REPLACE, in a request that creates.</summary>
    Replace = 0x100,

    /// <summary>NLM_F_EXCL, in a request that creates: refuse if the object exists.</summary>
    Exclusive = 0x200,

    /// <summary>NLM_F_CREATE: create if it does not exist; in an event: it is new.</summary>
    Create = 0x400,

    /// <summary>NLM_F_APPEND.</summary>
    Append = 0x800,

    /// <summary>NLM_F_DUMP (NLM_F_ROOT and NLM_F_MATCH), in a request that reads.</summary>
    Dump = 0x300,

    /// <summary>NLM_F_CAPPED, in an acknowledgement: only the header of the request is repeated.</summary>
    Capped = 0x100,

    /// <summary>NLM_F_ACK_TLVS, in an acknowledgement: attributes with text and offset follow.</summary>
    AckTlvs = 0x200,
}

/// <summary>The header of every netlink message (struct nlmsghdr): 16 bytes, host order.</summary>
/// <param name="Length">Bytes of the message, header included, padding not.</param>
/// <param name="Type">Kind of message; for nfnetlink subsystem &lt;&lt; 8 | message.</param>
/// <param name="Flags">See <see cref="MessageFlags"/>.</param>
/// <param name="Sequence">Number of the request; 0 in events.</param>
/// <param name="PortId">
/// Port id of the socket that asked, or that caused an event; 0 for the kernel's own doing.
/// </param>
public readonly record struct NetlinkHeader(uint Length, ushort Type, MessageFlags Flags, uint Sequence, uint PortId)
{
    /// <summary>Bytes of the header.</summary>
    public const int Size = 16;

    /// <summary>NLMSG_NOOP.</summary>
    public const ushort Noop = 1;

    /// <summary>NLMSG_ERROR: an error or an acknowledgement.</summary>
    public const ushort Error = 2;

    /// <summary>NLMSG_DONE: the end of a dump.</summary>
    public const ushort Done = 3;

    /// <summary>NLMSG_OVERRUN.</summary>
    public const ushort Overrun = 4;

    /// <summary>Reads the header of a message.</summary>
    /// <returns>False if the bytes do not hold the header or the length it tells.</returns>
    public static bool TryRead(ReadOnlySpan<byte> message, out NetlinkHeader header) =>
        TryReadLoose(message, out header) && header.Length >= Size && header.Length <= (uint)message.Length;

    /// <summary>Reads a header whose payload may be cut off, as in an acknowledgement.</summary>
    internal static bool TryReadLoose(ReadOnlySpan<byte> bytes, out NetlinkHeader header)
    {
        header = default;
        if (bytes.Length < Size) return false;

        header = new(
            MemoryMarshal.Read<uint>(bytes),
            MemoryMarshal.Read<ushort>(bytes[4..]),
            (MessageFlags)MemoryMarshal.Read<ushort>(bytes[6..]),
            MemoryMarshal.Read<uint>(bytes[8..]),
            MemoryMarshal.Read<uint>(bytes[12..]));
        return true;
    }
}
