using System.Buffers.Binary;
using System.Runtime.InteropServices;
using TwinTrack.Conntrack;

namespace TwinTrack.Helpers;

/// <summary>
/// Sun RPC binding (RFC 1833): GETPORT of the portmapper, version 2, and GETADDR of rpcbind, versions 3 and 4.
/// </summary>
internal static class RpcHelper
{
    /// <summary>As long as the original's; see <see cref="OpenCalls"/>.</summary>
    public const int PrivateBytes = 16;

    private const uint Binder = 100_000;
    private const uint GetPort = 3; // RPCBPROC_GETADDR has the same number
    private const uint RpcVersion = 2;
    private const int MostCredentials = 400; // RFC 5531
    private const int LongestAnswer = 64;

    public static void InspectUdp(ref Inspection packet) => ReadMessage(ref packet, 0, packet.Payload);

    // RFC 5531, 11: records in fragments, each behind a word that tells its length and whether it is the last.
    public static void InspectTcp(ref Inspection packet)
    {
        if (!packet.IsEstablished) return;

        int at = 0;
        ReadOnlySpan<byte> payload = packet.Payload;
        while (payload.Length - at >= 4)
        {
            uint mark = BinaryPrimitives.ReadUInt32BigEndian(payload[at..]);
            uint length = mark & 0x7fff_ffff;
            if ((mark & 0x8000_0000) == 0 || length > payload.Length - at - 4) return;
            ReadMessage(ref packet, at + 4, payload.Slice(at + 4, (int)length));
            at += 4 + (int)length;
        }
    }

    private static void ReadMessage(ref Inspection packet, int offset, ReadOnlySpan<byte> message)
    {
        var words = new XdrReader(message);
        bool isRead = words.TryRead(out uint xid) & words.TryRead(out uint kind);
        if (!isRead || kind > 1) return;

        var asked = new OpenCalls(packet.Data);
        bool isCall = kind == 0;
        if (isCall == packet.IsReply) return;
        if (isCall) ReadCall(ref words, xid, asked);
        else ReadReply(ref packet, ref words, xid, asked, offset);
    }

    private static void ReadCall(ref XdrReader words, uint xid, OpenCalls asked)
    {
        bool isHeader = words.TryRead(out uint rpc) & words.TryRead(out uint program)
            & words.TryRead(out uint version) & words.TryRead(out uint procedure);
        if (!isHeader || rpc != RpcVersion || program != Binder || procedure != GetPort) return;
        if (!words.TrySkipCredentials(MostCredentials) || !words.TrySkipCredentials(MostCredentials)) return;
        if (!words.TryRead(out uint wanted) || !words.TryRead(out _)) return;

        uint protocol = 0;
        bool isForAddress = version is 3 or 4;
        if (version == 2)
        {
            if (!words.TryRead(out protocol) || !words.TryRead(out _) || !words.IsEmpty) return;
        }
        else if (isForAddress)
        {
            // rpcb: program, version, network id, address, owner
            if (!words.TryReadText(out ReadOnlySpan<byte> network)) return;
            protocol = ProtocolOf(network);
        }

        if (protocol is not (IpProtocol.Tcp or IpProtocol.Udp) || wanted == Binder) return;
        asked.Add(xid, (byte)protocol, isForAddress);
    }

    private static void ReadReply(
        ref Inspection packet, ref XdrReader words, uint xid, OpenCalls asked, int offset)
    {
        if (!asked.TryTake(xid, out byte protocol, out bool isForAddress)) return;

        bool isAccepted = words.TryRead(out uint state) && state == 0
            && words.TrySkipCredentials(MostCredentials) && words.TryRead(out uint result) && result == 0;
        int place = words.Position;
        if (!isAccepted) return;
        if (isForAddress) OpenAddress(ref packet, ref words, protocol, offset + place);
        else if (words.TryRead(out uint port) && words.IsEmpty && port is > 0 and <= ushort.MaxValue)
            OpenPort(ref packet, protocol, (ushort)port, offset + place);
    }

    private static ushort Open(ref Inspection packet, byte protocol, ushort port) =>
        packet.Expect(new Expected(protocol, packet.Other.Destination, port)
        {
            Source = packet.Other.Source,
            IsPermanent = true,
            IsTranslated = true,
        });

    private static void OpenPort(ref Inspection packet, byte protocol, ushort port, int place)
    {
        ushort outer = Open(ref packet, protocol, port);
        if (outer == 0 || outer == port) return;

        Span<byte> changed = stackalloc byte[4];
        BinaryPrimitives.WriteUInt32BigEndian(changed, outer);
        packet.Replace(place, 4, changed);
    }

    // A universal address (RFC 5665): h1.h2.h3.h4.p1.p2, or an IPv6 address and .p1.p2
    private static void OpenAddress(ref Inspection packet, ref XdrReader words, byte protocol, int place)
    {
        if (!words.TryReadText(out ReadOnlySpan<byte> text) || !words.IsEmpty || text.Length > LongestAnswer) return;
        if (!TryReadUniversal(text, packet.Family, out Address address, out ushort port)) return;
        if (address != packet.Own.Source && address != default)
        {
            packet.Refuse(HelperRefusal.Address);
            return;
        }

        ushort outer = Open(ref packet, protocol, port);
        Address outerAddress = packet.Other.Destination;
        if (outer == 0 || !packet.IsTranslated || (outer == port && address == outerAddress)) return;
        if (address == default) outerAddress = default;

        Span<byte> written = stackalloc byte[LongestAnswer];
        int length = ByteScanner.WriteAddress(outerAddress, packet.Family, written[4..]) + 4;
        written[length++] = (byte)'.';
        length += ByteScanner.WriteNumber((uint)outer >> 8, written[length..]);
        written[length++] = (byte)'.';
        length += ByteScanner.WriteNumber((uint)outer & 0xff, written[length..]);
        BinaryPrimitives.WriteUInt32BigEndian(written, (uint)length - 4);
        while (length % 4 != 0) written[length++] = 0;
        int before = 4 + ((text.Length + 3) & ~3);

        // Over TCP the record's own length in front of it changes as well.
        if (length != before && packet.Flow.Original.Protocol == IpProtocol.Tcp)
        {
            int record = words.Length;
            Span<byte> mark = stackalloc byte[4];
            BinaryPrimitives.WriteUInt32BigEndian(mark, 0x8000_0000 | (uint)(record + length - before));
            if (!packet.Replace(place - words.PositionOf(before) - 4, 4, mark)) return;
        }

        packet.Replace(place, before, written[..length]);
    }

