using System.Globalization;
using System.Text;
using System.Xml.Linq;

namespace TwinTrack.Conntrack.Tests;

/// <summary>Reads lines of the tools back, so that each recorded line can be compared with what we write.</summary>
internal static class FlowReading
{
    /// <summary>A line of conntrack(8) or conntrackd(8), without conntrackd's times at its end.</summary>
    public static PackedFlow FromLine(string line)
    {
        string[] words = line.Split(' ', StringSplitOptions.RemoveEmptyEntries);
        PackedFlow flow = default;
        byte protocol = byte.Parse(words[1], CultureInfo.InvariantCulture);
        int sources = 0;
        int counters = 0;
        FlowStatus status = FlowStatus.SeenReply;
        foreach (string word in words.Skip(2))
        {
            int equals = word.IndexOf('=', StringComparison.Ordinal);
            string value = equals < 0 ? "" : word[(equals + 1)..];
            if (equals < 0)
            {
                status = ReadWord(ref flow, word, protocol, status);
                continue;
            }

            string name = word[..equals];
            if (string.Equals(name, "src", StringComparison.Ordinal)) sources++;
            if (string.Equals(name, "packets", StringComparison.Ordinal)) counters++;
            if (TryReadTuple(ref sources == 1 ? ref flow.Original : ref flow.Reply, protocol, name, value)) continue;
            if (TryReadCounter(ref flow, counters, name, value)) continue;
            ReadField(ref flow, name, value);
        }

        flow.Fields |= FlowFields.Status | FlowFields.Original | (sources > 1 ? FlowFields.Reply : FlowFields.None);
        flow.Status = status;
        return flow;
    }

    /// <summary>An element of conntrackd -x.</summary>
    public static PackedFlow FromXml(string line)
    {
        XElement element = XElement.Parse(line);
        PackedFlow flow = default;
        FlowStatus status = FlowStatus.SeenReply;
        foreach (XElement meta in element.Elements("meta"))
        {
            string direction = meta.Attribute("direction")!.Value;
            if (string.Equals(direction, "original", StringComparison.Ordinal)) ReadXmlTuple(ref flow.Original, meta);
            else if (string.Equals(direction, "reply", StringComparison.Ordinal)) ReadXmlTuple(ref flow.Reply, meta);
            else status = ReadIndependent(ref flow, meta);
        }

        if (element.Element("helper") is { } helper) ReadField(ref flow, "helper", helper.Value);
        flow.Fields |= FlowFields.Status | FlowFields.Original;
        if (flow.Reply.Parts != TupleParts.None) flow.Fields |= FlowFields.Reply;
        flow.Status = status;
        return flow;
    }

    private static FlowStatus ReadWord(ref PackedFlow flow, string word, byte protocol, FlowStatus status)
    {
        if (string.Equals(word, "[UNREPLIED]", StringComparison.Ordinal)) return status & ~FlowStatus.SeenReply;
        if (string.Equals(word, "[ASSURED]", StringComparison.Ordinal)) return status | FlowStatus.Assured;
        if (char.IsAsciiDigit(word[0]))
        {
            flow.Timeout = uint.Parse(word, CultureInfo.InvariantCulture);
            flow.Fields |= FlowFields.Timeout;
            return status;
        }

        ReadState(ref flow, word, protocol);
        return status;
    }

    private static void ReadState(ref PackedFlow flow, string word, byte protocol)
    {
        Assert(protocol == IpProtocol.Tcp, "only TCP flows of the recordings have states");
        string[] names =
        [
            "NONE", "SYN_SENT", "SYN_RECV", "ESTABLISHED", "FIN_WAIT", "CLOSE_WAIT", "LAST_ACK", "TIME_WAIT", "CLOSE",
        ];
        int state = Array.IndexOf(names, word);
        Assert(state >= 0, word);
        flow.TcpState = (byte)state;
        flow.Fields |= FlowFields.TcpState;
    }

