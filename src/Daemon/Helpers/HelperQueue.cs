using TwinTrack.Conntrack;
using TwinTrack.Conntrack.Kernel;
using TwinTrack.Daemon.Config;
using TwinTrack.Helpers;
using TwinTrack.Netlink;

namespace TwinTrack.Daemon.Helpers;

/// <summary>A configured helper at work.</summary>
/// <param name="Config">Its block of the configuration.</param>
/// <param name="Work">The helper and what it has at hand.</param>
internal sealed record RunningHelper(HelperTypeConfig Config, HelperWork Work);

/// <summary>A packet queue and the helpers whose packets come through it.</summary>
internal sealed class HelperQueue : IDisposable
{
    private const int MostBatches = 16;

    private readonly PacketQueue _queue;
    private readonly HelperInspector _inspector;

    /// <summary>Binds the queue.</summary>
    /// <exception cref="StartException">The kernel refuses.</exception>
    public HelperQueue(ushort number, HelperInspector inspector, IReadOnlyList<RunningHelper> helpers)
    {
        _inspector = inspector;
        Helpers = helpers;
        uint length = helpers.Max(helper => helper.Config.QueueLength);
        PacketQueueFlags flags = PacketQueueFlags.Conntrack;
        if (helpers.All(helper => helper.Config.FailOpen)) flags |= PacketQueueFlags.FailOpen;
        try
        {
            _queue = new PacketQueue(number, length, flags);
        }
        catch (NetlinkException error)
        {
            string names = string.Join(", ", helpers.Select(helper => helper.Config.Name));
            throw new StartException($"helper {names}: cannot {error.Message}{Explain(error.Error.Code)}", error);
        }
    }

    /// <summary>The helpers whose flows it is for.</summary>
    public IReadOnlyList<RunningHelper> Helpers { get; }

    /// <summary>For the loop to watch.</summary>
    public int Descriptor => _queue.Socket.Descriptor;

    /// <summary>Number of the queue.</summary>
    public ushort Number => _queue.Number;

    /// <summary>Packets that passed unseen: of no helper here, without a flow, cut off, or unreadable.</summary>
    public ulong Unseen { get; private set; }

    /// <summary>Verdicts the kernel refused.</summary>
    public ulong Refused => _queue.Refused;

    /// <summary>Looks at the packets that wait, a bounded number of them.</summary>
    /// <returns>Whether more may wait.</returns>
    public bool Serve(long milliseconds)
    {
        for (int i = 0; i < MostBatches; i++)
        {
            ReceiveStatus status = _queue.Socket.Receive();
            if (status == ReceiveStatus.Overrun) continue;
            if (status != ReceiveStatus.Datagrams) return false;
            for (int j = 0; j < _queue.Socket.Count; j++) Serve(_queue.Socket.Datagram(j), milliseconds);
            if (_queue.Socket.Count < _queue.Socket.BatchSize) return false;
        }

        return true;
    }

    public void Dispose() => _queue.Dispose();

    private void Serve(ReadOnlySpan<byte> datagram, long milliseconds)
    {
        var reader = new MessageReader(datagram);
        while (reader.MoveNext())
        {
            if (!PacketQueueCodec.TryRead(reader.Message, out QueuedPacket packet))
            {
                _queue.OnOther(reader.Message);
                continue;
            }

            if (!_inspector.TryInspect(in packet, milliseconds, out PacketAnswer answer)) Unseen++;
            _queue.Answer(in packet, in answer, in _inspector.Flow, in _inspector.Held);
            _inspector.Finish(milliseconds);
        }
    }

    private static string Explain(Errno code) => code switch
    {
        Errno.Busy => ": another program has it",
        Errno.NotPermitted => ": it needs CAP_NET_ADMIN",
        Errno.NotSupported => ": the kernel needs CONFIG_NETFILTER_NETLINK_GLUE_CT and nf_conntrack_netlink",
        Errno.Invalid => ": the kernel needs nfnetlink_queue",
        _ => "",
    };
}
