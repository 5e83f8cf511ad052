using System.Diagnostics;
using System.Text.Json;
using TwinTrack.Lab;
using TwinTrack.Testing;

namespace TwinTrack.Interop.Tests;

/// <summary>A finding as <c>twintrack doctor --json</c> tells it.</summary>
internal sealed record DoctorFinding(string Level, string Topic, string Text, string? Advice)
{
    public override string ToString() => $"{Level} {Topic}: {Text} -> {Advice}";
}

/// <summary>A firewall in perfect health with two links to a peer, for tests that spoil one thing.</summary>
internal sealed class DoctorPlace : IDisposable
{
    /// <summary>The rule set of the healthy firewall.</summary>
    public const string Rules =
        """
        table inet firewall {
            chain forward {
                type filter hook forward priority filter; policy drop;
                ct state invalid drop
                ct state established,related accept
                tcp flags & (fin|syn|rst|ack) == syn ct state new accept
            }
            chain input {
                type filter hook input priority filter; policy drop;
                iifname "sync0" accept
                iifname "sync1" accept
                ct state established,related accept
            }
        }
        """;

    private static readonly string Program = Path.Combine(
        Repository.Root, "artifacts", "bin", "twintrack", "release_net10.0_linux-x64", "twintrack");

    private readonly RunDirectory _directory = RunDirectory.Create();
    private readonly List<Process> _processes = [];

    public DoctorPlace()
    {
        Home = _directory.CreateNamespace("one");
        Peer = _directory.CreateNamespace("two");
        Home.Ip($"link add sync0 type veth peer name sync0 netns {Peer.Name}\n");
        Home.Ip($"link add sync1 type veth peer name sync1 netns {Peer.Name}\n");
        foreach ((NetNamespace end, int number) in ((NetNamespace, int)[])[(Home, 1), (Peer, 2)])
        {
            end.Ip(
                $"""
                link set lo up
                address add 10.77.3.{number}/24 dev sync0
                address add 10.77.4.{number}/24 dev sync1
                link set sync0 up
                link set sync1 up

                """);
        }

        Load(Rules);
        Home.WriteSetting("net/ipv4/ip_forward", "1");
        Home.WriteSetting("net/netfilter/nf_conntrack_tcp_loose", "0");
        Home.WriteSetting("net/netfilter/nf_conntrack_events", "1");
        Config = Text;
    }

    public NetNamespace Home { get; }

    public NetNamespace Peer { get; }

    /// <summary>What the configuration file will say.</summary>
    public string Config { get; set; }

    public string Folder => _directory.Path;

    public string ControlPath => Folder + "/n.ctl";

    public string LockPath => Folder + "/n.lock";

    private string ConfigPath => Folder + "/n.conf";

    private string Text =>
        $$"""
        General {
            HashLimit {{Home.ReadSetting("net/netfilter/nf_conntrack_max")}}
            LockFile {{LockPath}}
            UNIX { Path {{ControlPath}} }
            NetlinkBufferSize 65536
            NetlinkBufferSizeMaxGrowth 131072
            Filter From Userspace { Address Ignore { IPv4_address 10.77.3.1 IPv4_address 10.77.4.1 } }
        }
        Sync {
            Mode FTFW { }
            UDP {
                IPv4_address 10.77.3.1
                IPv4_Destination_Address 10.77.3.2
                Port 3780
                Interface sync0
                RcvSocketBuffer 65536
            }
            UDP {
                IPv4_address 10.77.4.1
                IPv4_Destination_Address 10.77.4.2
                Port 3780
                Interface sync1
            }
        }

        """;

    /// <summary>Puts another text in the place of a part of the configuration.</summary>
    public void Change(string part, string instead)
    {
        if (!Config.Contains(part, StringComparison.Ordinal)) throw new ArgumentException(part, nameof(part));
        Config = Config.Replace(part, instead, StringComparison.Ordinal);
    }

    /// <summary>Replaces the rule set.</summary>
    public void Load(string rules) => Home.Require(["nft", "-f", "-"], "flush ruleset\n" + rules);

    /// <summary>Starts a conntrackd with the configuration as it is now.</summary>
    public Process StartDaemon(Make make, string name = "n")
    {
        File.WriteAllText(ConfigPath, Config);
        string path = $"{Folder}/{name}.conf";
        File.WriteAllText(path, Config.Replace(Folder + "/n.", $"{Folder}/{name}.", StringComparison.Ordinal));
        Process process = Home.Start($"{Folder}/{name}.out", Programs.PathOf(make), "-C", path);
        _processes.Add(process);
        Eventually.Holds(() => Command.Run(Programs.PathOf(make), ["-C", path, "-s"]).ExitCode == 0
            ? null : process.HasExited ? File.ReadAllText($"{Folder}/{name}.out") : "it does not answer");
        return process;
    }

    /// <summary>Calls the doctor.</summary>
    /// <param name="starter">A program and its arguments that starts it.</param>
    /// <param name="arguments">More arguments for it.</param>
    public CommandResult Call(string[] starter, params string[] arguments)
    {
        File.WriteAllText(ConfigPath, Config);
        return Home.Execute([.. starter, Program, "doctor", "-C", ConfigPath, .. arguments]);
    }

    /// <summary>Calls the doctor and reads what it found.</summary>
    public List<DoctorFinding> Examine(params string[] starter)
    {
        CommandResult result = Call(starter, "--json");
        using JsonDocument document = JsonDocument.Parse(result.Output);
        List<DoctorFinding> findings =
        [
            .. document.RootElement.GetProperty("findings").EnumerateArray().Select(one => new DoctorFinding(
                one.GetProperty("level").GetString()!,
                one.GetProperty("topic").GetString()!,
                one.GetProperty("text").GetString()!,
                one.GetProperty("advice").GetString())),
        ];
        bool hasProblem = findings.Exists(finding => finding.Level == "problem");
        if (result.ExitCode != (hasProblem ? 1 : 0))
            throw new InvalidOperationException($"the exit code is {result.ExitCode}: {result.Output}");
        return findings;
    }

    public void Dispose()
    {
        foreach (Process process in _processes) process.Dispose();
        _directory.Dispose();
    }
}
