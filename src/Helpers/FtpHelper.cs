using System.Runtime.InteropServices;
using TwinTrack.Conntrack;

namespace TwinTrack.Helpers;

/// <summary>FTP (RFC 959, RFC 2428): the data connections of PORT, EPRT, PASV and EPSV.</summary>
internal static class FtpHelper
{
    /// <summary>Bytes of <see cref="LineStarts"/>; part of the interface to registrations others made.</summary>
    public const int PrivateBytes = LineStarts.Size;

    private const int LongestEndpoint = 64;

    public static void Inspect(ref Inspection packet)
    {
        if (!packet.IsEstablished) return;

        var starts = new LineStarts(packet.Data);
        ReadOnlySpan<byte> payload = packet.Payload;
        uint next = packet.Sequence + (uint)payload.Length;
        bool isReply = packet.IsReply;
        bool isStart = starts.Has(isReply, packet.Sequence) || starts.Count(isReply) == 0;
        ReadOnlySpan<byte> tail = packet.Tails.Find(packet.Flow.Id, isReply, packet.Sequence);
        int at = 0;
        if (tail.IsEmpty && !isStart)
        {
            // Somewhere inside a line whose beginning is unknown: the next line is the first that can be read.
            at = payload.IndexOf((byte)'\n') + 1;
            if (at == 0) return;
        }

        while (at < payload.Length)
        {
            int end = payload[at..].IndexOf((byte)'\n');
            if (end < 0) break;
            ReadLine(ref packet, starts, at, at == 0 ? tail : default, payload.Slice(at, end + 1));
            at += end + 1;
        }

        if (at < payload.Length)
        {
            packet.Tails.Keep(packet.Flow.Id, isReply, next, at == 0 ? tail : default, payload[at..]);
            return;
        }

        packet.Tails.Drop(packet.Flow.Id, isReply);
        starts.Add(isReply, next);
    }

    private static void ReadLine(
        ref Inspection packet, LineStarts starts, int offset, ReadOnlySpan<byte> before, ReadOnlySpan<byte> bytes)
    {
        Span<byte> whole = stackalloc byte[StreamTails.LongestLine * 2];
        scoped ReadOnlySpan<byte> line = bytes;
        if (!before.IsEmpty)
        {
            if (before.Length + bytes.Length > whole.Length) return;
            before.CopyTo(whole);
            bytes.CopyTo(whole[before.Length..]);
            line = whole[..(before.Length + bytes.Length)];
        }

        if (!(packet.IsReply ? ReadAnswer(starts, line, out Endpoint found)
            : ReadCommand(packet.Family, starts, line, out found)))
        {
            return;
        }

        if (found.Address is { } announced && announced != packet.Own.Source)
        {
            packet.Refuse(HelperRefusal.Address); // somebody else: the bounce attack
            return;
        }

        Open(ref packet, in found, offset - before.Length);
    }

    // What the line announced is opened, and under translation told to the other side as it sees it.
    private static void Open(ref Inspection packet, in Endpoint found, int lineOffset)
    {
        if (packet.IsTranslated && lineOffset + found.Start < 0)
        {
            packet.Refuse(HelperRefusal.Split);
            return;
        }

        Address outer = packet.Other.Destination;
        ushort port = packet.Expect(new Expected(IpProtocol.Tcp, outer, found.Port)
        {
            Source = packet.Other.Source,
            IsReply = !packet.IsReply,
            IsTranslated = true,
        });
        if (port == 0 || !packet.IsTranslated) return;
        if (port == found.Port && (found.Address is null || found.Address == outer)) return;

        Span<byte> text = stackalloc byte[LongestEndpoint];
        int length = Write(in found, packet.Family, outer, port, text);
        packet.Replace(lineOffset + found.Start, found.Length, text[..length]);
    }

