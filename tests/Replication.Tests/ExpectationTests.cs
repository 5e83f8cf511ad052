using TwinTrack.Conntrack;
using TwinTrack.Replication.Caches;
using TwinTrack.Replication.Wire;
using Xunit;

namespace TwinTrack.Replication.Tests;

/// <summary>Expectations take the same way through the engine as flows.</summary>
public sealed partial class ExpectationTests : IDisposable
{
    private const ushort Port = 50_000;

    private readonly Node _node = Node.Greeted(new SyncOptions { Expectations = ExpectationFilter.All });

    [Fact]
    public void An_expectation_follows_its_master_and_ends_with_a_deletion()
    {
        Master();
        Event(FlowChange.New, Expected.Ftp(1, Port, id: 7));
        Assert.Equal(["EXP New 50000"], _node.Say());
        Assert.Equal(1u, _node.Stats.InternalExpectations.Active);
        Event(FlowChange.Destroy, Expected.Ftp(1, Port, id: 7));
        Assert.Equal(["EXP Delete 50000"], _node.Say());
        Assert.Equal(0u, _node.Stats.InternalExpectations.Active);
        Assert.Equal(1u, _node.Stats.InternalExpectations.Objects);
        _node.HearControl(PeerFlags.Ack, Node.First, Node.First + 100);
        Assert.Equal(0u, _node.Stats.InternalExpectations.Objects);
    }

    [Fact]
    public void An_expectation_that_is_asked_for_again_is_sent_again()
    {
        Master();
        Event(FlowChange.New, Expected.Ftp(1, Port));
        Said said = _node.Send().Single();
        _node.HearControl(PeerFlags.Nack, said.Number, said.Number);
        Assert.Equal(["EXP New 50000"], _node.Say());
    }

    [Fact]
    public void Without_its_master_no_expectation_is_replicated()
    {
        Event(FlowChange.New, Expected.Ftp(1, Port));
        Assert.Empty(_node.Say());
        Assert.Equal(1u, _node.Stats.EventsFiltered);
        Assert.Equal(0u, _node.Stats.InternalExpectations.Created);
    }

    [Theory]
    [InlineData("FTP", true)]
    [InlineData("f", true)]
    [InlineData("ftp-2121", false)]
    [InlineData("sip", false)]
    public void Only_helpers_of_the_list_are_replicated(string listed, bool isTaken)
    {
        using Node node = Node.Greeted(new SyncOptions { Expectations = new(["sip", listed]) });
        node.New(1);
        node.AcknowledgeAll();
        PackedExpectation expectation = Expected.Ftp(1, Port);
        node.Engine.OnExpectation(node.Now, FlowChange.New, EventOrigin.Other, in expectation);
        Assert.Equal(isTaken ? ["EXP New 50000"] : [], node.Say());
    }

    [Fact]
    public void Without_the_option_they_are_neither_sent_nor_kept()
    {
        using Node node = Node.Greeted();
        node.New(1);
        node.AcknowledgeAll();
        PackedExpectation expectation = Expected.Ftp(1, Port);
        node.Engine.OnExpectation(node.Now, FlowChange.New, EventOrigin.Other, in expectation);
        Assert.Empty(node.Say());
        node.Hear(Message(PeerMessageType.ExpectationNew, node.PeerNext++, in expectation));
        Assert.Equal(0u, node.Stats.ExternalExpectations.Created);
        Assert.Equal(0u, node.Stats.MalformedPayload);
        Assert.Equal(SyncReply.Done, node.Engine.OnCommand(node.Now, SyncCommand.CommitExpectations, 3));
    }

