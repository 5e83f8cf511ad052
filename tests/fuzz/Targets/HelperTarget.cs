using System.Buffers.Binary;
using System.Text;
using TwinTrack.Conntrack;
using TwinTrack.Helpers;

namespace TwinTrack.Fuzz.Targets;

/// <summary>A helper and the packets of one control flow: it opens only what it may, and changes only what it may.</summary>
/// <remarks>
/// The first byte chooses the flow: translated source (1), translated destination (2), IPv6 (4), ports in use (8). Then
/// packets: a byte with the direction (1: reply) and whether the flow is new (2), u16 length, payload.
/// </remarks>
internal sealed class HelperTarget(Helper helper) : Target
{
    private const int MostPackets = 16;

    public override string Name =>
        $"helper-{helper.Name}-{(helper.Protocol == IpProtocol.Tcp ? "tcp" : "udp")}";

    public override IReadOnlyList<byte[]> Words { get; } =
    [
        .. "198.51.100.2 192.0.2.2 198.51.100.1 192.0.2.1 2001:db8:1::2 2001:db8:2::2 , | ( ) \r\n 65535 1024 0 : [ ] < >"
            .Split(' ').Select(Encoding.ASCII.GetBytes),
    ];

    public override IEnumerable<byte[]> Seeds()
    {
        foreach (byte variant in (byte[])[0, 1, 2, 4, 5, 8, 9, 10])
        {
            int number = 0;
            foreach (string[] conversation in HelperConversations.Of(helper.Name))
            {
                List<byte> input = [variant];
                foreach (string packet in conversation)
                {
                    byte[] payload = HelperConversations.Payload(packet[1..], isIPv6: (variant & 4) != 0);
                    input.Add((byte)(packet[0] == '<' ? 1 : packet[0] == '*' ? 2 : 0));
                    input.Add((byte)(payload.Length >> 8));
                    input.Add((byte)payload.Length);
                    input.AddRange(payload);
                }

                number++;
                yield return [.. input];
            }
        }
    }

    public override ulong Run(ReadOnlySpan<byte> input)
    {
        if (input.IsEmpty) return 0;

        var signature = new Signature();
        byte variant = input[0];
        PackedFlow flow = MakeFlow(variant);
        var stats = new HelperStats();
        int asked = 0;
        var work = new HelperWork(helper, helper.LeastPort, stats, (in PackedExpectation expectation) =>
        {
            Check(in expectation);
            return (variant & 8) != 0 && ++asked % 3 != 0 ? ExpectResult.Taken : ExpectResult.Made;
        });
        Span<byte> data = stackalloc byte[64];
        data.Clear();
        uint client = 1000;
        uint server = 2000;
        input = input[1..];
        for (int i = 0; i < MostPackets && input.Length >= 3; i++)
        {
            byte kind = input[0];
            int length = Math.Min(BinaryPrimitives.ReadUInt16BigEndian(input[1..]), input.Length - 3);
            ReadOnlySpan<byte> payload = input.Slice(3, length);
            input = input[(3 + length)..];
            if (payload.IsEmpty) continue;

            bool isReply = (kind & 1) != 0;
            ref uint sequence = ref isReply ? ref server : ref client;
            Show(work, in flow, payload, data, sequence, isReply, isNew: (kind & 2) != 0, ref signature);
            sequence += (uint)length;
        }

        signature.AddCount(stats.Expected);
        foreach (HelperRefusal reason in Enum.GetValues<HelperRefusal>()) signature.AddCount(stats[reason]);
        return signature.Value;
    }

    private static void Show(
        HelperWork work, in PackedFlow flow, ReadOnlySpan<byte> payload, Span<byte> data, uint sequence, bool isReply,
        bool isNew, ref Signature signature)
    {
        var packet = new Inspection(work, in flow)
        {
            Payload = payload,
            Data = data,
            Sequence = sequence,
            State = isReply ? PacketFlowState.EstablishedReply : isNew ? PacketFlowState.New : PacketFlowState.Established,
            HeaderDestination = isReply ? flow.Reply.Destination : flow.Original.Destination,
        };
        work.Helper.Inspect(ref packet);
        if (!packet.IsTranslated && packet.Rewriting.Count > 0) throw new FuzzFailure("changed without translation");

        Span<byte> changed = new byte[payload.Length + packet.Rewriting.Growth];
        packet.Rewriting.Write(payload, changed);
        if (packet.Rewriting.Count == 0 && !changed.SequenceEqual(payload)) throw new FuzzFailure("changed unasked");
        signature.AddCount((ulong)packet.Rewriting.Count);
        signature.AddCount((ulong)packet.Made);
        signature.Add(packet.Timeout);
    }

    // What may be opened: a port that is high enough, of one of the two ends as the other knows it.
    private void Check(in PackedExpectation expectation)
    {
        FlowTuple tuple = expectation.Tuple;
        if (tuple.DestinationPort < helper.LeastPort) throw new FuzzFailure("a low port was opened");
        if (!Guard.MayOpen(tuple.Destination, tuple.Family)) throw new FuzzFailure("no host was opened");
        if (tuple.Protocol is not (IpProtocol.Tcp or IpProtocol.Udp)) throw new FuzzFailure("a strange protocol was opened");
        bool isEnd = false;
        for (byte variant = 0; variant < 8; variant++)
        {
            PackedFlow flow = MakeFlow(variant);
            isEnd |= tuple.Destination == flow.Reply.Destination || tuple.Destination == flow.Original.Destination
                || tuple.Destination == flow.Original.Source;
        }

        if (!isEnd) throw new FuzzFailure("a third party was opened");
    }

    private PackedFlow MakeFlow(byte variant)
    {
        bool isIPv6 = (variant & 4) != 0;
        bool isGroup = helper.Name is "mdns" or "slp" or "ssdp" or "dhcpv6";
        string client = isIPv6 ? "2001:db8:1::2" : "198.51.100.2";
        string server = isGroup ? isIPv6 ? "ff02::fb" : "239.255.255.250" : isIPv6 ? "2001:db8:2::2" : "192.0.2.2";
        bool hidesClient = (variant & 1) != 0;
        bool hidesServer = (variant & 2) != 0;
        string outside = hidesClient ? isIPv6 ? "2001:db8:2::1" : "192.0.2.1" : client;
        string front = hidesServer ? isIPv6 ? "2001:db8:1::1" : "198.51.100.1" : server;
        PackedFlow flow = default;
        flow.Fields = FlowFields.Original | FlowFields.Reply | FlowFields.Status | FlowFields.Id;
        flow.Original = FlowTuple.Of(helper.Protocol, client, 40_000, front, 5060);
        flow.Reply = FlowTuple.Of(helper.Protocol, server, 5060, outside, (ushort)(hidesClient ? 40_001 : 40_000));
        flow.Status = FlowStatus.Confirmed | (hidesClient ? FlowStatus.SourceNat : FlowStatus.None)
            | (hidesServer ? FlowStatus.DestinationNat : FlowStatus.None);
        return flow;
    }
}
