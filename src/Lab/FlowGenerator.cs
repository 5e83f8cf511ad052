using TwinTrack.Conntrack;
using TwinTrack.Conntrack.Kernel;

namespace TwinTrack.Lab;

/// <summary>Puts made-up flows into the kernel's table of a namespace, as fast as the kernel takes them.</summary>
/// <remarks>
/// The kernel announces them like any other new flow. Flow n is an established TCP connection from 10.S.x.y, port p,
/// to 10.77.2.10, port 80: n = ((S * 256 + x) * 256 + y) * 32 + (p - 1024), with S counted from 100, so that they
/// differ as real ones do and never collide with the lab's own.
/// </remarks>
public static class FlowGenerator
{
    /// <summary>Flows it can tell apart.</summary>
    public const int MaxFlows = PortsPerAddress * 65536 * 100;

    private const int PortsPerAddress = 32;
    private const uint TimeoutSeconds = 3600;

    /// <summary>Creates flows.</summary>
    /// <param name="home">The namespace.</param>
    /// <param name="count">How many.</param>
    /// <param name="first">Number of the first one.</param>
    /// <exception cref="LabException">The kernel refused some: the table is full, or they exist.</exception>
    public static void Create(NetNamespace home, int count, int first = 0)
    {
        ArgumentNullException.ThrowIfNull(home);
        home.Run(() => ForEach(count, first, (RequestQueue queue, uint number, in PackedFlow flow) =>
            queue.Create(number, in flow)));
    }

    /// <summary>Deletes flows that <see cref="Create"/> made.</summary>
    /// <inheritdoc cref="Create"/>
    public static void Delete(NetNamespace home, int count, int first = 0)
    {
        ArgumentNullException.ThrowIfNull(home);
        home.Run(() => ForEach(count, first, (RequestQueue queue, uint number, in PackedFlow flow) =>
            queue.Delete(number, in flow)));
    }

    private delegate bool Request(RequestQueue queue, uint number, in PackedFlow flow);

    private static void ForEach(int count, int first, Request request)
    {
        ArgumentOutOfRangeException.ThrowIfNegative(count);
        ArgumentOutOfRangeException.ThrowIfNegative(first);
        ArgumentOutOfRangeException.ThrowIfGreaterThan(count, MaxFlows - first);
        using var queue = new RequestQueue();
        PackedFlow flow = Template();
        for (int n = first; n < first + count; n++)
        {
            Number(ref flow, n);
            request(queue, (uint)n, in flow);
            if (queue.IsFull) Finish(queue);
        }

        Finish(queue);
    }

    private static void Finish(RequestQueue queue)
    {
        queue.Send();
        while (queue.TryReadAnswer(out RequestAnswer answer))
        {
            if (!answer.Error.IsSuccess)
                throw new LabException($"the kernel refused flow {answer.Token}: {answer.Error}");
        }
    }

    private static PackedFlow Template()
    {
        PackedFlow flow = default;
        flow.Fields = FlowFields.Original | FlowFields.Reply | FlowFields.Status | FlowFields.Timeout
            | FlowFields.TcpState;
        flow.Status = FlowStatus.SeenReply | FlowStatus.Assured | FlowStatus.Confirmed;
        flow.Timeout = TimeoutSeconds;
        flow.TcpState = (byte)TcpState.Established;
        flow.Original.Family = AddressFamily.IPv4;
        flow.Original.Protocol = IpProtocol.Tcp;
        flow.Original.Parts = TupleParts.Addresses | TupleParts.Protocol | TupleParts.Ports;
        flow.Original.Destination = Address.Read([10, 77, 2, 10]);
        flow.Original.DestinationPort = 80;
        return flow;
    }

    private static void Number(ref PackedFlow flow, int n)
    {
        int host = n / PortsPerAddress;
        flow.Original.Source = Address.Read([10, (byte)(100 + (host >> 16)), (byte)(host >> 8), (byte)host]);
        flow.Original.SourcePort = (ushort)(1024 + (n % PortsPerAddress));
        flow.Reply = flow.Original;
        (flow.Reply.Source, flow.Reply.Destination) = (flow.Original.Destination, flow.Original.Source);
        (flow.Reply.SourcePort, flow.Reply.DestinationPort) = (flow.Original.DestinationPort, flow.Original.SourcePort);
    }
}
