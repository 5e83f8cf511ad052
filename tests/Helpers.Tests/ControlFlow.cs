using System.Text;
using TwinTrack.Conntrack;

namespace TwinTrack.Helpers.Tests;

/// <summary>A control flow whose packets are shown to a helper, and a kernel that takes what it announces.</summary>
internal sealed class ControlFlow
{
    private readonly HelperWork _work;
    private readonly byte[] _data = new byte[64];
    private readonly uint[] _sequences = [1000, 50_000];
    private PackedFlow _flow;

    public ControlFlow(string helper, byte protocol, string client = "198.51.100.2", string server = "192.0.2.2", ushort port = 21)
        : this(
            helper,
            FlowTuple.Of(protocol, client, 40_000, server, port),
            FlowTuple.Of(protocol, server, port, client, 40_000),
            FlowStatus.Confirmed)
    {
    }

    public ControlFlow(string helper, FlowTuple original, FlowTuple reply, FlowStatus status)
    {
        Helper row = HelperTable.Find(helper, original.Protocol)!;
        _work = new HelperWork(row, row.LeastPort, Stats, Take);
        _flow.Fields = FlowFields.Original | FlowFields.Reply | FlowFields.Status | FlowFields.Id;
        _flow.Original = original;
        _flow.Reply = reply;
        _flow.Status = status;
        _flow.Id = 7;
    }

    public HelperStats Stats { get; } = new();

    /// <summary>Ports outside that somebody else has.</summary>
    public HashSet<ushort> Taken { get; } = [];

    /// <summary>What was announced: protocol, source, destination, and what else there is to say.</summary>
    public List<string> Expectations { get; } = [];

    /// <summary>The payload of the last packet as it went on.</summary>
    public string Sent { get; private set; } = "";

    public byte[] SentBytes { get; private set; } = [];

    public uint Timeout { get; private set; }

    /// <summary>A flow from behind an address translation of its source.</summary>
    public static ControlFlow BehindSource(string helper, byte protocol, ushort port = 21) => new(
        helper,
        FlowTuple.Of(protocol, "198.51.100.2", 40_000, "192.0.2.2", port),
        FlowTuple.Of(protocol, "192.0.2.2", port, "192.0.2.1", 40_001),
        FlowStatus.Confirmed | FlowStatus.SourceNat);

    /// <summary>A flow to a server behind an address translation of the destination.</summary>
    public static ControlFlow BehindDestination(string helper, byte protocol, ushort port = 21) => new(
        helper,
        FlowTuple.Of(protocol, "198.51.100.2", 40_000, "198.51.100.1", port),
        FlowTuple.Of(protocol, "192.0.2.2", port, "198.51.100.2", 40_000),
        FlowStatus.Confirmed | FlowStatus.DestinationNat);

    public ControlFlow Client(string text) => Client(Encoding.Latin1.GetBytes(text));

    public ControlFlow Client(ReadOnlySpan<byte> bytes) => Show(bytes, isReply: false, PacketFlowState.Established);

    public ControlFlow First(ReadOnlySpan<byte> bytes) => Show(bytes, isReply: false, PacketFlowState.New);

    public ControlFlow Server(string text) => Server(Encoding.Latin1.GetBytes(text));

    public ControlFlow Server(ReadOnlySpan<byte> bytes) =>
        Show(bytes, isReply: true, PacketFlowState.EstablishedReply);

    /// <summary>Shows the last bytes of a direction once more.</summary>
    public ControlFlow Again(bool isReply, string text)
    {
        _sequences[isReply ? 1 : 0] -= (uint)text.Length;
        return isReply ? Server(text) : Client(text);
    }

    /// <summary>Forgets bytes, as when a queue was full.</summary>
    public ControlFlow Lose(bool isReply, int count)
    {
        _sequences[isReply ? 1 : 0] += (uint)count;
        return this;
    }

    /// <summary>Puts in place what the kernel keeps for the flow.</summary>
    public ControlFlow Remember(ReadOnlySpan<byte> data)
    {
        data.CopyTo(_data);
        return this;
    }

    private ControlFlow Show(ReadOnlySpan<byte> bytes, bool isReply, PacketFlowState state)
    {
        var packet = new Inspection(_work, ref _flow)
        {
            Payload = bytes,
            Data = _data,
            Sequence = _sequences[isReply ? 1 : 0],
            State = state,
            HeaderDestination = isReply ? _flow.Reply.Destination : _flow.Original.Destination,
        };
        _work.Helper.Inspect(ref packet);
        Timeout = packet.Timeout;
        _sequences[isReply ? 1 : 0] += (uint)bytes.Length;
        SentBytes = new byte[bytes.Length + _work.Rewriting.Growth];
        _work.Rewriting.Write(bytes, SentBytes);
        Sent = Encoding.Latin1.GetString(SentBytes);
        return this;
    }

    private ExpectResult Take(in PackedExpectation expectation)
    {
        FlowTuple tuple = expectation.Tuple;
        FlowTuple mask = expectation.Mask;
        if (Taken.Contains(tuple.DestinationPort)) return ExpectResult.Taken;

        string protocol = tuple.Protocol == IpProtocol.Tcp ? "tcp" : "udp";
        string source = mask.Source == default ? "any" : tuple.Source.ToText(tuple.Family);
        if (mask.SourcePort != 0) source += $" {tuple.SourcePort}";
        string more = (expectation.Flags & ExpectationFlags.Permanent) != 0 ? " permanent" : "";
        if (expectation.Has(ExpectationFields.NatTuple))
            more += $" to {expectation.NatTuple.SourcePort} direction {expectation.NatDirection}";
        Expectations.Add(
            $"{protocol} {source} > {tuple.Destination.ToText(tuple.Family)} {tuple.DestinationPort}{more}");
        return ExpectResult.Made;
    }
}
