namespace TwinTrack.Netlink;

/// <summary>Walks the messages of one netlink datagram in place, without allocating.</summary>
/// <remarks>Damage stops the walk and sets <see cref="IsMalformed"/>; test it once, after the loop.</remarks>
public ref struct MessageReader(ReadOnlySpan<byte> datagram)
{
    private ReadOnlySpan<byte> _rest = datagram;
    private NetlinkHeader _header;

    /// <summary>The header of the current message.</summary>
    public readonly NetlinkHeader Header => _header;

    /// <summary>The current message with its header, without padding.</summary>
    public ReadOnlySpan<byte> Message { get; private set; }

    /// <summary>The current message without its header.</summary>
    public readonly ReadOnlySpan<byte> Payload => Message[NetlinkHeader.Size..];

    /// <summary>Whether the datagram ended inside a message or told an impossible length.</summary>
    public bool IsMalformed { get; private set; }

    /// <summary>Goes to the next message.</summary>
    /// <returns>False at the end, and at damage.</returns>
    public bool MoveNext()
    {
        if (_rest.IsEmpty) return false;
        if (!NetlinkHeader.TryRead(_rest, out _header))
        {
            IsMalformed = true;
            _rest = default;
            Message = default;
            return false;
        }

        int length = (int)_header.Length;
        Message = _rest[..length];
        _rest = _rest[Math.Min((length + 3) & ~3, _rest.Length)..]; // NLMSG_ALIGN; the last one may lack its padding
        return true;
    }
}
