using TwinTrack.Daemon.Config;
using TwinTrack.Netlink;
using TwinTrack.Replication;

namespace TwinTrack.Daemon;

/// <summary>Opens the daemon's side of the kernel as section General wants it.</summary>
internal sealed class KernelOpening(Log log, GeneralConfig general)
{
    private bool _isBufferLimitReported;

    /// <summary>Opens it and logs how events are received.</summary>
    /// <exception cref="StartException">A privilege or a kernel feature is missing.</exception>
    public KernelPort Open(SyncEngine engine)
    {
        try
        {
            KernelPort kernel = general.PollSeconds is null
                ? new KernelPort(engine, EventOptions(engine.Options.Filter))
                {
                    BufferGrew = OnBufferGrew,
                    BufferAtLimit = OnBufferLimit,
                }
                : new KernelPort(engine, options: null) { BufferBytes = (int)general.NetlinkBufferSize };
            Report(kernel);
            return kernel;
        }
        catch (NetlinkException error)
        {
            throw new StartException(
                $"can't open netlink handler: {error.Message}; it needs CAP_NET_ADMIN and a kernel with "
                + "nf_conntrack_netlink", error);
        }
    }

    private bool IsBufferSizeUsable =>
        general.NetlinkBufferSize > 0 && general.NetlinkBufferSize <= general.NetlinkBufferSizeMaxGrowth;

    private EventOptions EventOptions(FlowFilter filter) => new(
        IsBufferSizeUsable ? (int)general.NetlinkBufferSize : 0,
        (int)general.NetlinkBufferSizeMaxGrowth,
        general.EventsReliable,
        general.Filter is { InKernel: true } ? EventFilter.Make(filter) : null);

    private void Report(KernelPort kernel)
    {
        if (general.PollSeconds is not null)
        {
            log.Notice("running in polling mode");
            return;
        }

        if (general.EventsReliable) log.Notice("reliable ctnetlink event delivery is ENABLED.");
        if (!kernel.FilterError.IsSuccess)
        {
            log.Warning($"the kernel does not take the event filter ({kernel.FilterError}): "
                + "events are filtered in user space, with the same result");
        }

        bool inKernel = general.Filter is { InKernel: true } && kernel.FilterError.IsSuccess;
        if (general.Filter is not null) log.Notice($"using {(inKernel ? "kernel" : "user")}-space event filtering");
        if (!IsBufferSizeUsable)
        {
            log.Notice("NetlinkBufferSize is either not set or is greater than NetlinkBufferSizeMaxGrowth. "
                + "Using current system buffer size");
        }

        log.Notice($"netlink event socket buffer size has been set to {kernel.BufferBytes} bytes");
    }

    private void OnBufferGrew(int bytes) =>
        log.Notice($"netlink event socket buffer size has been doubled to {bytes} bytes");

    private void OnBufferLimit()
    {
        if (_isBufferLimitReported) return;
        _isBufferLimitReported = true;
        log.Warning(
            "netlink event socket buffer size cannot be doubled further since it will exceed "
            + "NetlinkBufferSizeMaxGrowth. We are likely to be losing events, this may lead to unsynchronized "
            + "replicas. Please, consider increasing netlink socket buffer size via NetlinkBufferSize and "
            + "NetlinkBufferSizeMaxGrowth clauses in conntrackd.conf");
    }
}
