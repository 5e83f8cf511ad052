using TwinTrack.Netlink;

namespace TwinTrack.Conntrack.Kernel;

/// <summary>The size of the kernel's table (IPCTNL_MSG_CT_GET_STATS).</summary>
/// <param name="Entries">CTA_STATS_GLOBAL_ENTRIES: flows of this network namespace.</param>
/// <param name="Limit">CTA_STATS_GLOBAL_MAX_ENTRIES: nf_conntrack_max; 0 if an old kernel does not tell.</param>
public readonly record struct TableSize(uint Entries, uint Limit)
{
    /// <summary>Reads a reply to IPCTNL_MSG_CT_GET_STATS.</summary>
    /// <param name="message">The message with its nlmsghdr.</param>
    /// <param name="size">The result; zero when false is returned.</param>
    /// <returns>False for another message and for damage.</returns>
    public static bool TryRead(ReadOnlySpan<byte> message, out TableSize size)
    {
        size = default;
        Span<uint> numbers = stackalloc uint[3];
        if (!StatsReader.TryRead(message, ConntrackMessage.GetStats, numbers, out _)) return false;

        size = new(numbers[1], numbers[2]);
        return true;
    }
}

/// <summary>Counters of one CPU (IPCTNL_MSG_CT_GET_STATS_CPU); those the kernel does not send any more are 0.</summary>
/// <param name="Cpu">Number of the CPU.</param>
/// <param name="Searched">CTA_STATS_SEARCHED, not sent by current kernels.</param>
/// <param name="Found">CTA_STATS_FOUND: lookups that found their flow.</param>
/// <param name="New">CTA_STATS_NEW, not sent by current kernels.</param>
/// <param name="Invalid">CTA_STATS_INVALID: packets that could not be tracked.</param>
/// <param name="Ignored">CTA_STATS_IGNORE, not sent by current kernels.</param>
/// <param name="Deleted">CTA_STATS_DELETE, not sent by current kernels.</param>
/// <param name="DeletedFromList">CTA_STATS_DELETE_LIST, not sent by current kernels.</param>
/// <param name="Inserted">CTA_STATS_INSERT: flows inserted.</param>
/// <param name="InsertFailed">CTA_STATS_INSERT_FAILED: flows not inserted, as one like them was there.</param>
/// <param name="Dropped">CTA_STATS_DROP: packets dropped, as their flow could not be inserted.</param>
/// <param name="DroppedEarly">CTA_STATS_EARLY_DROP: flows dropped to make room.</param>
/// <param name="Errors">CTA_STATS_ERROR: packets with an error in them.</param>
/// <param name="SearchRestarts">CTA_STATS_SEARCH_RESTART: lookups begun again as the table was resized.</param>
/// <param name="ClashesResolved">CTA_STATS_CLASH_RESOLVE: insertions that lost a race and were merged.</param>
/// <param name="ChainsTooLong">CTA_STATS_CHAIN_TOOLONG: insertions refused as their bucket was too long.</param>
public readonly record struct CpuStats(
    int Cpu,
    uint Searched,
    uint Found,
    uint New,
    uint Invalid,
    uint Ignored,
    uint Deleted,
    uint DeletedFromList,
    uint Inserted,
    uint InsertFailed,
    uint Dropped,
    uint DroppedEarly,
    uint Errors,
    uint SearchRestarts,
    uint ClashesResolved,
    uint ChainsTooLong)
{
    /// <summary>Reads one message of the dump.</summary>
    /// <param name="message">The message with its nlmsghdr.</param>
    /// <param name="stats">The result; zero when false is returned.</param>
    /// <returns>False for another message and for damage.</returns>
    public static bool TryRead(ReadOnlySpan<byte> message, out CpuStats stats)
    {
        stats = default;
        Span<uint> n = stackalloc uint[16]; // enum ctattr_stats_cpu
        if (!StatsReader.TryRead(message, ConntrackMessage.GetStatsCpu, n, out int cpu)) return false;

        stats = new(
            cpu, n[1], n[2], n[3], n[4], n[5], n[6], n[7], n[8], n[9], n[10], n[11], n[12], n[13], n[14], n[15]);
        return true;
    }
}

/// <summary>Counters of expectations of one CPU (IPCTNL_MSG_EXP_GET_STATS_CPU).</summary>
/// <param name="Cpu">Number of the CPU.</param>
/// <param name="New">CTA_STATS_EXP_NEW: flows that fulfilled an expectation.</param>
/// <param name="Created">CTA_STATS_EXP_CREATE: expectations made.</param>
/// <param name="Deleted">CTA_STATS_EXP_DELETE: expectations removed.</param>
public readonly record struct ExpectationCpuStats(int Cpu, uint New, uint Created, uint Deleted)
{
    /// <summary>Reads one message of the dump.</summary>
    /// <remarks>The kernel answers with the number of another message: subsystem 1, message 3.</remarks>
    /// <param name="message">The message with its nlmsghdr.</param>
    /// <param name="stats">The result; zero when false is returned.</param>
    /// <returns>False for another message and for damage.</returns>
    public static bool TryRead(ReadOnlySpan<byte> message, out ExpectationCpuStats stats)
    {
        stats = default;
        Span<uint> n = stackalloc uint[4]; // enum ctattr_expect_stats
        if (!StatsReader.TryRead(message, ExpectationMessageType.GetStatsCpu, n, out int cpu)) return false;

        stats = new(cpu, n[1], n[2], n[3]);
        return true;
    }
}

/// <summary>Reads messages that are nothing but numbers.</summary>
internal static class StatsReader
{
    /// <summary>Puts each number where its attribute's type says; those that are absent become 0.</summary>
    public static bool TryRead(ReadOnlySpan<byte> message, byte kind, Span<uint> numbers, out int cpu)
    {
        numbers.Clear();
        cpu = 0;
        if (!NetfilterHeader.TryRead(message, out NetfilterHeader header, out ReadOnlySpan<byte> body)) return false;
        if (header.Subsystem is not (NetfilterSubsystem.Conntrack or NetfilterSubsystem.Expectation)) return false;
        if (header.Message != kind) return false;

        cpu = header.Resource;
        var reader = new AttributeReader(body);
        while (reader.MoveNext())
        {
            if (reader.Type < numbers.Length) numbers[reader.Type] = reader.ReadUInt32();
        }

        return !reader.IsMalformed;
    }
}
