using TwinTrack.Daemon.Config;
using TwinTrack.Helpers;
using TwinTrack.Netlink;
using TwinTrack.Replication;

namespace TwinTrack.Daemon.Helpers;

/// <summary>The helpers of section Helper, their queues and their registrations.</summary>
internal sealed class HelperPort : IDisposable
{
    private readonly Log _log;
    private readonly HelperInspector _inspector;
    private readonly HelperRegistry _registry;
    private readonly List<HelperQueue> _queues = [];
    private readonly List<int> _places = [];

    /// <summary>Binds the queues, and only then has the kernel send packets there.</summary>
    /// <exception cref="StartException">The kernel refuses something, or lacks it.</exception>
    public HelperPort(HelperConfig config, Log log)
    {
        _log = log;
        try
        {
            _inspector = new HelperInspector(log);
            _registry = new HelperRegistry(config.Setup);
        }
        catch (NetlinkException error)
        {
            throw new StartException($"can't open netlink handler: {error.Message}", error);
        }

        try
        {
            Open(config);
        }
        catch
        {
            Dispose();
            throw;
        }
    }

    /// <summary>The helpers, in the order of the configuration.</summary>
    public IReadOnlyList<RunningHelper> Helpers { get; private set; } = [];

    /// <summary>Their queues.</summary>
    public IReadOnlyList<HelperQueue> Queues => _queues;

    /// <summary>Has the loop watch the queues.</summary>
    public void Watch(Poller poller)
    {
        _places.Clear();
        foreach (HelperQueue queue in _queues) _places.Add(poller.Add(queue.Descriptor, Libc.PollIn));
    }

    /// <summary>Looks at packets that wait.</summary>
    /// <returns>Whether more may wait.</returns>
    public bool Serve(Instant now, Poller poller)
    {
        bool hasMore = false;
        for (int i = 0; i < _queues.Count; i++)
        {
            if (poller.Returned(_places[i]) != 0) hasMore |= _queues[i].Serve(now.Microseconds / 1000);
        }

        return hasMore;
    }

    /// <summary>Disables the helpers and lets go what still waits.</summary>
    public void Dispose()
    {
        foreach (string problem in _registry.DisableAll()) _log.Error(problem);
        foreach (HelperQueue queue in _queues)
        {
            while (queue.Serve(Clock.Now.Microseconds / 1000)) { }
            queue.Dispose();
        }

        _queues.Clear();
        _registry.Dispose();
        _inspector.Dispose();
    }

    private void Open(HelperConfig config)
    {
        Helpers = [.. config.Types.Select(Run)];
        _inspector.Helpers = Helpers;
        foreach (IGrouping<ushort, RunningHelper> group in Helpers.GroupBy(helper => helper.Config.QueueNumber))
            _queues.Add(new HelperQueue(group.Key, _inspector, [.. group]));

        foreach (RunningHelper helper in Helpers)
        {
            HelperTypeConfig type = helper.Config;
            _log.Notice($"configuring helper `{type.Name}' with queuenum={type.QueueNumber} and "
                + $"queuelen={type.QueueLength}");
            foreach (HelperPolicyConfig policy in type.Policies)
            {
                _log.Notice($"policy name={policy.Name} expect_timeout={policy.ExpectSeconds} "
                    + $"expect_max={policy.ExpectMax}");
            }

            _registry.Enable(type, helper.Work.Helper);
            _log.Notice($"helper `{type.Name}' configured successfully");
        }
    }

    private RunningHelper Run(HelperTypeConfig type)
    {
        Helper helper = HelperTable.Find(type.Name, type.Protocol)
            ?? throw new StartException($"Unknown `{type.Name}' helper");
        ushort leastPort = type.LeastPort ?? helper.LeastPort;
        var work = new HelperWork(helper, leastPort, new HelperStats(), _inspector.Expect)
        {
            FromAnywhere = FunctionFromAnywhere(),
        };
        return new RunningHelper(type, work);
    }

    // The function of these two modules that leaves the source of an expected flow alone; else there is none.
    private static string FunctionFromAnywhere() =>
        Directory.Exists("/sys/module/nf_nat_h323") ? "Q.931"
        : Directory.Exists("/sys/module/nf_nat_sip") ? "sip"
        : HelperWork.FollowMaster;
}