    private static bool TryReadUniversal(ReadOnlySpan<byte> text, byte family, out Address address, out ushort port)
    {
        address = default;
        port = 0;
        int low = text.LastIndexOf((byte)'.');
        int high = low < 1 ? -1 : text[..low].LastIndexOf((byte)'.');
        if (high < 1) return false;

        var host = new ByteScanner(text[..high]);
        var upper = new ByteScanner(text[(high + 1)..low]);
        var lower = new ByteScanner(text[(low + 1)..]);
        if (!host.TryReadAddress(family, out address) || !host.Rest.IsEmpty) return false;
        if (!upper.TryReadNumber(3, out uint p1) || !upper.Rest.IsEmpty || p1 > 255) return false;
        if (!lower.TryReadNumber(3, out uint p2) || !lower.Rest.IsEmpty || p2 > 255) return false;

        port = (ushort)((p1 << 8) | p2);
        return port != 0;
    }

    private static uint ProtocolOf(ReadOnlySpan<byte> network) =>
        network.SequenceEqual("tcp"u8) || network.SequenceEqual("tcp6"u8) ? IpProtocol.Tcp
        : network.SequenceEqual("udp"u8) || network.SequenceEqual("udp6"u8) ? IpProtocol.Udp
        : 0u;

    /// <summary>
    /// The calls of a flow to be answered, three at most: u32 xid[3], a byte for each and one for all of them (host
    /// order). What the original keeps in the same place has no mark: u32 xid, program, version, protocol.
    /// </summary>
    private readonly ref struct OpenCalls(Span<byte> data)
    {
        private const int Most = 3;
        private const byte IsUdp = 1;
        private const byte IsTcp = 2;
        private const byte IsForAddress = 4;
        private const byte Mark = 0x80; // with the place of the next call

        private readonly Span<uint> _xids = MemoryMarshal.Cast<byte, uint>(data[..(Most * 4)]);
        private readonly Span<byte> _kinds = data[(Most * 4)..PrivateBytes];

        public void Add(uint xid, byte protocol, bool isForAddress)
        {
            if ((_kinds[Most] & Mark) == 0) Clear();
            int place = Find(xid);
            if (place < 0)
            {
                place = _kinds[Most] & ~Mark;
                _kinds[Most] = (byte)(Mark | ((place + 1) % Most));
            }

            _xids[place] = xid;
            _kinds[place] = (byte)((protocol == IpProtocol.Tcp ? IsTcp : IsUdp) | (isForAddress ? IsForAddress : 0));
        }

        public bool TryTake(uint xid, out byte protocol, out bool isForAddress)
        {
            protocol = 0;
            isForAddress = false;
            if ((_kinds[Most] & Mark) == 0)
            {
                bool isTheirs = _xids[0] != 0 && _xids[0] == xid;
                protocol = (byte)MemoryMarshal.Read<uint>(_kinds);
                if (isTheirs) Clear();
                return isTheirs;
            }

            int place = Find(xid);
            if (place < 0) return false;
            protocol = (_kinds[place] & IsTcp) != 0 ? IpProtocol.Tcp : IpProtocol.Udp;
            isForAddress = (_kinds[place] & IsForAddress) != 0;
            _kinds[place] = 0;
            return true;
        }

        private int Find(uint xid)
        {
            for (int place = 0; place < Most; place++)
            {
                if (_kinds[place] != 0 && _xids[place] == xid) return place;
            }

            return -1;
        }

        private void Clear()
        {
            _xids.Clear();
            _kinds.Clear();
            _kinds[Most] = Mark;
        }
    }

    /// <summary>Words and texts of XDR (RFC 4506).</summary>
    private ref struct XdrReader(ReadOnlySpan<byte> bytes)
    {
        private readonly ReadOnlySpan<byte> _bytes = bytes;

        public int Position { get; private set; }

        public readonly int Length => _bytes.Length;

        public readonly bool IsEmpty => Position == _bytes.Length;

        public bool TryRead(out uint word)
        {
            word = 0;
            if (_bytes.Length - Position < 4) return false;
            word = BinaryPrimitives.ReadUInt32BigEndian(_bytes[Position..]);
            Position += 4;
            return true;
        }

        public bool TryReadText(out ReadOnlySpan<byte> text)
        {
            text = default;
            if (!TryRead(out uint length) || length > _bytes.Length - Position) return false;
            text = _bytes.Slice(Position, (int)length);
            int padded = ((int)length + 3) & ~3;
            if (padded > _bytes.Length - Position) return false;
            Position += padded;
            return true;
        }

        // u32 flavour, bytes
        public bool TrySkipCredentials(int most) =>
            TryRead(out _) && TryReadText(out ReadOnlySpan<byte> body) && body.Length <= most;

        // Where in the message a thing of this size begins that was read last.
        public readonly int PositionOf(int size) => Position - size;
    }
}
