using System.Buffers.Binary;

namespace TwinTrack.Conntrack.Tests;

/// <summary>
/// A message as text in which the order of attributes does not show. Sequence and port id are left out.
/// </summary>
internal static class AttributeTree
{
    private const int Nested = 0x8000; // NLA_F_NESTED

    public static string Of(ReadOnlySpan<byte> message)
    {
        int length = (int)BinaryPrimitives.ReadUInt32LittleEndian(message);
        return $"type {Convert.ToHexString(message[4..6])} flags {Convert.ToHexString(message[6..8])} "
            + $"generic {Convert.ToHexString(message[16..20])}: {Attributes(message[20..length], depth: 0)}";
    }

    private static string Attributes(ReadOnlySpan<byte> bytes, int depth)
    {
        List<string> all = [];
        while (!bytes.IsEmpty)
        {
            int length = BinaryPrimitives.ReadUInt16LittleEndian(bytes);
            int type = BinaryPrimitives.ReadUInt16LittleEndian(bytes[2..]);
            ReadOnlySpan<byte> value = bytes[4..length];
            bool isLabels = depth == 0 && type is 22 or 23; // the kernel fills up what is missing with zeros
            if (isLabels) value = value.TrimEnd((byte)0);
            all.Add((type & Nested) != 0
                ? $"{type & 0x3fff}[{Attributes(value, depth + 1)}]"
                : $"{type}={Convert.ToHexString(value)}");
            bytes = bytes[Math.Min((length + 3) & ~3, bytes.Length)..];
        }

        all.Sort(StringComparer.Ordinal);
        return string.Join(' ', all);
    }
}
