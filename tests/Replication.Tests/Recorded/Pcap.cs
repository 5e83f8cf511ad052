using System.Buffers.Binary;
using TwinTrack.Tests;

namespace TwinTrack.Replication.Tests;

/// <summary>A UDP datagram of a recording.</summary>
/// <param name="Frame">Number of the frame in the file, from 1.</param>
/// <param name="Microseconds">Since the first frame of the file.</param>
/// <param name="Source">Bytes of the source address.</param>
/// <param name="Payload">What the datagram carries.</param>
internal sealed record RecordedDatagram(int Frame, long Microseconds, byte[] Source, byte[] Payload)
{
    /// <summary>Which node sent it, 1 or 2; 0 unless the reader knows.</summary>
    public int Node { get; init; }

    /// <summary>The messages, one after the other.</summary>
    public IEnumerable<byte[]> Messages()
    {
        for (int at = 0; at < Payload.Length;)
        {
            int length = BinaryPrimitives.ReadUInt16BigEndian(Payload.AsSpan(at + 2));
            yield return Payload[at..(at + length)];
            at += length;
        }
    }
}

/// <summary>
/// Reads recordings of tests/golden/sync: pcap, little-endian, microseconds, Ethernet, UDP over IPv4 or IPv6 without
/// extension headers.
/// </summary>
internal static class Pcap
{
    private const int FileHeader = 24;
    private const int RecordHeader = 16;
    private const int EthernetHeader = 14;
    private const byte Udp = 17;

    /// <summary>Names of the FT-FW recordings.</summary>
    public static IEnumerable<string> FtfwRecordings() =>
        GoldenFiles.Below("sync", "ftfw-*.pcap").Select(path => Path.GetFileNameWithoutExtension(path));

    public static List<RecordedDatagram> Read(string name)
    {
        ReadOnlySpan<byte> file = File.ReadAllBytes(Path.Combine(GoldenFiles.Root, "sync", name + ".pcap"));
        if (BinaryPrimitives.ReadUInt32LittleEndian(file) != 0xa1b2c3d4)
            throw new InvalidDataException(name + " is not a pcap file of microseconds");

        var datagrams = new List<RecordedDatagram>();
        long? first = null;
        int number = 0;
        for (ReadOnlySpan<byte> rest = file[FileHeader..]; !rest.IsEmpty;)
        {
            number++;
            long time = (BinaryPrimitives.ReadUInt32LittleEndian(rest) * 1_000_000L)
                + BinaryPrimitives.ReadUInt32LittleEndian(rest[4..]);
            int length = BinaryPrimitives.ReadInt32LittleEndian(rest[8..]);
            first ??= time;
            if (Parse(rest.Slice(RecordHeader, length)) is var (source, payload))
                datagrams.Add(new RecordedDatagram(number, time - first.Value, source, payload));
            rest = rest[(RecordHeader + length)..];
        }

        return datagrams;
    }

    private static (byte[] Source, byte[] Payload)? Parse(ReadOnlySpan<byte> frame)
    {
        ReadOnlySpan<byte> packet = frame[EthernetHeader..];
        bool isIPv4 = BinaryPrimitives.ReadUInt16BigEndian(frame[12..]) == 0x0800;
        byte protocol = isIPv4 ? packet[9] : packet[6];
        if (protocol != Udp) return null;

        ReadOnlySpan<byte> source = isIPv4 ? packet.Slice(12, 4) : packet.Slice(8, 16);
        ReadOnlySpan<byte> udp = packet[(isIPv4 ? (packet[0] & 15) * 4 : 40)..];
        int length = BinaryPrimitives.ReadUInt16BigEndian(udp[4..]);
        return (source.ToArray(), udp[8..length].ToArray());
    }
}
