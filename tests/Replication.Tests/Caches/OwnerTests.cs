using TwinTrack.Conntrack;
using TwinTrack.Replication.Wire;
using Xunit;

namespace TwinTrack.Replication.Tests;

/// <summary>A flow that two peers tell of: one has committed what the other still holds.</summary>
public sealed class OwnerTests
{
    private static readonly PeerId s_left = new(Address.FromIPv4(0x0a000001));
    private static readonly PeerId s_right = new(Address.FromIPv4(0x0a000002));

    private uint _left = 5000;
    private uint _right = 2_000_005_000;

    /// <summary>What is told, by whom, and whether the flow is there afterwards.</summary>
    public static TheoryData<string, bool> Stories => new()
    {
        { "left new, left delete", false },
        { "left new, right new, left delete", true },
        { "left new, right update, left delete", true },
        { "left new, right update, right delete", false },
        { "left new, right update, left update, right delete", true },
        { "left new, right delete", true },
        { "left new, right speaks, left silent, right delete", false },
    };

    [Theory]
    [MemberData(nameof(Stories))]
    public void Only_who_told_of_a_flow_last_ends_it_while_it_lives(string story, bool isThere)
    {
        using Node node = Node.Greeted();
        Hear(node, isLeft: true, "speaks");
        Hear(node, isLeft: false, "speaks");
        foreach (string step in story.Split(", "))
        {
            string[] words = step.Split(' ');
            Hear(node, isLeft: words[0] == "left", words[1]);
        }

        Assert.Equal(isThere ? 1 : 0, node.Count(CacheKind.External));
    }

    /// <summary>Mode, and whether the mark that the first has told survives an update of the second.</summary>
    public static TheoryData<SyncModeKind, bool> Modes => new()
    {
        { SyncModeKind.Ftfw, false },
        { SyncModeKind.Alarm, false },
        { SyncModeKind.Notrack, true },
    };

    [Theory]
    [MemberData(nameof(Modes))]
    public void An_update_of_another_owner_tells_all_of_its_flow_where_no_peer_tells_changes_only(
        SyncModeKind mode, bool survives)
    {
        using Node node = new(new SyncOptions { Mode = mode });
        PackedFlow marked = Flows.Tcp(1);
        marked.Mark = 5;
        marked.Fields |= FlowFields.Mark;
        node.Hear(s_left, Node.Data(PeerMessageType.FlowNew, _left++, in marked));
        Hear(node, isLeft: false, "update");
        string line = Assert.Single(Flows.Lines(node.Engine, CacheKind.External, node.Now));
        Assert.Equal(survives, line.EndsWith("mark=5", StringComparison.Ordinal));
        Assert.Equal(1u, node.Stats.External.Updated);
    }

    private void Hear(Node node, bool isLeft, string what)
    {
        PeerId peer = isLeft ? s_left : s_right;
        PackedFlow flow = Flows.Tcp(1);
        if (what == "silent")
        {
            node.Run(10_000);
            return;
        }

        uint number = isLeft ? _left++ : _right++;
        node.Hear(peer, what switch
        {
            "new" => Node.Data(PeerMessageType.FlowNew, number, in flow),
            "update" => Node.Data(PeerMessageType.FlowUpdate, number, in flow),
            "delete" => Node.Data(PeerMessageType.FlowDelete, number, in flow),
            _ => Node.Control(PeerFlags.Alive, number),
        });
    }
}