    private static bool ReadCommand(byte family, LineStarts starts, ReadOnlySpan<byte> line, out Endpoint found)
    {
        found = default;
        var scanner = new ByteScanner(line);
        bool asksPassive = ByteScanner.StartsWithAnyCase(line, "PASV"u8)
            || (ByteScanner.StartsWithAnyCase(line, "EPSV"u8) && !ByteScanner.StartsWithAnyCase(line, "EPSV ALL"u8));
        starts.OnCommand(asksPassive);

        // Nobody commands before the server greeted.
        if (starts.Count(isReply: true) == 0) return false;
        if (scanner.TakeAnyCase("PORT "u8))
        {
            scanner.SkipBlanks();
            return family == AddressFamily.IPv4 && TryReadNumbers(ref scanner, out found) && IsEnd(ref scanner);
        }

        if (!scanner.TakeAnyCase("EPRT "u8)) return false;
        scanner.SkipBlanks();
        return TryReadExtended(ref scanner, family, out found) && IsEnd(ref scanner);
    }

    private static bool ReadAnswer(LineStarts starts, ReadOnlySpan<byte> line, out Endpoint found)
    {
        found = default;
        var scanner = new ByteScanner(line);
        bool isPassive = scanner.Take("227 "u8);
        if (!isPassive && !scanner.Take("229 "u8)) return false;
        if (!starts.IsPassiveAsked) return false;

        starts.OnPassiveAnswer();
        return isPassive ? FindNumbers(ref scanner, out found) : FindPort(ref scanner, out found);
    }

    // Servers put the six numbers in parentheses, or not.
    private static bool FindNumbers(ref ByteScanner scanner, out Endpoint found)
    {
        found = default;
        while (true)
        {
            int digit = scanner.Rest.IndexOfAnyInRange((byte)'0', (byte)'9');
            if (digit < 0) return false;
            scanner.Position += digit;
            if (TryReadNumbers(ref scanner, out found)) return true;

            int behind = scanner.Rest.IndexOfAnyExceptInRange((byte)'0', (byte)'9');
            if (behind < 0) return false;
            scanner.Position += behind;
        }
    }

    // h1,h2,h3,h4,p1,p2
    private static bool TryReadNumbers(ref ByteScanner scanner, out Endpoint found)
    {
        found = default;
        int start = scanner.Position;
        Span<byte> numbers = stackalloc byte[6];
        for (int i = 0; i < numbers.Length; i++)
        {
            bool isRead = (i == 0 || scanner.Take(","u8)) & scanner.TryReadNumber(3, out uint number);
            if (!isRead || number > byte.MaxValue)
            {
                scanner.Position = start;
                return false;
            }

            numbers[i] = (byte)number;
        }

        found = new Endpoint
        {
            Form = EndpointForm.Numbers,
            Address = Address.Read(numbers[..4]),
            Port = (ushort)((numbers[4] << 8) | numbers[5]),
            Start = start,
            Length = scanner.Position - start,
        };
        return true;
    }

    // d 1|2 d address d port d
    private static bool TryReadExtended(ref ByteScanner scanner, byte family, out Endpoint found)
    {
        found = default;
        int start = scanner.Position;
        if (!TryReadDelimiter(scanner.Rest, out byte delimiter)) return false;

        scanner.Position++;
        ReadOnlySpan<byte> separator = [delimiter];
        if (!scanner.Take(family == AddressFamily.IPv4 ? "1"u8 : "2"u8) || !scanner.Take(separator)) return false;
        if (!scanner.TryReadAddress(family, out Address address) || !scanner.Take(separator)) return false;
        if (!scanner.TryReadPort(out ushort port) || !scanner.Take(separator)) return false;

        found = new Endpoint
        {
            Form = EndpointForm.Extended,
            Delimiter = delimiter,
            Address = address,
            Port = port,
            Start = start,
            Length = scanner.Position - start,
        };
        return true;
    }

    // (ddd port d)
    private static bool FindPort(ref ByteScanner scanner, out Endpoint found)
    {
        found = default;
        if (!scanner.SkipBehind("("u8) || !TryReadDelimiter(scanner.Rest, out byte delimiter)) return false;

        int start = scanner.Position;
        if (!scanner.Take([delimiter, delimiter, delimiter])) return false;
        if (!scanner.TryReadPort(out ushort port) || !scanner.Take([delimiter])) return false;

        found = new Endpoint
        {
            Form = EndpointForm.PortOnly,
            Delimiter = delimiter,
            Port = port,
            Start = start,
            Length = scanner.Position - start,
        };
        return true;
    }