    private static bool TryReadTuple(ref FlowTuple tuple, byte protocol, string name, string value)
    {
        switch (name)
        {
            case "src":
                Assert(Address.TryParse(value, out tuple.Source, out tuple.Family), value);
                tuple.Protocol = protocol;
                tuple.Parts |= TupleParts.Source | TupleParts.Protocol;
                return true;
            case "dst":
                Assert(Address.TryParse(value, out tuple.Destination, out tuple.Family), value);
                tuple.Parts |= TupleParts.Destination;
                return true;
            case "sport" or "srckey":
                tuple.SourcePort = (ushort)Number(value);
                tuple.Parts |= TupleParts.SourcePort;
                return true;
            case "dport" or "dstkey":
                tuple.DestinationPort = (ushort)Number(value);
                tuple.Parts |= TupleParts.DestinationPort;
                return true;
            case "type":
                tuple.IcmpType = (byte)Number(value);
                return true;
            case "code":
                tuple.IcmpCode = (byte)Number(value);
                tuple.Parts |= TupleParts.IcmpTypeCode;
                return true;
            case "id" when protocol is IpProtocol.Icmp or IpProtocol.IcmpV6:
                tuple.IcmpId = (ushort)Number(value);
                tuple.Parts |= TupleParts.IcmpId;
                return true;
            default:
                return false;
        }
    }

    private static bool TryReadCounter(ref PackedFlow flow, int direction, string name, string value)
    {
        ref FlowCounters counters = ref direction == 1 ? ref flow.CountersOriginal : ref flow.CountersReply;
        if (string.Equals(name, "packets", StringComparison.Ordinal)) counters.Packets = Number(value);
        else if (string.Equals(name, "bytes", StringComparison.Ordinal)) counters.Bytes = Number(value);
        else return false;
        flow.Fields |= direction == 1 ? FlowFields.CountersOriginal : FlowFields.CountersReply;
        return true;
    }

    private static void ReadField(ref PackedFlow flow, string name, string value)
    {
        switch (name)
        {
            case "mark": (flow.Mark, flow.Fields) = ((uint)Number(value), flow.Fields | FlowFields.Mark); break;
            case "zone": (flow.Zone, flow.Fields) = ((ushort)Number(value), flow.Fields | FlowFields.Zone); break;
            case "use": (flow.Use, flow.Fields) = ((uint)Number(value), flow.Fields | FlowFields.Use); break;
            case "id": (flow.Id, flow.Fields) = ((uint)Number(value), flow.Fields | FlowFields.Id); break;
            case "helper":
                Encoding.UTF8.GetBytes(value, flow.Helper);
                flow.Fields |= FlowFields.Helper;
                break;
            case "delta-time":
                flow.TimestampStart = 1;
                flow.TimestampStop = 1 + (Number(value) * 1_000_000_000);
                flow.Fields |= FlowFields.TimestampStart | FlowFields.TimestampStop;
                break;
            default: Assert(false, name); break;
        }
    }

    private static void ReadXmlTuple(ref FlowTuple tuple, XElement meta)
    {
        byte protocol = byte.Parse(
            meta.Element("layer4")!.Attribute("protonum")!.Value, CultureInfo.InvariantCulture);
        IEnumerable<XElement> items = meta.Element("layer3")!.Elements().Concat(meta.Element("layer4")!.Elements());
        foreach (XElement item in items.Where(item => item.Value.Length > 0))
        {
            Assert(TryReadTuple(ref tuple, protocol, item.Name.LocalName, item.Value), item.Name.LocalName);
        }
    }

    private static FlowStatus ReadIndependent(ref PackedFlow flow, XElement meta)
    {
        FlowStatus status = FlowStatus.SeenReply;
        foreach (XElement item in meta.Elements())
        {
            switch (item.Name.LocalName)
            {
                case "state": ReadState(ref flow, item.Value, IpProtocol.Tcp); break;
                case "assured": status |= FlowStatus.Assured; break;
                case "unreplied": status &= ~FlowStatus.SeenReply; break;
                default: ReadField(ref flow, item.Name.LocalName, item.Value); break;
            }
        }

        return status;
    }

    private static ulong Number(string text) => text.StartsWith("0x", StringComparison.Ordinal)
        ? ulong.Parse(text.AsSpan(2), NumberStyles.HexNumber, CultureInfo.InvariantCulture)
        : ulong.Parse(text, CultureInfo.InvariantCulture);

    private static void Assert(bool condition, string message)
    {
        if (!condition) throw new FormatException("The test cannot read: " + message);
    }
}
