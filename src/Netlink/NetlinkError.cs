using System.Runtime.InteropServices;
using System.Text;

namespace TwinTrack.Netlink;

/// <summary>Error numbers of Linux that netlink answers with (errno.h). Other values may occur.</summary>
public enum Errno
{
    /// <summary>Success.</summary>
    None = 0,

    /// <summary>EPERM: CAP_NET_ADMIN is missing, or the object may not be changed.</summary>
    NotPermitted = 1,

    /// <summary>ENOENT: no such object.</summary>
    NotFound = 2,

    /// <summary>EINTR: a signal arrived.</summary>
    Interrupted = 4,

    /// <summary>EAGAIN: nothing to read now, or no room to send now.</summary>
    TryAgain = 11,

    /// <summary>ENOMEM: no memory, or the table is full.</summary>
    OutOfMemory = 12,

    /// <summary>EBUSY: in use, or the change is not possible now.</summary>
    Busy = 16,

    /// <summary>EEXIST: the object exists.</summary>
    Exists = 17,

    /// <summary>ENODEV: no such device.</summary>
    NoDevice = 19,

    /// <summary>EINVAL: the request makes no sense, or the kernel does not know the subsystem.</summary>
    Invalid = 22,

    /// <summary>ENOSPC: no space in the object.</summary>
    NoSpace = 28,

    /// <summary>ERANGE: a value is too large.</summary>
    OutOfRange = 34,

    /// <summary>ETIME: the timeout passed meanwhile.</summary>
    Expired = 62,

    /// <summary>EBADMSG: a message that cannot be read; reported by this library.</summary>
    BadMessage = 74,

    /// <summary>EMSGSIZE: more bytes than the socket takes at once.</summary>
    MessageTooLong = 90,

    /// <summary>EOPNOTSUPP: the kernel cannot do this.</summary>
    NotSupported = 95,

    /// <summary>EAFNOSUPPORT: the kernel lacks the address family.</summary>
    FamilyNotSupported = 97,

    /// <summary>ENOBUFS: messages were lost for lack of space in the receive buffer.</summary>
    NoBufferSpace = 105,

    /// <summary>ETIMEDOUT: no answer came; reported by this library.</summary>
    TimedOut = 110,

    /// <summary>ENOTSUPP, a kernel-internal number that may leak out.</summary>
    InternalNotSupported = 524,
}

/// <summary>The kernel's answer to a request, or the result of a system call. The default value is success.</summary>
/// <param name="Code">The error number, positive; <see cref="Errno.None"/> for success.</param>
/// <param name="Text">The text of an extended acknowledgement (NLMSGERR_ATTR_MSG), if the kernel gave one.</param>
/// <param name="Offset">
/// Where in the request the offending attribute is (NLMSGERR_ATTR_OFFS), in bytes from its nlmsghdr; 0 if unknown.
/// </param>
public readonly record struct NetlinkError(Errno Code, string? Text = null, int Offset = 0)
{
    private const int CodeSize = 4;
    private const int TextAttribute = 1;   // NLMSGERR_ATTR_MSG
    private const int OffsetAttribute = 2; // NLMSGERR_ATTR_OFFS: host order

    /// <summary>No error.</summary>
    public static NetlinkError Success => default;

    /// <summary>Whether the request was carried out.</summary>
    public bool IsSuccess => Code == Errno.None;

    /// <summary>Reads an NLMSG_ERROR or NLMSG_DONE message; an acknowledgement gives success.</summary>
    /// <param name="message">The message with its nlmsghdr.</param>
    public static NetlinkError Read(ReadOnlySpan<byte> message)
    {
        if (!NetlinkHeader.TryRead(message, out NetlinkHeader header)) return new(Errno.BadMessage);

        ReadOnlySpan<byte> rest = message[NetlinkHeader.Size..];
        if (rest.Length < CodeSize)
            return header.Type == NetlinkHeader.Done ? Success : new(Errno.BadMessage);

        // DONE of a dump carries an error number that is negative or, as a count, positive.
        var code = (Errno)Math.Max(0, -(long)MemoryMarshal.Read<int>(rest));
        if ((header.Flags & MessageFlags.AckTlvs) == MessageFlags.None) return new(code);

        rest = rest[CodeSize..];
        if (header.Type == NetlinkHeader.Error)
        {
            if (!NetlinkHeader.TryReadLoose(rest, out NetlinkHeader request)) return new(code);

            bool capped = (header.Flags & MessageFlags.Capped) != MessageFlags.None;
            long echoed = capped ? NetlinkHeader.Size : ((long)request.Length + 3) & ~3L;
            if (echoed > rest.Length) return new(code);
            rest = rest[(int)echoed..];
        }

        return ReadExtended(code, rest);
    }

    /// <summary>The C library's words for the error number, with the kernel's own text where there is one.</summary>
    public override string ToString()
    {
        string words = IsSuccess ? "Success" : Marshal.GetPInvokeErrorMessage((int)Code);
        return Text is null ? words : $"{words}: {Text}";
    }

    /// <summary>Throws unless the request was carried out.</summary>
    /// <param name="what">What was attempted, for the message of the exception.</param>
    /// <exception cref="NetlinkException">This is an error.</exception>
    public void ThrowIfFailed(string what)
    {
        if (!IsSuccess) throw new NetlinkException(what, this);
    }

    internal static NetlinkError FromLastCall() => new((Errno)Marshal.GetLastPInvokeError());

    private static NetlinkError ReadExtended(Errno code, ReadOnlySpan<byte> attributes)
    {
        string? text = null;
        int offset = 0;
        var reader = new AttributeReader(attributes);
        while (reader.MoveNext())
        {
            if (reader.Type == TextAttribute) text = Encoding.UTF8.GetString(reader.ReadString());
            else if (reader.Type == OffsetAttribute && reader.Value.Length == 4)
                offset = (int)Math.Min(MemoryMarshal.Read<uint>(reader.Value), int.MaxValue);
        }

        return new(code, text, offset);
    }
}

/// <summary>A netlink socket could not be opened or set up.</summary>
public sealed class NetlinkException : IOException
{
    /// <summary>Makes an exception without an error number.</summary>
    public NetlinkException()
    {
    }

    /// <summary>Makes an exception without an error number.</summary>
    public NetlinkException(string message)
        : base(message)
    {
    }

    /// <summary>Makes an exception without an error number.</summary>
    public NetlinkException(string message, Exception innerException)
        : base(message, innerException)
    {
    }

    /// <summary>Makes an exception that says what failed and why.</summary>
    public NetlinkException(string what, NetlinkError error)
        : base($"{what}: {error}") => Error = error;

    /// <summary>The error number and the kernel's text.</summary>
    public NetlinkError Error { get; }
}
