using System.Globalization;
using System.Net;
using System.Net.Sockets;

namespace TwinTrack.Router.Config;

/// <summary>Rules for values, and reading of addresses as they are typed.</summary>
internal static class Rules
{
    /// <summary>Stands for the addresses of this router's own replication and VRRP.</summary>
    public const string OwnTraffic = "auto";

    public static readonly ValueRule Ignored = new(
        "S06", $"an address, a network with /LENGTH, or {OwnTraffic}",
        text => text == OwnTraffic || IsAddressOrNetwork(text));

    public static readonly ValueRule Multicast = new(
        "S10", "an address from 224.0.0.0 to 239.255.255.255",
        text => TryAddress(text, out IPAddress address) && address.AddressFamily == AddressFamily.InterNetwork
            && address.GetAddressBytes()[0] is >= 224 and <= 239);

    /// <summary>A single address of either family.</summary>
    public static ValueRule Address(string id) =>
        new(id, "an address without a length", text => TryAddress(text, out _));

    /// <summary>An address with a length.</summary>
    public static ValueRule Network(string id) => new(
        id, "an address with /LENGTH",
        text => text.Contains('/', StringComparison.Ordinal) && IsAddressOrNetwork(text));

    /// <summary>A number in a range.</summary>
    public static ValueRule Range(string id, long least, long most) => new(
        id, $"a number from {least} to {most}",
        text => long.TryParse(text, NumberStyles.None, CultureInfo.InvariantCulture, out long value)
            && value >= least && value <= most);

    /// <summary>One of some words.</summary>
    public static ValueRule Words(string id, params string[] words) =>
        new(id, $"one of {string.Join(' ', words)}", text => words.Contains(text));

    /// <summary>Reads an address: four decimal parts, or IPv6 without a scope.</summary>
    public static bool TryAddress(string text, out IPAddress address)
    {
        address = IPAddress.None;
        if (text.Contains('%', StringComparison.Ordinal) || text.Contains('[', StringComparison.Ordinal)) return false;
        if (!IPAddress.TryParse(text, out IPAddress? read)) return false;
        bool isIPv4 = read.AddressFamily == AddressFamily.InterNetwork;
        if (isIPv4 && read.ToString() != text) return false;
        address = read;
        return true;
    }

    /// <summary>Reads an address with or without a length.</summary>
    public static bool TryNetwork(string text, out IPAddress address, out int length)
    {
        int slash = text.IndexOf('/');
        length = -1;
        if (!TryAddress(slash < 0 ? text : text[..slash], out address)) return false;
        int whole = address.AddressFamily == AddressFamily.InterNetwork ? 32 : 128;
        if (slash < 0) length = whole;
        else if (!int.TryParse(text[(slash + 1)..], NumberStyles.None, CultureInfo.InvariantCulture, out length))
            return false;
        return length >= 0 && length <= whole;
    }

    private static bool IsAddressOrNetwork(string text) => TryNetwork(text, out _, out _);
}