    [Fact]
    public void The_zone_of_the_master_is_the_one_of_the_expectation()
    {
        PackedFlow master = Flows.Tcp(1);
        master.Zone = 7;
        master.Fields |= FlowFields.Zone;
        _node.Event(FlowChange.New, master);
        _node.AcknowledgeAll();
        Event(FlowChange.New, Expected.Ftp(1, Port, id: 5));
        PackedExpectation sent = Read(_node.Send().Single());
        Assert.Equal((ushort)7, sent.Zone);
        Event(FlowChange.Destroy, Expected.Ftp(1, Port, id: 5));
        Assert.Equal(["EXP Delete 50000"], _node.Say());
    }

    [Fact]
    public void Committed_expectations_are_known_and_not_announced()
    {
        Master();
        Event(FlowChange.New, Expected.Ftp(1, Port), EventOrigin.Commit);
        Assert.Empty(_node.Say());
        Assert.Equal(1u, _node.Stats.InternalExpectations.Active);
    }

    [Fact]
    public void A_flush_takes_the_expectations_of_a_flow_along_without_a_word()
    {
        PackedFlow master = Flows.Tcp(1);
        "ftp"u8.CopyTo(master.Helper);
        master.Fields |= FlowFields.Helper;
        _node.Event(FlowChange.New, master);
        Event(FlowChange.New, Expected.Ftp(1, Port));
        _node.AcknowledgeAll();
        _node.Event(FlowChange.Destroy, master, EventOrigin.Flush);
        Event(FlowChange.Destroy, Expected.Ftp(1, Port));
        Assert.Empty(_node.Say());
        Assert.Equal(0u, _node.Stats.InternalExpectations.Objects);
    }

    [Fact]
    public void A_repair_tells_what_is_new_and_what_is_gone()
    {
        Master();
        Event(FlowChange.New, Expected.Ftp(1, Port));
        Event(FlowChange.New, Expected.Ftp(1, Port + 1));
        _node.AcknowledgeAll();
        Dump(SnapshotPurpose.Repair, Expected.Ftp(1, Port + 1), Expected.Ftp(1, Port + 2));
        Assert.Equal(["EXP New 50002", "EXP Delete 50000"], _node.Say());
    }

    [Fact]
    public void The_end_of_an_expectation_outlives_a_dump_that_still_brings_it()
    {
        Master();
        PackedExpectation none = default;
        PackedExpectation late = Expected.Ftp(1, Port);
        _node.Engine.OnExpectationSnapshot(_node.Now, SnapshotPurpose.Repair, SnapshotStep.Begin, in none);
        Event(FlowChange.Destroy, late);
        _node.Engine.OnExpectationSnapshot(_node.Now, SnapshotPurpose.Repair, SnapshotStep.Entry, in late);
        _node.Engine.OnExpectationSnapshot(_node.Now, SnapshotPurpose.Repair, SnapshotStep.End, in none);
        Assert.Empty(_node.Say());
        Assert.Equal(0u, _node.Stats.InternalExpectations.Objects);
    }

    [Fact]
    public void A_bulk_brings_the_flows_and_then_the_expectations()
    {
        Master();
        Event(FlowChange.New, Expected.Ftp(1, Port));
        _node.AcknowledgeAll();
        _node.Engine.OnCommand(_node.Now, SyncCommand.SendBulk, 0);
        Assert.Equal(["NEW 1", "EXP New 50000"], _node.Say());
    }

    [Fact]
    public void A_translation_over_IPv6_whose_address_was_not_told_follows_the_master()
    {
        PackedExpectation expectation = Expected.Full(isIPv6: true, zone: 0);
        expectation.NatTuple.Parts &= ~TupleParts.Addresses;
        expectation.NatTuple.Family = 0;
        KernelExpectation.Complete(ref expectation, new SyncOptions(), idleSeconds: 0);
        Assert.True(expectation.NatTuple.Has(TupleParts.Addresses | TupleParts.Ports));
        Assert.Equal(default, expectation.NatTuple.Source);
        Assert.Equal(AddressFamily.IPv6, expectation.NatTuple.Family);
    }

