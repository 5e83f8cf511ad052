using TwinTrack.Conntrack;

namespace TwinTrack.Daemon.Config;

/// <summary>Addresses as a configuration file writes them: strict, without scope, octal or short forms.</summary>
internal static class AddressSyntax
{
    /// <summary>Whether the text is built like an address, valid or not, with or without prefix length.</summary>
    public static bool LooksLikeAddress(string text)
    {
        int slash = text.IndexOf('/');
        string address = slash < 0 ? text : text[..slash];
        if (slash >= 0 && !IsDigits(text.AsSpan(slash + 1))) return false;
        return LooksLikeIPv4(address) || LooksLikeIPv6(address);
    }

    /// <summary>Parses an address of one family.</summary>
    public static bool TryParse(string text, byte family, out Address address)
    {
        address = default;
        bool isPlausible = family == AddressFamily.IPv4 ? IsStrictIPv4(text) : LooksLikeIPv6(text);
        return isPlausible && Address.TryParse(text, out address, out byte parsed) && parsed == family;
    }

    private static bool LooksLikeIPv4(string text)
    {
        string[] groups = text.Split('.');
        return groups.Length == 4 && Array.TrueForAll(groups, group => IsDigits(group));
    }

    // At most one "::", groups of one to four hex digits.
    private static bool LooksLikeIPv6(string text)
    {
        string[] halves = text.Split("::");
        if (!text.Contains(':') || halves.Length > 2) return false;
        foreach (string half in halves)
        {
            if (half.Length == 0 && halves.Length == 2) continue;
            foreach (string group in half.Split(':'))
            {
                if (group.Length is 0 or > 4 || !group.All(char.IsAsciiHexDigit)) return false;
            }
        }

        return true;
    }

    // As inet_pton(3): decimal, no leading zeros, which other parsers would read as octal.
    private static bool IsStrictIPv4(string text) =>
        LooksLikeIPv4(text) && Array.TrueForAll(text.Split('.'), IsStrictGroup);

    private static bool IsStrictGroup(string group) =>
        byte.TryParse(group, out _) && (group.Length == 1 || group[0] != '0');

    private static bool IsDigits(ReadOnlySpan<char> text) => !text.IsEmpty && !text.ContainsAnyExceptInRange('0', '9');
}
