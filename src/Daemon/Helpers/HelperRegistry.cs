using TwinTrack.Conntrack;
using TwinTrack.Daemon.Config;
using TwinTrack.Helpers;
using TwinTrack.Netlink;

namespace TwinTrack.Daemon.Helpers;

/// <summary>
/// The helpers as the kernel knows them. They are the kernel's, not a network namespace's, and outlive the daemon:
/// an enabled one without a daemon keeps new flows from being confirmed, so that each is disabled at the end.
/// </summary>
internal sealed class HelperRegistry(bool setup) : IDisposable
{
    private readonly Conntrack.Kernel.Helpers _kernel = new();
    private readonly List<HelperDefinition> _enabled = [];

    /// <summary>Registers a helper, or takes over its registration, and lets packets go to its queue.</summary>
    /// <exception cref="StartException">The kernel refuses, or it is not registered as it should be.</exception>
    public void Enable(HelperTypeConfig type, Helper helper)
    {
        HelperDefinition? known = Find(type);
        if (known is null && !setup)
        {
            throw new StartException($"helper {Describe(type)} is not registered: `Setup yes' in section Helper does "
                + $"it, or: nfct helper add {Words(type)}");
        }

        var definition = new HelperDefinition
        {
            Name = type.Name,
            Family = type.Family,
            Protocol = type.Protocol,
            Queue = type.QueueNumber,
            PrivateDataLength = known?.PrivateDataLength ?? (uint)helper.PrivateBytes,
            Policies = [.. type.Policies.Select(one => new HelperPolicy(one.Name, one.ExpectMax, one.ExpectSeconds))],
            IsEnabled = true,
        };
        NetlinkError error = _kernel.Create(definition, exclusive: false);
        if (!error.IsSuccess) throw new StartException(Explain(type, error));
        _enabled.Add(definition);
    }

    /// <summary>Lets packets of all of them pass untouched, as without a daemon.</summary>
    /// <returns>What went wrong, a line each.</returns>
    public IReadOnlyList<string> DisableAll()
    {
        List<string> problems = [];
        foreach (HelperDefinition definition in _enabled)
        {
            NetlinkError error = _kernel.Create(definition with { IsEnabled = false }, exclusive: false);
            if (!error.IsSuccess) problems.Add($"cannot disable helper `{definition.Name}': {error}");
        }

        _enabled.Clear();
        return problems;
    }

    public void Dispose() => _kernel.Dispose();

    private HelperDefinition? Find(HelperTypeConfig type)
    {
        NetlinkError error = _kernel.Get(null, out IReadOnlyList<HelperDefinition> all);
        if (!error.IsSuccess) throw new StartException(Explain(type, error));
        return all.FirstOrDefault(one =>
            one.Name == type.Name && one.Family == type.Family && one.Protocol == type.Protocol);
    }

    private static string Explain(HelperTypeConfig type, NetlinkError error) =>
        $"cannot register helper {Describe(type)}: {error}" + error.Code switch
        {
            Errno.Busy => $"; a helper of the kernel has that name (unload nf_conntrack_{type.Name}), or it is "
                + "registered with other policies (nfct helper delete)",
            Errno.NotPermitted => "; it needs CAP_NET_ADMIN in the initial user namespace",
            Errno.Invalid => "; the kernel needs nfnetlink_cthelper (CONFIG_NF_CT_NETLINK_HELPER)",
            _ => "",
        };

    private static string Describe(HelperTypeConfig type) => $"`{type.Name}' ({Words(type)[(type.Name.Length + 1)..]})";

    private static string Words(HelperTypeConfig type)
    {
        string family = type.Family == AddressFamily.IPv4 ? "inet" : "inet6";
        return $"{type.Name} {family} {(type.Protocol == IpProtocol.Tcp ? "tcp" : "udp")}";
    }
}