    [Fact]
    public void A_flow_whose_numbers_a_helper_shifts_is_read_from_the_kernel_a_little_later()
    {
        PackedFlow control = Flows.Tcp(1);
        "ftp"u8.CopyTo(control.Helper);
        control.Fields |= FlowFields.Helper;
        _node.Event(FlowChange.New, control);
        Assert.Empty(_node.RequestTexts());

        PackedExpectation expectation = Expected.Full(isIPv6: false, zone: 0);
        expectation.Master = control.Original;
        Event(FlowChange.New, expectation);
        Assert.Empty(_node.RequestTexts());
        _node.Wait(20);
        Assert.Equal(["Get 1"], _node.RequestTexts());

        control.Status |= FlowStatus.SequenceAdjust;
        _node.Event(FlowChange.Update, control);
        _node.Event(FlowChange.Update, control);
        _node.Wait(20);
        Assert.Equal(["Get 1"], _node.RequestTexts());

        control.SequenceOriginal = control.SequenceReply = new(1, 2, 3);
        control.Fields |= FlowFields.SequenceOriginal | FlowFields.SequenceReply;
        _node.Event(FlowChange.Update, control);
        _node.Wait(20);
        Assert.Empty(_node.RequestTexts());
    }

    [Fact]
    public void A_flow_that_ends_or_is_forgotten_before_it_is_read_is_not_read()
    {
        PackedFlow shifted = Flows.Tcp(1);
        shifted.Status |= FlowStatus.SequenceAdjust;
        _node.Event(FlowChange.New, shifted);
        _node.Event(FlowChange.Destroy, shifted);
        _node.Wait(20);
        Assert.Empty(_node.RequestTexts());
        _node.Event(FlowChange.New, shifted);
        _node.Engine.OnCommand(_node.Now, SyncCommand.FlushCaches, 0);
        _node.Wait(20);
        Assert.Empty(_node.RequestTexts());
    }

    [Fact]
    public void In_mode_ALARM_expectations_are_repeated_and_expire()
    {
        var options = new SyncOptions
        {
            Mode = SyncModeKind.Alarm,
            RefreshSeconds = 2,
            CacheTimeoutSeconds = 5,
            Expectations = ExpectationFilter.All,
        };
        using var node = new Node(options);
        node.New(1);
        PackedExpectation expectation = Expected.Ftp(1, Port);
        node.Engine.OnExpectation(node.Now, FlowChange.New, EventOrigin.Other, in expectation);
        Assert.Equal(["NEW 1", "EXP New 50000"], node.Say());
        Assert.Contains("EXP New 50000", node.Run(5000), StringComparer.Ordinal);
        node.Hear(Message(PeerMessageType.ExpectationNew, 5000, in expectation));
        node.Run(3000);
        Assert.Equal(1u, node.Stats.ExternalExpectations.Active);
        node.Run(3000);
        Assert.Equal(0u, node.Stats.ExternalExpectations.Active);
    }

    [Theory]
    [InlineData(SyncCommand.ResyncKernel, "Dump Resync", "DumpExpectations Resync")]
    [InlineData(SyncCommand.ResyncKernelFlows, "Dump Resync")]
    [InlineData(SyncCommand.ResyncKernelExpectations, "DumpExpectations Resync")]
    public void A_resync_reads_the_tables_that_are_named_and_ends_with_the_last(
        SyncCommand command, params string[] dumps)
    {
        Assert.Equal(SyncReply.Pending, _node.Engine.OnCommand(_node.Now, command, ticket: 4));
        var seen = new List<string>();
        var tickets = new List<int>();
        while (_node.Requests() is [var request, ..])
        {
            seen.Add(request.Text);
            if (request.Text.StartsWith("DumpE", StringComparison.Ordinal)) Dump(SnapshotPurpose.Resync);
            else DumpFlows(SnapshotPurpose.Resync);
            tickets.AddRange(_node.Notices()
                .Where(notice => notice.Kind == SyncNoticeKind.KernelResyncDone).Select(notice => notice.Ticket));
        }

        Assert.Equal(dumps, seen, StringComparer.Ordinal);
        Assert.Equal(4, tickets[^1]);
        Assert.All(tickets[..^1], ticket => Assert.Equal(0, ticket));
    }

