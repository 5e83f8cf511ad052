using TwinTrack.Conntrack.Kernel;
using TwinTrack.Daemon.Config;
using TwinTrack.Netlink;

namespace TwinTrack.Daemon.Doctor;

/// <summary>The kernel: what it was built with, how it is set, and how large its table is.</summary>
internal sealed class KernelChecks(Findings findings, Machine machine, DaemonConfig config)
{
    private const string Settings = "net/netfilter/nf_conntrack_";
    private const int MostPerBucket = 8;

    private bool IsSync => config.Sync is not null;

    private bool IsPolling => config.General.PollSeconds is not null;

    /// <summary>Looks at all of it.</summary>
    /// <returns>Whether the kernel tracks connections at all.</returns>
    public bool Run()
    {
        if (machine.Setting(Settings + "max") is null)
        {
            findings.Fail("kernel", "connection tracking is not there", HowToGet("NF_CONNTRACK", "nf_conntrack"));
            return false;
        }

        CheckOptions();
        CheckAnswers();
        CheckEvents();
        CheckSettings();
        CheckTable();
        return true;
    }

    private void CheckOptions()
    {
        if (!machine.KnowsKernelOptions)
        {
            findings.Note("kernel",
                "the options it was built with are not to be read (/proc/config.gz, /boot/config-*)");
            return;
        }

        int before = findings.All.Count;
        Want("NF_CONNTRACK_MARK", "marks are not replicated");
        Want("NF_CONNTRACK_ZONES", "zones are not replicated");
        Want("NF_CONNTRACK_LABELS", "labels are not replicated");
        if (config.Helper is { Types.Count: > 0 })
        {
            Need("NETFILTER_NETLINK_QUEUE", "nfnetlink_queue");
            Need("NETFILTER_NETLINK_GLUE_CT", null);
            Need("NF_CT_NETLINK_HELPER", "nfnetlink_cthelper");
        }

        if (config.Stats is not null) Want("NF_CONNTRACK_TIMESTAMP", "logged flows have no duration");
        if (config.Sync?.Links is [{ Kind: LinkKind.Multicast }, ..] && machine.KernelOption("IP_MULTICAST") == 'n')
            findings.Fail("kernel", "it lacks IP multicast (CONFIG_IP_MULTICAST)", "use UDP or TCP for the link");
        if (findings.All.Count == before) findings.Fine("kernel", "it has all options that are needed");
    }

    // Helpers in user space.
    private void Need(string option, string? module)
    {
        if (machine.KernelOption(option) != 'n') return;
        findings.Fail("kernel", $"it lacks CONFIG_{option}, which helpers need",
            $"take a kernel with it{(module is null ? "" : $" (module {module})")}, or leave out section Helper");
    }

    private void Want(string option, string without)
    {
        if (machine.KernelOption(option) == 'n')
            findings.Warn("kernel", $"it lacks CONFIG_{option}: {without}", "take a kernel with it if you need that");
    }

    private void CheckAnswers()
    {
        try
        {
            using var client = new ConntrackClient();
            NetlinkError answer = client.Count(out _);
            if (answer.IsSuccess) findings.Fine("kernel", "it answers for its table (ctnetlink)");
            else if (answer.Code == Errno.NotPermitted) return;   // told with the privileges
            else
                findings.Fail("kernel", $"it does not answer for its table: {answer}", HowToGetNetlink());
        }
        catch (NetlinkException error)
        {
            findings.Fail("kernel", $"it does not answer for its table: {error.Message}", HowToGetNetlink());
        }
    }

    private string HowToGetNetlink() => HowToGet("NF_CT_NETLINK", "nf_conntrack_netlink");

    private string HowToGet(string option, string module) => machine.KernelOption(option) == 'n'
        ? $"take a kernel with CONFIG_{option}"
        : $"modprobe {module}";

    private void CheckEvents()
    {
        switch (machine.Setting(Settings + "events"))
        {
            case null when !IsPolling:
                findings.Fail("events", "the kernel cannot tell of flows (CONFIG_NF_CONNTRACK_EVENTS)",
                    "take a kernel with it, or set PollSecs");
                break;
            case 0 when !IsPolling:
                findings.Fail("events", "the kernel does not tell of flows (nf_conntrack_events is 0)",
                    "sysctl -w net.netfilter.nf_conntrack_events=1");
                break;
            default:
                findings.Fine("events", IsPolling ? "not needed: PollSecs is set" : "the kernel tells of flows");
                break;
        }
    }

    private void CheckSettings()
    {
        if (config.Stats is not null)
        {
            Advise("acct", "logged flows have no counters");
            Advise("timestamp", "logged flows have no duration");
        }

        if (!IsSync) return;
        if (machine.Setting("net/ipv4/ip_forward") == 0 && machine.Setting("net/ipv6/conf/all/forwarding") is 0 or null)
        {
            findings.Warn("forwarding", "this machine forwards nothing (net.ipv4.ip_forward is 0)",
                "sysctl -w net.ipv4.ip_forward=1 on a firewall");
        }

        if (machine.Setting(Settings + "tcp_loose") is > 0)
        {
            findings.Warn("tcp", "a TCP flow that was not recovered is picked up in the middle, without its NAT "
                + "(nf_conntrack_tcp_loose is 1)", "sysctl -w net.netfilter.nf_conntrack_tcp_loose=0");
        }
        else
        {
            findings.Fine("tcp", "TCP flows begin with a SYN (nf_conntrack_tcp_loose is 0)");
        }

        if (config.Sync!.DisableExternalCache && machine.Setting(Settings + "tcp_be_liberal") == 0)
        {
            findings.Warn("tcp", "if both firewalls carry traffic, a TCP flow that comes back to the one it began on "
                + "stalls (nf_conntrack_tcp_be_liberal is 0)",
                "sysctl -w net.netfilter.nf_conntrack_tcp_be_liberal=1 on both");
        }
    }

    private void Advise(string name, string without)
    {
        if (machine.Setting(Settings + name) == 0)
        {
            findings.Warn("statistics", $"{without} (nf_conntrack_{name} is 0)",
                $"sysctl -w net.netfilter.nf_conntrack_{name}=1");
        }
    }

    private void CheckTable()
    {
        long most = machine.Setting(Settings + "max") ?? 0;
        long flows = machine.Setting(Settings + "count") ?? 0;
        long buckets = machine.Setting(Settings + "buckets") ?? 0;
        int before = findings.All.Count;
        if (most > 0 && flows >= most - (most / 10))
        {
            findings.Warn("table", $"{flows} of at most {most} flows: soon the kernel refuses new ones",
                $"sysctl -w net.netfilter.nf_conntrack_max={most * 2}");
        }

        if (buckets > 0 && most > buckets * MostPerBucket)
        {
            findings.Warn("table", $"{most} flows in {buckets} buckets: every packet searches long",
                $"sysctl -w net.netfilter.nf_conntrack_buckets={most / 2}");
        }

        if (most > config.General.HashLimit && !(IsSync && HasNoCache))
        {
            findings.Warn("table", $"the kernel may hold {most} flows, a cache only {config.General.HashLimit} "
                + "(HashLimit): the others are not replicated", $"set HashLimit to {most} on both firewalls");
        }

        if (findings.All.Count == before) findings.Fine("table", $"{flows} of at most {most} flows");
    }

    private bool HasNoCache => config.Sync is { DisableInternalCache: true, DisableExternalCache: true };
}
