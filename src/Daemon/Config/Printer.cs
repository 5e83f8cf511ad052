using System.Net;
using System.Text;
using TwinTrack.Conntrack;
using TwinTrack.Replication;

namespace TwinTrack.Daemon.Config;

/// <summary>Writes a configuration as a file: canonical, complete, and readable by conntrackd as well.</summary>
/// <remarks>What it writes parses to an equal configuration. A blank or a line end follows every path.</remarks>
public static class Printer
{
    /// <summary>The file that says what the configuration says.</summary>
    public static string Print(DaemonConfig config)
    {
        var writer = new BlockWriter();
        PrintGeneral(writer, config.General);
        if (config.Sync is { } sync) PrintSync(writer, sync);
        if (config.Stats is { } stats) PrintStats(writer, stats);
        if (config.Helper is { } helper) PrintHelper(writer, helper);
        return writer.ToString();
    }

    private static void PrintGeneral(BlockWriter writer, GeneralConfig general)
    {
        writer.Open("General");
        writer.Set("HashSize", general.HashSize);
        writer.Set("HashLimit", general.HashLimit);
        writer.Set("LogFile", general.LogFile ?? "off");
        writer.Set("Syslog", Facility(general.Syslog));
        if (general.LogLevel != LogLevel.Info) writer.Set("LogLevel", GeneralKeywords.NameOf(general.LogLevel));
        writer.Set("LockFile", general.LockFile);
        writer.Open("UNIX");
        writer.Set("Path", general.ControlPath);
        if (general.ControlGroup is { } group) writer.Set("Group", group);
        writer.Close();
        writer.Set("NetlinkBufferSize", general.NetlinkBufferSize);
        writer.Set("NetlinkBufferSizeMaxGrowth", general.NetlinkBufferSizeMaxGrowth);
        writer.Set("EventIterationLimit", general.EventIterationLimit);
        if (general.PollSeconds is { } poll) writer.Set("PollSecs", poll);
        writer.Set("NetlinkOverrunResync", general.OverrunResyncSeconds switch
        {
            null => "off",
            0 => "on",
            { } seconds => seconds.ToString(),
        });
        writer.Set("NetlinkEventsReliable", general.EventsReliable);
        writer.Set("Systemd", general.Systemd);
        if (general.Scheduler is { } scheduler)
        {
            writer.Open("Scheduler");
            writer.Set("Type", scheduler.Policy == SchedulerPolicy.Fifo ? "FIFO" : "RR");
            writer.Set("Priority", scheduler.Priority);
            writer.Close();
        }

        if (general.Filter is { } filter) PrintFilter(writer, filter);
        writer.Close();
    }

    private static void PrintFilter(BlockWriter writer, FilterConfig filter)
    {
        writer.Open($"Filter From {(filter.InKernel ? "Kernelspace" : "Userspace")}");
        if (OpenSet(writer, "Protocol", filter.ProtocolAction))
        {
            foreach (FilterProtocol protocol in filter.Protocols) writer.Line(protocol.Name);
            writer.Close();
        }

        if (OpenSet(writer, "Address", filter.AddressAction))
        {
            foreach (FilterNetwork network in filter.Networks)
            {
                bool isIPv4 = network.Family == AddressFamily.IPv4;
                string address = network.Network.ToText(network.Family);
                bool isHost = network.PrefixLength == (isIPv4 ? 32 : 128);
                string text = isHost ? address : $"{address}/{network.PrefixLength}";
                writer.Set(isIPv4 ? "IPv4_address" : "IPv6_address", text);
            }

            writer.Close();
        }

        if (OpenSet(writer, "State", filter.StateAction))
        {
            string states = string.Join(' ', filter.States.Select(FilterKeywords.NameOf));
            if (states.Length > 0) writer.Line($"{states} for TCP");
            writer.Close();
        }

        writer.Close();
    }

    private static bool OpenSet(BlockWriter writer, string name, FilterAction action)
    {
        if (action == FilterAction.None) return false;

        writer.Open($"{name} {(action == FilterAction.Accept ? "Accept" : "Ignore")}");
        return true;
    }

    private static void PrintSync(BlockWriter writer, SyncConfig sync)
    {
        writer.Open("Sync");
        PrintMode(writer, sync);
        foreach (LinkConfig link in sync.Links) PrintLink(writer, link, sync.ErrorQueueLength);
        writer.Open("Options");
        writer.Set("TCPWindowTracking", sync.TcpWindowTracking);

        // conntrackd does not know this one.
        if (sync.AnnounceDelayMilliseconds != SyncConfig.DefaultAnnounceDelay)
            writer.Set("AnnounceDelay", sync.AnnounceDelayMilliseconds);
        if (sync.ExpectationHelpers.Count == 0) writer.Set("ExpectationSync", sync.SyncExpectations);
        else
        {
            writer.Open("ExpectationSync");
            foreach (string helper in sync.ExpectationHelpers) writer.Line(helper);
            writer.Close();
        }

        writer.Close();
        writer.Close();
    }

