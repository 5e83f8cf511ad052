using TwinTrack.Netlink;

namespace TwinTrack.Conntrack.Kernel;

/// <summary>What <see cref="FlowDump.Read"/> or <see cref="ExpectationDump.Read"/> found.</summary>
public enum DumpStatus
{
    /// <summary>One entry: the flow is filled.</summary>
    Flow,

    /// <summary>Nothing to read now; the dump goes on.</summary>
    WouldBlock,

    /// <summary>The dump is complete. Entries that moved meanwhile may have come twice or not at all.</summary>
    End,

    /// <summary>
    /// The dump broke off, see <see cref="FlowDump.Error"/>: nothing may be concluded from what was not seen.
    /// </summary>
    Failed,

    /// <summary>One entry of a dump of expectations: the expectation is filled.</summary>
    Expectation,
}

/// <summary>Reads the kernel's table entry by entry, without ever waiting. One dump at a time.</summary>
/// <remarks>Not thread-safe. To give a dump up, dispose this.</remarks>
public sealed class FlowDump : IDisposable
{
    private readonly NetlinkClient _client;
    private bool _running;

    /// <summary>Opens a socket in the thread's network namespace.</summary>
    /// <exception cref="NetlinkException">The kernel lacks nfnetlink.</exception>
    public FlowDump() => _client = new NetlinkClient(NetlinkProtocol.Netfilter);

    /// <summary>The descriptor to wait for while <see cref="IsRunning"/>.</summary>
    public int Descriptor => _client.Socket.Descriptor;

    /// <summary>Whether a dump was started and has not ended.</summary>
    public bool IsRunning => _running;

    /// <summary>Why the last dump failed.</summary>
    public NetlinkError Error { get; private set; }

    /// <summary>
    /// Whether the kernel reported a change under the dump (NLM_F_DUMP_INTR): then something may be missing.
    /// </summary>
    public bool WasInterrupted => _client.WasInterrupted;

    /// <summary>Entries that could not be decoded, since this was made; they are passed over.</summary>
    public ulong Malformed { get; private set; }

    /// <summary>Asks for a dump.</summary>
    /// <param name="family">2 or 10 for one family, 0 for both.</param>
    /// <param name="message">Which flows: <see cref="ConntrackMessage.Get"/> and those that read like it.</param>
    public NetlinkError Start(byte family = AddressFamily.Unspecified, byte message = ConntrackMessage.Get)
    {
        if (_running) return Error = new(Errno.Busy);

        _client.Writer.Clear();
        FlowCodec.WriteDump(_client.Writer, _client.NextSequence, family, message);
        return Begin();
    }

    /// <summary>Asks for a dump of the flows that match a pattern.</summary>
    /// <remarks>The kernel may send flows that do not match: check each with <see cref="FlowMatch"/>.</remarks>
    /// <param name="pattern">The conditions, see <see cref="FlowMatch"/>.</param>
    /// <param name="family">2 or 10 for one family; 0 for that of the pattern's addresses, or both.</param>
    /// <param name="message"><see cref="ConntrackMessage.Get"/> or <see cref="ConntrackMessage.GetAndZero"/>.</param>
    public NetlinkError Start(
        in PackedFlow pattern, byte family = AddressFamily.Unspecified, byte message = ConntrackMessage.Get)
    {
        if (_running) return Error = new(Errno.Busy);

        _client.Writer.Clear();
        FlowCodec.WriteDump(_client.Writer, _client.NextSequence, in pattern, family, message);
        return Begin();
    }

    /// <summary>Reads the next entry.</summary>
    /// <param name="flow">Filled for <see cref="DumpStatus.Flow"/>.</param>
    /// <returns><see cref="DumpStatus.End"/> or <see cref="DumpStatus.Failed"/> also when none is running.</returns>
    public DumpStatus Read(ref PackedFlow flow)
    {
        while (_running)
        {
            switch (_client.Read())
            {
                case ReplyState.WouldBlock: return DumpStatus.WouldBlock;
                case ReplyState.Message:
                    if (FlowCodec.TryRead(_client.Message, ref flow)) return DumpStatus.Flow;
                    Malformed++;
                    break;
                case ReplyState.Done:
                    _running = false;
                    Error = _client.Result;
                    break;
            }
        }

        return Error.IsSuccess ? DumpStatus.End : DumpStatus.Failed;
    }

    /// <summary>Waits for more of a running dump.</summary>
    /// <param name="timeout">Milliseconds; negative waits forever.</param>
    /// <returns>False when the time passed.</returns>
    public bool Wait(int timeout) => _client.Socket.Wait(timeout);

    /// <summary>Closes the socket.</summary>
    public void Dispose() => _client.Dispose();

    private NetlinkError Begin()
    {
        Error = _client.Start();
        _running = Error.IsSuccess;
        return Error;
    }
}
