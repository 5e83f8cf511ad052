using TwinTrack.Conntrack;

namespace TwinTrack.Bench.Micro;

/// <summary>Established TCP flows by number.</summary>
internal static class MadeUpFlows
{
    public static PackedFlow Tcp(int number, TcpState state = TcpState.Established)
    {
        PackedFlow flow = default;
        flow.Fields = FlowFields.Original | FlowFields.Reply | FlowFields.Status | FlowFields.Timeout
            | FlowFields.TcpState;
        flow.Status = FlowStatus.SeenReply | FlowStatus.Assured | FlowStatus.Confirmed;
        flow.Timeout = 3600;
        flow.TcpState = (byte)state;
        flow.Original.Family = AddressFamily.IPv4;
        flow.Original.Protocol = IpProtocol.Tcp;
        flow.Original.Parts = TupleParts.Addresses | TupleParts.Protocol | TupleParts.Ports;
        flow.Original.Source = Address.Read([10, (byte)(number >> 21), (byte)(number >> 13), (byte)(number >> 5)]);
        flow.Original.SourcePort = (ushort)(1024 + (number & 31));
        flow.Original.Destination = Address.Read([192, 0, 2, 10]);
        flow.Original.DestinationPort = 80;
        flow.Reply = flow.Original;
        (flow.Reply.Source, flow.Reply.Destination) = (flow.Original.Destination, flow.Original.Source);
        (flow.Reply.SourcePort, flow.Reply.DestinationPort) = (80, flow.Original.SourcePort);
        return flow;
    }

    /// <summary>The numbers from 0 to <paramref name="count"/> - 1 in an order that no cache line follows.</summary>
    public static int[] Shuffled(int count)
    {
        int[] numbers = [.. Enumerable.Range(0, count)];
        new Random(1).Shuffle(numbers);
        return numbers;
    }
}