    [Fact]
    public void The_cache_has_a_limit()
    {
        using Node node = Node.Greeted(new SyncOptions { Expectations = ExpectationFilter.All, CacheLimit = 2 });
        node.New(1);
        for (ushort port = 0; port < 5; port++)
        {
            PackedExpectation expectation = Expected.Ftp(1, port);
            node.Engine.OnExpectation(node.Now, FlowChange.New, EventOrigin.Other, in expectation);
            node.Hear(Message(PeerMessageType.ExpectationNew, node.PeerNext++, in expectation));
        }

        Assert.Equal((2u, 3u), (node.Stats.InternalExpectations.Active, node.Stats.InternalExpectations.CreateFailed));
        Assert.Equal((2u, 3u), (node.Stats.ExternalExpectations.Active, node.Stats.ExternalExpectations.CreateFailed));
        Assert.Equal(
            [SyncNoticeKind.InternalExpectationsFull, SyncNoticeKind.ExternalExpectationsFull], node.NoticeKinds());
    }

    public void Dispose() => _node.Dispose();

    private static byte[] Message(PeerMessageType type, uint number, in PackedExpectation expectation)
    {
        byte[] message = new byte[SyncEngine.MessageLimit];
        int length = PeerHeader.Size
            + ExpectationMessage.Write(in expectation, new SyncOptions(), message.AsSpan(PeerHeader.Size));
        new PeerHeader(PeerHeader.CurrentVersion, type, PeerFlags.None, (ushort)length, new Seq(number))
            .Write(message);
        return message[..length];
    }

    private static PackedExpectation Read(Said said)
    {
        PackedExpectation expectation = default;
        Assert.True(ExpectationMessage.TryRead(said.Bytes.AsSpan(PeerHeader.Size), ref expectation));
        return expectation;
    }

    private void Master()
    {
        _node.New(1);
        _node.AcknowledgeAll();
    }

    private void Event(FlowChange change, PackedExpectation expectation, EventOrigin origin = EventOrigin.Other) =>
        _node.Engine.OnExpectation(_node.Now, change, origin, in expectation);

    private void Hear(PeerMessageType type, PackedExpectation expectation) =>
        _node.Hear(Message(type, _node.PeerNext++, in expectation));

    private void Answer(string request, int errno)
    {
        (string text, uint token, _) = _node.Requests().Single();
        Assert.Equal(request, text);
        _node.Engine.OnKernelAnswer(_node.Now, KernelRequestKind.Create, token, errno);
    }

    private void Dump(SnapshotPurpose purpose, params PackedExpectation[] expectations)
    {
        PackedExpectation none = default;
        _node.Engine.OnExpectationSnapshot(_node.Now, purpose, SnapshotStep.Begin, in none);
        foreach (ref readonly PackedExpectation expectation in expectations.AsSpan())
            _node.Engine.OnExpectationSnapshot(_node.Now, purpose, SnapshotStep.Entry, in expectation);
        _node.Engine.OnExpectationSnapshot(_node.Now, purpose, SnapshotStep.End, in none);
    }

    private void DumpFlows(SnapshotPurpose purpose)
    {
        PackedFlow none = default;
        _node.Engine.OnSnapshot(_node.Now, purpose, SnapshotStep.Begin, in none);
        _node.Engine.OnSnapshot(_node.Now, purpose, SnapshotStep.End, in none);
    }

    private List<string> External()
    {
        var found = new List<string>();
        ulong cursor = 0;
        PackedExpectation expectation = default;
        while (_node.Engine.ReadNextExpectation(CacheKind.External, ref cursor, _node.Now, ref expectation, out _))
            found.Add(Expected.Describe(in expectation));
        return found;
    }
}
