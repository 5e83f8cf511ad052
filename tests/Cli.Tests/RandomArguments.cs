namespace TwinTrack.Cli.Tests;

/// <summary>Random command lines of conntrack, of words that mean something. One seed always gives the same.</summary>
internal sealed class RandomArguments(int seed)
{
    private static readonly string[] _addresses = ["10.83.0.1", "10.83.0.2", "10.83.0.77", "10.83.0.9", "0x0a530001"];
    private static readonly string[] _addresses6 = ["fd83::1", "fd83::2", "fd83:0:0::9"];
    private static readonly string[] _protocols = ["tcp", "udp", "icmp", "icmpv6", "gre", "99", "TCP", "17", "sctp"];
    private static readonly string[] _ports = ["1000", "80", "1001", "53", "1002", "7"];
    private static readonly string[] _states = ["ESTABLISHED", "SYN_SENT", "CLOSE", "TIME_WAIT", "LISTEN"];
    private static readonly string[] _marks = ["0", "1", "5", "0x10/0xf0", "3/3", "7x"];
    private static readonly string[] _statuses = ["ASSURED", "SEEN_REPLY", "assured,seen", "FIXED_TIMEOUT", "FOO", "a,"];
    private static readonly string[] _tables = ["conntrack", "c", "expect", "dying", "x"];
    private static readonly string[] _outputs = ["extended", "id", "xml", "save", "ext,id", "foo", "save,xml"];

    private readonly Random _random = new(seed);

    /// <summary>The next command line.</summary>
    public string[] Next()
    {
        List<string> words = [];
        string command = Pick("-L", "-L", "-D", "-I", "-I", "-A", "-U", "-G", "-C", "-F", "-S");
        if (Chance(6)) command = Pick("--dump", "--delete", "--create", "--get", "--count", "--up", "--flu");
        words.Add(command);
        if (Chance(12)) words.Add(Pick(_tables));
        bool isIPv6 = Chance(6);
        bool isWhole = Chance(2);
        AddAddresses(words, isIPv6, isWhole);
        if (isWhole || Chance(3)) AddProtocol(words, isWhole);
        if (command is "-I" or "-A" or "--create" || Chance(20)) words.AddRange(["-t", Pick("600", "900", "1200")]);
        AddOthers(words, command);
        if (Chance(40)) words.Add(Pick("--nosuch", "-k", "junk", "--mask", "--"));
        return [.. words];
    }

    private void AddAddresses(List<string> words, bool isIPv6, bool isWhole)
    {
        string[] addresses = isIPv6 ? _addresses6 : _addresses;
        if (isWhole || Chance(3)) words.AddRange([Pick("-s", "--src", "--orig-src"), Pick(addresses)]);
        if (isWhole || Chance(4)) words.AddRange([Pick("-d", "--dst", "--orig-d"), Pick(addresses)]);
        if (Chance(12)) words.AddRange([Pick("-r", "--reply-src"), Pick(addresses)]);
        if (Chance(12)) words.AddRange([Pick("-q", "--reply-dst"), Pick(addresses)]);
        if (Chance(30)) words.AddRange(["-s", Pick("10.83.0.0/24", "10.83.0.0/33", "10.83.0.0/", "foo")]);
        if (Chance(30)) words.AddRange(["--mask-src", "255.255.255.0"]);
        if (Chance(30)) words.AddRange(["-d", Pick(_addresses6)]);
    }

    private void AddProtocol(List<string> words, bool isWhole)
    {
        string protocol = Pick(_protocols);
        words.AddRange([Pick("-p", "--protonum"), protocol]);
        switch (protocol.ToUpperInvariant())
        {
            case "TCP" or "UDP" or "17" or "SCTP":
                if (isWhole || Chance(2)) words.AddRange([Pick("--sport", "--orig-port-src"), Pick(_ports)]);
                if (isWhole || Chance(2)) words.AddRange([Pick("--dport", "--orig-port-dst"), Pick(_ports)]);
                if (protocol is "tcp" or "TCP" && (isWhole || Chance(3))) words.AddRange(["--state", Pick(_states)]);
                if (protocol is "sctp" && isWhole)
                    words.AddRange(["--state", "ESTABLISHED", "--orig-vtag", "0", "--reply-vtag", "0"]);
                break;
            case "ICMP":
                if (isWhole || Chance(2)) words.AddRange(["--icmp-type", Pick("8", "0", "13", "3"), "--icmp-code", "0"]);
                if (isWhole || Chance(2)) words.AddRange(["--icmp-id", Pick("77", "9")]);
                break;
            case "ICMPV6":
                if (isWhole || Chance(2)) words.AddRange(["--icmpv6-type", Pick("128", "129"), "--icmpv6-code", "0"]);
                break;
            case "GRE":
                if (isWhole) words.AddRange(["--srckey", Pick("0x10", "17"), "--dstkey", Pick("1", "0x20")]);
                break;
        }
    }

    private void AddOthers(List<string> words, string command)
    {
        if (Chance(8)) words.AddRange([Pick("-m", "--mark"), Pick(_marks)]);
        if (Chance(8)) words.AddRange([Pick("-u", "--status"), Pick(_statuses)]);
        if (Chance(10)) words.AddRange([Pick("-f", "--family"), Pick("ipv4", "ipv6", "ipx")]);
        if (Chance(10)) words.AddRange([Pick("-o", "--output"), Pick(_outputs)]);
        if (Chance(15)) words.AddRange([Pick("-w", "--zone"), Pick("0", "5")]);
        if (Chance(20) || command is "-I" && Chance(4)) words.AddRange([Pick("-n", "--src-nat"), "10.83.0.9"]);
        if (Chance(25)) words.AddRange(["-g", Pick("10.83.0.8", "10.83.0.8:81", ":1", "10.83.0.8/24")]);
        if (Chance(30)) words.Add(Pick("-j", "-n", "-g"));
        if (Chance(40)) words.AddRange(["-i", "5"]);
        if (Chance(40)) words.AddRange(["--orig-zone", "5"]);
        if (Chance(40)) words.Add("-z");
    }

    private bool Chance(int oneIn) => _random.Next(oneIn) == 0;

    private string Pick(params string[] words) => words[_random.Next(words.Length)];
}
