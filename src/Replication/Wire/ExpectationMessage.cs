namespace TwinTrack.Replication.Wire;

/// <summary>Expectations as attributes of a peer's message; their numbers are a space of their own.</summary>
internal static class ExpectationMessage
{
    private const int HelperNumber = 19;
    private const int FunctionNumber = 20;
    private const int HelperLimit = 16;      // length field: at most 11 characters and a terminator are accepted
    private const int FunctionLimit = 32;    // length field: at most 27 characters and a terminator

    // The length field a receiver demands: four tuples of addresses (IPv4, IPv6), protocol and ports (the last one, of
    // NAT, has no IPv6), with timeout, flags and class before the last, and the direction of NAT behind it.
    private static ReadOnlySpan<byte> Lengths =>
        [12, 36, 5, 8, 12, 36, 5, 8, 12, 36, 5, 8, 8, 8, 8, 12, 8, 5, 8, HelperLimit, FunctionLimit];

    /// <summary>Whether every attribute is known and has a valid length.</summary>
    public static bool IsWellFormed(ReadOnlySpan<byte> body)
    {
        var reader = new PeerAttributeReader(body);
        while (reader.MoveNext())
        {
            if (reader.Number >= Lengths.Length) return false;
            int length = reader.Value.Length + 4;
            bool isVariable = reader.Number is HelperNumber or FunctionNumber;
            if (isVariable ? length > Lengths[reader.Number] : length != Lengths[reader.Number]) return false;
        }

        return !reader.IsMalformed;
    }
}
