using TwinTrack.Conntrack;
using TwinTrack.Replication.Wire;
using Xunit;

namespace TwinTrack.Replication.Tests;

public sealed class ExpectationMessageTests
{
    /// <summary>The length field of each attribute; the last two are limits.</summary>
    private static readonly int[] Lengths =
        [12, 36, 5, 8, 12, 36, 5, 8, 12, 36, 5, 8, 8, 8, 8, 12, 8, 5, 8, 16, 32];

    private readonly byte[] _body = new byte[ExpectationMessage.MaxSize];
    private PackedExpectation _read;

    [Fact]
    public void Every_attribute_has_its_length_and_no_other()
    {
        byte[] whole = Whole();
        for (int number = 0; number < Lengths.Length; number++)
        {
            for (int length = 4; length <= 48; length++)
            {
                bool isExpected = number < 19 ? length == Lengths[number] : length <= Lengths[number];
                byte[] body = [.. whole, .. Attribute(number, length)];
                Assert.Equal(isExpected, ExpectationMessage.TryRead(body, ref _read));
            }
        }
    }

    [Theory]
    [InlineData(21)]
    [InlineData(32)]
    [InlineData(0xffff)]
    public void An_unknown_attribute_is_refused(int number) =>
        Assert.False(ExpectationMessage.TryRead([.. Whole(), .. Attribute(number, 8)], ref _read));

    [Fact]
    public void An_expectation_without_a_whole_tuple_mask_and_master_is_refused()
    {
        Assert.False(ExpectationMessage.TryRead([], ref _read));
        byte[] whole = Whole();
        Assert.True(ExpectationMessage.TryRead(whole, ref _read));
        var reader = new PeerAttributeReader(whole);
        while (reader.MoveNext())
        {
            bool isOptional = (ExpectationAttribute)reader.Number is ExpectationAttribute.MasterPorts
                or ExpectationAttribute.TuplePorts or >= ExpectationAttribute.MaskPorts;
            Assert.Equal(isOptional, ExpectationMessage.TryRead(Without(whole, reader.Number), ref _read));
        }
    }

    [Fact]
    public void Every_recorded_expectation_that_is_read_and_written_again_has_the_same_bytes()
    {
        int seen = 0;
        foreach (byte[] message in Pcap.Read("ftfw-expect-ftp").SelectMany(datagram => datagram.Messages()))
        {
            PeerMessageType type = PeerHeader.Read(message).Type;
            if (type is <= PeerMessageType.FlowDelete or PeerMessageType.Control) continue;
            byte[] body = message[PeerHeader.Size..];
            Assert.True(ExpectationMessage.TryRead(body, ref _read));
            int length = ExpectationMessage.Write(in _read, new SyncOptions(), _body);
            Assert.Equal(Convert.ToHexString(body), Convert.ToHexString(_body.AsSpan(0, length)));
            seen++;
        }

        Assert.Equal(8, seen);
    }

    [Theory]
    [InlineData(false, 0)]
    [InlineData(false, 9)]
    [InlineData(true, 0)]
    [InlineData(true, 65_535)]
    public void Everything_survives_writing_and_reading(bool isIPv6, int zone)
    {
        PackedExpectation expectation = Expected.Full(isIPv6, (ushort)zone);
        int length = ExpectationMessage.Write(in expectation, new SyncOptions(), _body);
        Assert.True(ExpectationMessage.TryRead(_body.AsSpan(0, length), ref _read));
        Assert.Equal(Expected.Describe(in expectation), Expected.Describe(in _read));
        Assert.Equal(0, length % 4);
    }

    // An original passes over four stray bytes, and of an attribute that comes twice it keeps the last.
    [Fact]
    public void What_the_original_has_no_attribute_for_is_where_its_receiver_does_not_look()
    {
        PackedExpectation expectation = Expected.Full(isIPv6: true, zone: 9);
        int length = ExpectationMessage.Write(in expectation, new SyncOptions(), _body);
        var reader = new PeerAttributeReader(_body.AsSpan(0, length));
        Address last = default;
        while (reader.MoveNext())
        {
            Assert.True(reader.Number <= (ushort)ExpectationAttribute.Function);
            if (reader.Number == (ushort)ExpectationAttribute.TupleIPv6) last = Address.Read(reader.Value[..16]);
        }

        Assert.Equal(expectation.Tuple.Source, last);
        Assert.Equal(4, reader.Rest.Length);
    }

    [Fact]
    public void Names_that_a_peer_would_refuse_are_left_out()
    {
        PackedExpectation expectation = Expected.Full(isIPv6: false, zone: 0);
        "twelve-chars"u8.CopyTo(expectation.Helper);
        "a-function-of-28-characters."u8.CopyTo(expectation.Function);
        int length = ExpectationMessage.Write(in expectation, new SyncOptions(), _body);
        Assert.True(ExpectationMessage.TryRead(_body.AsSpan(0, length), ref _read));
        Assert.False(_read.Has(ExpectationFields.Helper));
        Assert.False(_read.Has(ExpectationFields.Function));
    }

    private byte[] Whole()
    {
        PackedExpectation expectation = Expected.Ftp(1, 50_000);
        return _body[..ExpectationMessage.Write(in expectation, new SyncOptions(), _body)];
    }

    private static byte[] Without(ReadOnlySpan<byte> body, ushort number)
    {
        var rest = new List<byte>();
        var reader = new PeerAttributeReader(body);
        int at = 0;
        while (reader.MoveNext())
        {
            int length = body.Length - at - reader.Rest.Length;
            if (reader.Number != number) rest.AddRange(body.Slice(at, length));
            at += length;
        }

        return [.. rest];
    }

    // A second attribute follows, so that the first is more than four stray bytes.
    private static byte[] Attribute(int number, int length)
    {
        byte[] body = new byte[((length + 3) & ~3) + 8];
        body[1] = (byte)length;
        body[2] = (byte)(number >> 8);
        body[3] = (byte)number;
        body[^7] = 8;
        body[^5] = 12;
        return body;
    }
}