    // RFC 2428: a printable character; a digit could not be told from the numbers.
    private static bool TryReadDelimiter(ReadOnlySpan<byte> text, out byte delimiter)
    {
        delimiter = text.IsEmpty ? (byte)0 : text[0];
        return delimiter is > 32 and < 127 && !char.IsAsciiDigit((char)delimiter);
    }

    private static bool IsEnd(ref ByteScanner scanner)
    {
        scanner.SkipBlanks();
        return scanner.Rest is [(byte)'\r' or (byte)'\n', ..];
    }

    private static int Write(in Endpoint found, byte family, Address address, ushort port, Span<byte> text)
    {
        int length = 0;
        if (found.Form == EndpointForm.Numbers)
        {
            Span<byte> bytes = stackalloc byte[6];
            address.Write(bytes, AddressFamily.IPv4);
            bytes[4] = (byte)(port >> 8);
            bytes[5] = (byte)port;
            foreach (byte number in bytes)
            {
                if (length > 0) text[length++] = (byte)',';
                length += ByteScanner.WriteNumber(number, text[length..]);
            }

            return length;
        }

        text[length++] = found.Delimiter;
        if (found.Form == EndpointForm.Extended) text[length++] = family == AddressFamily.IPv4 ? (byte)'1' : (byte)'2';
        text[length++] = found.Delimiter;
        if (found.Form == EndpointForm.Extended)
            length += ByteScanner.WriteAddress(address, family, text[length..]);
        text[length++] = found.Delimiter;
        length += ByteScanner.WriteNumber(port, text[length..]);
        text[length++] = found.Delimiter;
        return length;
    }

    private enum EndpointForm
    {
        Numbers,
        Extended,
        PortOnly,
    }

    // What a line announced, and where in the line.
    private readonly record struct Endpoint
    {
        public EndpointForm Form { get; init; }

        public byte Delimiter { get; init; }

        public Address? Address { get; init; }

        public ushort Port { get; init; }

        public int Start { get; init; }

        public int Length { get; init; }
    }

    /// <summary>
    /// The private data: where lines began lately in each direction, as the original lays it out (host order):
    /// u32 position[2][2], i32 count[2]; the second byte of the first count is ours.
    /// </summary>
    private readonly ref struct LineStarts
    {
        public const int Size = 24;

        private const int Asked = 0x100;    // PASV or EPSV was seen
        private const int Answered = 0x200; // and its answer

        private readonly Span<uint> _positions;
        private readonly Span<int> _counts;

        public LineStarts(Span<byte> data)
        {
            _positions = MemoryMarshal.Cast<byte, uint>(data[..16]);
            _counts = MemoryMarshal.Cast<byte, int>(data[16..Size]);
        }

        public bool IsPassiveAsked => (_counts[0] & Asked) != 0;

        public int Count(bool isReply) => Math.Clamp(_counts[isReply ? 1 : 0] & 0xff, 0, 2);

        public bool Has(bool isReply, uint sequence)
        {
            Span<uint> positions = _positions.Slice(isReply ? 2 : 0, Count(isReply));
            return positions.Contains(sequence);
        }

        public void Add(bool isReply, uint sequence)
        {
            if (Has(isReply, sequence)) return;

            int count = Count(isReply);
            Span<uint> positions = _positions.Slice(isReply ? 2 : 0, 2);
            if (count < 2)
            {
                positions[count] = sequence;
                ref int stored = ref _counts[isReply ? 1 : 0];
                stored = (stored & ~0xff) | (count + 1);
                return;
            }

            // A repeated packet is no newer than what is known.
            int older = (int)(positions[0] - positions[1]) < 0 ? 0 : 1;
            if ((int)(sequence - positions[older]) > 0) positions[older] = sequence;
        }

        // Commands may be sent ahead: what was asked stays asked until the command after the answer.
        public void OnCommand(bool asksPassive)
        {
            if (asksPassive) _counts[0] = (_counts[0] | Asked) & ~Answered;
            else if ((_counts[0] & Answered) != 0) _counts[0] &= ~(Asked | Answered);
        }

        public void OnPassiveAnswer() => _counts[0] |= Answered;
    }
}
