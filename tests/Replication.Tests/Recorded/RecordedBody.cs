using System.Buffers.Binary;
using TwinTrack.Conntrack;
using TwinTrack.Replication.Wire;

namespace TwinTrack.Replication.Tests;

/// <summary>What we send instead of the body that the original sent, attribute by attribute.</summary>
/// <remarks>These are the differences that docs/deviations.md lists for what is sent, and no others.</remarks>
internal static class RecordedBody
{
    /// <summary>The expected body.</summary>
    /// <param name="body">The original's.</param>
    /// <param name="differs">Whether it differs from the original's.</param>
    /// <param name="isEnd">Whether the message tells the end of a flow: only what names it is sent.</param>
    public static byte[] AsOurs(ReadOnlySpan<byte> body, out bool differs, bool isEnd = false)
    {
        byte protocol = ProtocolOf(body);
        bool isIcmp = protocol is IpProtocol.Icmp or IpProtocol.IcmpV6;
        bool lacksPorts = protocol is IpProtocol.Gre or IpProtocol.UdpLite;
        var ours = new List<byte>();
        var reader = new PeerAttributeReader(body);
        while (reader.MoveNext())
        {
            var number = (FlowAttribute)reader.Number;
            if (isEnd && !IsOfName(number)) continue;

            // Identifier compared with type and code: a translation of ports that ICMP does not have.
            if (isIcmp && number is FlowAttribute.SourceNatPort or FlowAttribute.DestinationNatPort) continue;
            Append(ours, reader.Number, reader.Value);

            // Keys and ports are sent too; the flows that were made of the recording have zeros there.
            if (lacksPorts && number == FlowAttribute.Protocol) Append(ours, (ushort)FlowAttribute.Ports, new byte[4]);
        }

        differs = !body.SequenceEqual(ours.ToArray());
        return [.. ours];
    }

    private static bool IsOfName(FlowAttribute number) => number is FlowAttribute.IPv4 or FlowAttribute.IPv6
        or FlowAttribute.Protocol or FlowAttribute.Ports or FlowAttribute.IcmpType or FlowAttribute.IcmpCode
        or FlowAttribute.IcmpId or FlowAttribute.Zone;

    private static byte ProtocolOf(ReadOnlySpan<byte> body)
    {
        var reader = new PeerAttributeReader(body);
        while (reader.MoveNext())
        {
            if (reader.Number == (ushort)FlowAttribute.Protocol) return reader.Value[0];
        }

        return 0;
    }

    private static void Append(List<byte> body, ushort number, ReadOnlySpan<byte> value)
    {
        Span<byte> header = stackalloc byte[4];
        BinaryPrimitives.WriteUInt16BigEndian(header, (ushort)(4 + value.Length));
        BinaryPrimitives.WriteUInt16BigEndian(header[2..], number);
        body.AddRange(header);
        body.AddRange(value);
        while (body.Count % 4 != 0) body.Add(0);
    }
}
