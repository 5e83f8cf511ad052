using TwinTrack.Conntrack;
using TwinTrack.Replication.Wire;
using Xunit;

namespace TwinTrack.Replication.Tests;

/// <summary>A message that an engine sent, in words: <c>HELLO+NEW 3</c>, <c>ACK 1..5</c>, <c>ALIVE</c>.</summary>
internal sealed record Said(string Text, uint Number, byte[] Bytes)
{
    public override string ToString() => Text;
}

/// <summary>An engine with a clock, and short ways to talk to it. It counts from 1000, peers from 5000.</summary>
internal sealed class Node : IDisposable
{
    public const uint First = 1000;
    public const int Capacity = 1472;

    private readonly byte[] _buffer = new byte[9000 + SyncEngine.MessageLimit];
    private KernelRequest _request;
    private SyncNotice _notice;

    public Node(SyncOptions? options = null, uint first = First)
    {
        Now = new Instant(10_000_000);
        Engine = new SyncEngine(options ?? new SyncOptions(), new Seq(first), Now);
    }

    public SyncEngine Engine { get; }

    public Instant Now { get; set; }

    /// <summary>The number of the peer's next message.</summary>
    public uint PeerNext { get; set; } = 5000;

    public SyncStats Stats => Engine.Stats;

    /// <summary>A node that has greeted a peer and was greeted: nothing is pending.</summary>
    public static Node Greeted(SyncOptions? options = null)
    {
        var node = new Node(options);
        Assert.Equal(["HELLO+ALIVE"], node.Run(1000));
        node.HearControl(PeerFlags.Ack | PeerFlags.Hello | PeerFlags.HelloBack, First, First);
        Assert.Equal(["BACK+ACK 5000..5000"], node.Run(1000));
        node.HearControl(PeerFlags.Ack, First + 1, First + 1);
        Assert.Equal(["ACK 5001..5001"], node.Run(1000));
        node.HearControl(PeerFlags.Ack, First + 2, First + 2);
        Assert.Equal(0u, node.Stats.ResendQueue);
        return node;
    }

    public void New(int number) => Event(FlowChange.New, Flows.Tcp(number));

    public void Update(int number, TcpState state = TcpState.Established) =>
        Event(FlowChange.Update, Flows.Tcp(number, state));

    public void Destroy(int number) => Event(FlowChange.Destroy, Flows.Tcp(number));

    public void Event(FlowChange change, PackedFlow flow, EventOrigin origin = EventOrigin.Other) =>
        Engine.OnFlow(Now, change, origin, in flow);

    /// <summary>Lets time pass, deadline by deadline, without sending.</summary>
    public void Wait(long milliseconds)
    {
        Instant until = Now.PlusMilliseconds(milliseconds);
        while (Engine.NextDeadline <= until)
        {
            if (Engine.NextDeadline > Now) Now = Engine.NextDeadline;
            Engine.OnDeadline(Now);
        }

        Now = until;
    }

    /// <summary>Lets time pass, sending at each deadline.</summary>
    public List<string> Run(long milliseconds)
    {
        var said = new List<string>();
        Instant until = Now.PlusMilliseconds(milliseconds);
        while (Engine.NextDeadline <= until)
        {
            if (Engine.NextDeadline > Now) Now = Engine.NextDeadline;
            Engine.OnDeadline(Now);
            said.AddRange(Say());
        }

        Now = until;
        return said;
    }

    /// <summary>Everything there is to send now, in words.</summary>
    public List<string> Say(int capacity = Capacity) => [.. Send(capacity).Select(said => said.Text)];

    /// <summary>Everything there is to send now.</summary>
    public List<Said> Send(int capacity = Capacity) => [.. Datagrams(capacity).SelectMany(Parse)];

    /// <summary>Everything there is to send now, datagram by datagram.</summary>
    public IEnumerable<byte[]> Datagrams(int capacity = Capacity)
    {
        while (Engine.PollTransmit(Now, _buffer, capacity) is var length and not 0) yield return _buffer[..length];
    }

    /// <summary>Sends everything, through pauses too, and hears that it has arrived.</summary>
    /// <returns>How many messages were sent.</returns>
    public int AcknowledgeAll()
    {
        List<Said> said = Send();
        while (Stats.TransmitQueue > 0)
        {
            Wait(50);
            said.AddRange(Send());
        }

        HearControl(PeerFlags.Ack, said[0].Number, said[^1].Number);
        return said.Count;
    }

    public void Hear(params byte[][] messages) => Hear(default, messages);

    public void Hear(PeerId peer, params byte[][] messages) =>
        Engine.OnPeer(Now, default, peer, messages.SelectMany(message => message).ToArray());

    /// <summary>The peer's next message is this control message.</summary>
    public void HearControl(PeerFlags flags, uint from = 0, uint to = 0) => Hear(Control(flags, PeerNext++, from, to));