    private static void PrintMode(BlockWriter writer, SyncConfig sync)
    {
        writer.Open($"Mode {SyncKeywords.NameOf(sync.Mode)}");
        if (sync.Mode == SyncModeKind.Alarm)
        {
            writer.Set("RefreshTime", sync.RefreshSeconds);
            writer.Set("CacheTimeout", sync.CacheTimeoutSeconds);

            // conntrackd does not know this one here.
            if (sync.DisableExternalCache) writer.Set("DisableExternalCache", sync.DisableExternalCache);
        }
        else
        {
            if (sync.Mode == SyncModeKind.Ftfw)
            {
                writer.Set("ResendQueueSize", sync.ResendQueueSize);
                writer.Set("ACKWindowSize", sync.AckWindow);
            }
            else
            {
                writer.Set("DisableInternalCache", sync.DisableInternalCache);
            }

            writer.Set("DisableExternalCache", sync.DisableExternalCache);
            writer.Set("StartupResync", sync.StartupResync);
        }

        if (sync.CommitTimeoutSeconds is { } commit) writer.Set("CommitTimeout", commit);
        writer.Set("PurgeTimeout", sync.PurgeSeconds);
        writer.Close();
    }

    private static void PrintLink(BlockWriter writer, LinkConfig link, uint errorQueueLength)
    {
        bool isMulticast = link.Kind == LinkKind.Multicast;
        string ip = link.Remote.AddressFamily == System.Net.Sockets.AddressFamily.InterNetwork ? "IPv4" : "IPv6";
        writer.Open(LinkKeywords.NameOf(link.Kind) + (link.IsDefault ? " Default" : string.Empty));
        if (isMulticast)
        {
            // conntrackd wants the group before the interface.
            writer.Set($"{ip}_address", link.Remote.ToString());
            if (link.Local is not null) writer.Set("IPv4_interface", link.Local.ToString());
        }
        else
        {
            writer.Set($"{ip}_address", link.Local!.ToString());
            foreach (IPAddress peer in link.Destinations) writer.Set($"{ip}_Destination_Address", peer.ToString());
        }

        writer.Set(isMulticast ? "Group" : "Port", link.Port);
        writer.Set("Interface", link.Interface);
        if (link.SendBuffer is { } send) writer.Set("SndSocketBuffer", send);
        if (link.ReceiveBuffer is { } receive) writer.Set("RcvSocketBuffer", receive);
        if (link.Kind == LinkKind.Tcp) writer.Set("ErrorQueueLength", errorQueueLength);
        else writer.Set("Checksum", link.Checksum);
        writer.Close();
    }

    private static void PrintStats(BlockWriter writer, StatsConfig stats)
    {
        writer.Open("Stats");
        writer.Set("LogFile", stats.LogFile ?? "off");
        if (stats.LogFileSize > 0) writer.Set("LogFileSize", stats.LogFileSize);
        if (stats.LogFileKeep != new StatsConfig().LogFileKeep) writer.Set("LogFileKeep", stats.LogFileKeep);
        writer.Set("Syslog", Facility(stats.Syslog));
        writer.Close();
    }

    private static void PrintHelper(BlockWriter writer, HelperConfig helper)
    {
        writer.Open("Helper");
        writer.Set("Setup", helper.Setup);
        foreach (HelperTypeConfig type in helper.Types)
        {
            string family = type.Family == AddressFamily.IPv4 ? "inet" : "inet6";
            writer.Open($"Type {type.Name} {family} {(type.Protocol == HelperKeywords.Tcp ? "tcp" : "udp")}");
            writer.Set("QueueNum", type.QueueNumber);
            if (type.QueueLength > 0) writer.Set("QueueLen", type.QueueLength);
            if (!type.FailOpen) writer.Set("FailOpen", type.FailOpen);
            if (type.LeastPort is { } port) writer.Set("MinimumPort", port);
            foreach (HelperPolicyConfig policy in type.Policies)
            {
                writer.Open($"Policy {policy.Name}");
                writer.Set("ExpectMax", policy.ExpectMax);
                writer.Set("ExpectTimeout", policy.ExpectSeconds);
                writer.Close();
            }

            writer.Close();
        }

        writer.Close();
    }

    private static string Facility(SyslogFacility? facility) =>
        facility is { } named ? GeneralKeywords.NameOf(named) : "off";

    /// <summary>Indents blocks.</summary>
    private sealed class BlockWriter
    {
        private readonly StringBuilder _text = new();
        private int _depth;

        public void Open(string head)
        {
            Line($"{head} {{");
            _depth++;
        }

        public void Close()
        {
            _depth--;
            Line("}");
        }

        public void Set(string keyword, string value) => Line($"{keyword} {value}");

        public void Set(string keyword, uint value) => Line($"{keyword} {value}");

        public void Set(string keyword, bool value) => Line($"{keyword} {(value ? "on" : "off")}");

        public void Line(string text) => _text.Append('\t', _depth).Append(text).Append('\n');

        public override string ToString() => _text.ToString();
    }
}
