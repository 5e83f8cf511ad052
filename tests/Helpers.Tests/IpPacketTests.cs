using System.Buffers.Binary;
using TwinTrack.Conntrack;
using Xunit;

namespace TwinTrack.Helpers.Tests;

public sealed class IpPacketTests
{
    // IPv4 and TCP with an option, IPv4 and UDP, IPv6 with destination options before UDP; "hello" inside.
    public static TheoryData<string, int> Packets => new()
    {
        { "45000031000040004006000001020304050607080016270f00000001000000026018ffff0000000001010101" + "68656c6c6f", 44 },
        { "4500002100004000401100000102030405060708003500350" + "00d1234" + "68656c6c6f", 28 },
        {
            "600000000015" + "3c40" + "20010db8000000000000000000000001" + "20010db8000000000000000000000002"
            + "1100010400000000" + "00350035000d0001" + "68656c6c6f", 56
        },
    };

    [Theory, MemberData(nameof(Packets))]
    public void The_payload_is_found_and_changed(string hex, int payload)
    {
        byte[] bytes = Convert.FromHexString(hex);
        Assert.True(IpPacket.TryRead(bytes, out IpPacket packet));
        Assert.Equal(payload, packet.Payload);
        Assert.Equal("hello"u8, bytes.AsSpan(packet.Payload, packet.End - packet.Payload));

        var rewriting = new Rewriting();
        Assert.True(rewriting.TryReplace(4, 1, "o world"u8));
        Assert.True(rewriting.TryReplace(0, 1, "J"u8));
        Assert.False(rewriting.TryReplace(3, 2, "x"u8));
        byte[] changed = new byte[200];
        int length = packet.Rewrite(bytes, rewriting, changed);

        Assert.Equal(bytes.Length + 6, length);
        changed = changed[..length];
        Assert.True(IpPacket.TryRead(changed, out IpPacket again));
        Assert.Equal("Jello world"u8, changed.AsSpan(again.Payload, again.End - again.Payload));
        Assert.Equal(0xffffu, Sum(changed.AsSpan(again.Transport), Pseudo(changed, again)));
        if (again.Family == AddressFamily.IPv4) Assert.Equal(0xffffu, Sum(changed.AsSpan(0, 20), 0));
    }

    [Theory, MemberData(nameof(Packets))]
    public void Less_than_a_packet_is_none(string hex, int payload)
    {
        byte[] bytes = Convert.FromHexString(hex);
        for (int length = 0; length < bytes.Length; length++)
            Assert.False(IpPacket.TryRead(bytes.AsSpan(0, length), out _));
        Assert.True(payload < bytes.Length);
    }

    [Fact]
    public void A_fragment_is_not_read()
    {
        byte[] bytes = Convert.FromHexString("450000210000200040110000010203040506070800350035000d123468656c6c6f");
        Assert.False(IpPacket.TryRead(bytes, out _));
    }

    // Written for the test, from RFC 1071: the sum over everything, checksum included, is all ones.
    private static uint Sum(ReadOnlySpan<byte> bytes, uint sum)
    {
        for (int i = 0; i + 1 < bytes.Length; i += 2) sum += BinaryPrimitives.ReadUInt16BigEndian(bytes[i..]);
        if (bytes.Length % 2 != 0) sum += (uint)bytes[^1] << 8;
        while (sum >> 16 != 0) sum = (sum & 0xffff) + (sum >> 16);
        return sum;
    }

    private static uint Pseudo(ReadOnlySpan<byte> bytes, IpPacket packet)
    {
        ReadOnlySpan<byte> addresses = packet.Family == AddressFamily.IPv4 ? bytes[12..20] : bytes[8..40];
        return Sum(addresses, 0) + packet.Protocol + (uint)(bytes.Length - packet.Transport);
    }
}
