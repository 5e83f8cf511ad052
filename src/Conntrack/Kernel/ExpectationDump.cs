using TwinTrack.Netlink;

namespace TwinTrack.Conntrack.Kernel;

/// <summary>Reads the kernel's expectations one by one, without ever waiting. One dump at a time.</summary>
/// <remarks>Not thread-safe. To give a dump up, dispose this.</remarks>
public sealed class ExpectationDump : IDisposable
{
    private readonly NetlinkClient _client;

    /// <summary>Opens a socket in the thread's network namespace.</summary>
    /// <exception cref="NetlinkException">The kernel lacks nfnetlink.</exception>
    public ExpectationDump() => _client = new NetlinkClient(NetlinkProtocol.Netfilter);

    /// <summary>The descriptor to wait for while <see cref="IsRunning"/>.</summary>
    public int Descriptor => _client.Socket.Descriptor;

    /// <summary>Whether a dump was started and has not ended.</summary>
    public bool IsRunning { get; private set; }

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
    public NetlinkError Start(byte family = AddressFamily.Unspecified)
    {
        if (IsRunning) return Error = new(Errno.Busy);

        _client.Writer.Clear();
        ExpectationCodec.WriteDump(_client.Writer, _client.NextSequence, family);
        Error = _client.Start();
        IsRunning = Error.IsSuccess;
        return Error;
    }

    /// <summary>Reads the next entry.</summary>
    /// <param name="expectation">Filled for <see cref="DumpStatus.Expectation"/>.</param>
    /// <returns><see cref="DumpStatus.End"/> or <see cref="DumpStatus.Failed"/> also when none is running.</returns>
    public DumpStatus Read(ref PackedExpectation expectation)
    {
        while (IsRunning)
        {
            switch (_client.Read())
            {
                case ReplyState.WouldBlock: return DumpStatus.WouldBlock;
                case ReplyState.Message:
                    if (ExpectationCodec.TryRead(_client.Message, ref expectation)) return DumpStatus.Expectation;
                    Malformed++;
                    break;
                case ReplyState.Done:
                    IsRunning = false;
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
}
