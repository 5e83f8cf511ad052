using TwinTrack.Netlink;

namespace TwinTrack.Conntrack;

/// <summary>Messages of NFNL_SUBSYS_CTNETLINK (enum cntl_msg_types).</summary>
public static class ConntrackMessage
{
    /// <summary>IPCTNL_MSG_CT_NEW: create or update; also entries of dumps, NEW and UPDATE events.</summary>
    public const byte New = 0;

    /// <summary>IPCTNL_MSG_CT_GET: read one, or dump.</summary>
    public const byte Get = 1;

    /// <summary>IPCTNL_MSG_CT_DELETE: delete one, or flush; DESTROY event.</summary>
    public const byte Delete = 2;

    /// <summary>IPCTNL_MSG_CT_GET_CTRZERO: as <see cref="Get"/>, and counters go to zero.</summary>
    public const byte GetAndZero = 3;

    /// <summary>IPCTNL_MSG_CT_GET_STATS_CPU: dump, one message for each CPU.</summary>
    public const byte GetStatsCpu = 4;

    /// <summary>IPCTNL_MSG_CT_GET_STATS: number of entries and its limit.</summary>
    public const byte GetStats = 5;

    /// <summary>IPCTNL_MSG_CT_GET_DYING: dump of entries whose destroy event waits for delivery.</summary>
    public const byte GetDying = 6;

    /// <summary>IPCTNL_MSG_CT_GET_UNCONFIRMED: dump; empty on current kernels.</summary>
    public const byte GetUnconfirmed = 7;
}

/// <summary>Messages of NFNL_SUBSYS_CTNETLINK_EXP (enum ctnl_exp_msg_types).</summary>
public static class ExpectationMessageType
{
    /// <summary>IPCTNL_MSG_EXP_NEW: create; also entries of dumps and NEW events.</summary>
    public const byte New = 0;

    /// <summary>IPCTNL_MSG_EXP_GET: read one, or dump.</summary>
    public const byte Get = 1;

    /// <summary>IPCTNL_MSG_EXP_DELETE: delete one, those of a helper, or all; DESTROY event.</summary>
    public const byte Delete = 2;

    /// <summary>IPCTNL_MSG_EXP_GET_STATS_CPU: dump, one message for each CPU.</summary>
    public const byte GetStatsCpu = 3;
}

/// <summary>What happened, as a message of the kernel tells it.</summary>
public enum EventKind : byte
{
    /// <summary>No event of connection tracking.</summary>
    None,

    /// <summary>A flow entered the table (IPCTNL_MSG_CT_NEW with NLM_F_CREATE or NLM_F_EXCL).</summary>
    New,

    /// <summary>A flow changed (IPCTNL_MSG_CT_NEW without them); also what an entry of a dump looks like.</summary>
    Update,

    /// <summary>A flow left the table (IPCTNL_MSG_CT_DELETE).</summary>
    Destroy,

    /// <summary>A helper announced a flow (IPCTNL_MSG_EXP_NEW).</summary>
    ExpectationNew,

    /// <summary>An expectation was fulfilled, timed out or was deleted (IPCTNL_MSG_EXP_DELETE).</summary>
    ExpectationDestroy,
}

/// <summary>Tells events from other messages.</summary>
public static class EventKinds
{
    /// <summary>The kind of event a message is.</summary>
    public static EventKind Of(in NetfilterHeader header)
    {
        bool isNew = (header.Flags & (MessageFlags.Create | MessageFlags.Exclusive)) != MessageFlags.None;
        return (header.Subsystem, header.Message) switch
        {
            (NetfilterSubsystem.Conntrack, ConntrackMessage.New) => isNew ? EventKind.New : EventKind.Update,
            (NetfilterSubsystem.Conntrack, ConntrackMessage.Delete) => EventKind.Destroy,
            (NetfilterSubsystem.Expectation, ExpectationMessageType.New) => EventKind.ExpectationNew,
            (NetfilterSubsystem.Expectation, ExpectationMessageType.Delete) => EventKind.ExpectationDestroy,
            _ => EventKind.None,
        };
    }
}