    /// <summary>The peer's next message tells of the flow.</summary>
    public void HearFlow(PeerMessageType type, PackedFlow flow) => Hear(Data(type, PeerNext++, in flow));

    public static byte[] Control(PeerFlags flags, uint number, uint from = 0, uint to = 0)
    {
        byte[] message = new byte[PeerHeader.RangeSize];
        return message[..PeerHeader.WriteControl(message, flags, new Seq(number), from, to)];
    }

    public static byte[] Data(PeerMessageType type, uint number, in PackedFlow flow, PeerFlags flags = PeerFlags.None)
    {
        byte[] message = new byte[SyncEngine.MessageLimit];
        var options = new SyncOptions { TcpWindowTracking = true };
        int length = PeerHeader.Size + FlowMessage.Write(in flow, options, message.AsSpan(PeerHeader.Size));
        new PeerHeader(PeerHeader.CurrentVersion, type, flags, (ushort)length, new Seq(number)).Write(message);
        return message[..length];
    }

    /// <summary>Every request there is now, in words: <c>Create 3</c>, <c>Dump Repair</c>; with token.</summary>
    public List<(string Text, uint Token, PackedFlow Flow)> Requests()
    {
        var requests = new List<(string, uint, PackedFlow)>();
        while (Engine.PollKernel(Now, ref _request))
        {
            string text = _request.Kind switch
            {
                KernelRequestKind.Dump => $"Dump {_request.Purpose}",
                KernelRequestKind.Flush => "Flush",
                KernelRequestKind.FlushExpectations => "FlushExpectations",
                KernelRequestKind.DumpExpectations => $"DumpExpectations {_request.Purpose}",
                KernelRequestKind.CreateExpectation or KernelRequestKind.DeleteExpectation =>
                    $"{_request.Kind} {_request.Expectation.Tuple.DestinationPort}",
                _ => $"{_request.Kind} {NumberOf(in _request.Flow)}",
            };
            requests.Add((text, _request.Token, _request.Flow));
        }

        return requests;
    }

    /// <summary>Every request there is now, in words only.</summary>
    public List<string> RequestTexts() => [.. Requests().Select(request => request.Text)];

    public List<SyncNotice> Notices()
    {
        var notices = new List<SyncNotice>();
        while (Engine.PollNotice(Now, ref _notice)) notices.Add(_notice);
        return notices;
    }

    public List<SyncNoticeKind> NoticeKinds() => [.. Notices().Select(notice => notice.Kind)];

    public int Count(CacheKind cache) => Flows.Lines(Engine, cache, Now).Count;

    public void Dispose() => Engine.Dispose();

    /// <summary>The messages of a datagram in words.</summary>
    public static IEnumerable<Said> Parse(byte[] datagram)
    {
        foreach (byte[] message in new RecordedDatagram(0, 0, [], datagram).Messages())
        {
            PeerHeader header = PeerHeader.Read(message);
            string text = (header.Flags & PeerFlags.Hello) != 0 ? "HELLO+" : "";
            if ((header.Flags & PeerFlags.HelloBack) != 0) text += "BACK+";
            yield return new Said(text + Body(header, message), header.Sequence.Value, message);
        }
    }

    /// <summary>The number that <see cref="Flows.Tcp"/> made the flow of.</summary>
    public static int NumberOf(in PackedFlow flow)
    {
        int high = (int)(flow.Original.Source.AsIPv4() >> 8);
        return (high << 14) | ((flow.Original.SourcePort - 1024) & 0x3fff);
    }

    private static string Body(PeerHeader header, byte[] message)
    {
        if (header.Type == PeerMessageType.Control)
        {
            PeerFlags kinds = header.Flags & ~(PeerFlags.Greetings | PeerFlags.Dense);
            string kind = kinds.ToString().ToUpperInvariant();
            if (!header.HasRange) return kind;
            (Seq from, Seq to) = PeerHeader.ReadRange(message);
            return (header.Flags & PeerFlags.Resync) != 0 ? kind : $"{kind} {from.Value}..{to.Value}";
        }

        if (header.Type > PeerMessageType.FlowDelete)
        {
            PackedExpectation expectation = default;
            Assert.True(ExpectationMessage.TryRead(message.AsSpan(PeerHeader.Size), ref expectation));
            return $"EXP {header.Type.ToString()["Expectation".Length..]} {expectation.Tuple.DestinationPort}";
        }

        PackedFlow flow = default;
        bool isDense = header.Version == PeerHeader.DenseVersion;
        if (isDense) Assert.True(DenseFlow.TryRead(message.AsSpan(PeerHeader.Size), new SyncOptions(), ref flow));
        else flow = Flows.Read(message.AsSpan(PeerHeader.Size));
        string type = header.Type switch
        {
            PeerMessageType.FlowNew => "NEW",
            PeerMessageType.FlowUpdate => "UPD",
            _ => "DEL",
        };
        return isDense ? $"{type} {NumberOf(in flow)} dense" : $"{type} {NumberOf(in flow)}";
    }
}
