using TwinTrack.Conntrack;

namespace TwinTrack.Helpers;

/// <summary>Which addresses nobody may open by announcing them.</summary>
public static class Guard
{
    /// <summary>
    /// Whether an address is one of a single host elsewhere: not unspecified, loopback, multicast or broadcast.
    /// </summary>
    public static bool MayOpen(Address address, byte family)
    {
        Span<byte> bytes = stackalloc byte[16];
        address.Write(bytes, AddressFamily.IPv6);
        if (family == AddressFamily.IPv4) return bytes[0] is not (0 or 127) && bytes[0] < 224;

        bool isLow = bytes[..15].IndexOfAnyExcept((byte)0) < 0 && bytes[15] <= 1; // :: and ::1
        return !isLow && bytes[0] != 0xff;
    }

    /// <summary>Whether an address is a multicast group, or the IPv4 broadcast address.</summary>
    public static bool IsGroup(Address address, byte family)
    {
        Span<byte> bytes = stackalloc byte[16];
        address.Write(bytes, AddressFamily.IPv6);
        if (family != AddressFamily.IPv4) return bytes[0] == 0xff;
        return bytes[0] is >= 224 and < 240 || address.AsIPv4() == uint.MaxValue;
    }
}
