namespace TwinTrack.Cli.Tests;

/// <summary>Random command lines of conntrack, of words that mean something. One seed always gives the same.</summary>
internal sealed class RandomArguments(int seed)
{
    private const int LinesOfFile = 5;
    private const int AttachedOneIn = 5;

    private static readonly string[] _addresses = ["10.83.0.1", "10.83.0.2", "10.83.0.77", "10.83.0.9", "0x0a530001"];
    private static readonly string[] _addresses6 = ["fd83::1", "fd83::2", "fd83:0:0::9"];
    private static readonly string[] _networks = ["10.83.0.0/24", "10.83.0.1/32", "10.83.0.0/33", "10.83.0.0/", "foo"];
    private static readonly string[] _networks6 = ["fd83::/64", "fd83::1/128", "fd83::/129", "fd83::/x"];
    private static readonly string[] _protocols =
    [
        "tcp", "tcp", "udp", "udp", "icmp", "icmpv6", "gre", "99", "TCP", "17", "0x6", "sctp", "udplite", "47", "esp",
        "nosuch", "256",
    ];

    private static readonly string[] _ports = ["1000", "80", "1001", "53", "1002", "7"];
    private static readonly string[] _states = ["ESTABLISHED", "SYN_SENT", "CLOSE", "TIME_WAIT", "LISTEN", "OPEN"];
    private static readonly string[] _marks = ["0", "1", "5", "0x10/0xf0", "3/3", "05", "5/0"];
    private static readonly string[] _statuses =
    [
        "ASSURED", "SEEN_REPLY", "assured,seen", "FIXED_TIMEOUT", "!ASSURED", "!SEEN_REPLY", "UNREPLIED", "UNSET",
        "EXPECTED", "OFFLOAD", "FOO", "a,",
    ];

    private static readonly string[] _tables = ["conntrack", "c", "expect", "expect", "dying", "unconfirmed", "x"];
    private static readonly string[] _outputs =
    [
        "extended", "id", "xml", "save", "ext,id", "foo", "save,xml", "labels", "userspace", "timestamp", "ktimestamp",
    ];

    private static readonly string[] _labels = ["alpha", "beta", "forty", "alpha,forty", "last", "nosuch", "over"];
    private static readonly string[] _events = ["NEW", "UPDATES", "DESTROY", "NEW,DESTROY", "all", "FOO"];

    private readonly Random _random = new(seed);

    /// <summary>Whether the command is one that listens until it is told to end.</summary>
    public static bool Listens(string[] words) => words.Length > 0 && words[0] is "-E" or "--event" or "--ev";

    /// <summary>The next command line.</summary>
    public string[] Next()
    {
        List<string> words = [];
        string command = Pick(
            "-L", "-L", "-L", "-D", "-D", "-I", "-I", "-A", "-U", "-U", "-G", "-G", "-C", "-F", "-S", "-E", "-V", "-h",
            "");
        if (Chance(6))
            command = Pick("--dump", "--delete", "--create", "--get", "--count", "--up", "--flu", "--ev", "--add");
        if (command.Length > 0) words.Add(command);
        if (Chance(10)) words.Add(Pick(_tables));
        AddRest(words, command);
        return [.. words];
    }

    /// <summary>Lines of a load file.</summary>
    public string[] NextFile()
    {
        var lines = new string[LinesOfFile];
        for (int i = 0; i < lines.Length; i++)
        {
            List<string> words = [Pick("-I", "-I", "-A", "-A", "-U", "-D", "-F", "-L")];
            if (words[0] == "-L" && !Chance(6)) words[0] = "-A";
            if (words[0] == "-F" && !Chance(3)) words[0] = "-I";
            AddRest(words, words[0]);
            if (Chance(8)) words.Insert(0, "conntrack");
            if (Chance(12)) words = [Pick("", "   ", "# nothing", "\t-F  \t")];
            lines[i] = string.Join(Pick(" ", " ", "  ", "\t"), words);
        }

        return lines;
    }

    private void AddRest(List<string> words, string command)
    {
        bool isTable = words.Count > 1;
        bool isIPv6 = Chance(6);
        bool makes = command is "-I" or "-A" or "--create" or "--add";
        bool isBare = command is "-C" or "-F" or "-S" or "-V" or "-h" or "--count" or "--flu" || isTable;
        bool isWhole = !isBare && (makes ? !Chance(8) : Chance(2));
        if (isBare && !Chance(5)) return;
        AddAddresses(words, isIPv6, isWhole);
        if (isWhole || Chance(3)) AddProtocol(words, isWhole);
        if (makes || Chance(20)) words.AddRange(["-t", Pick("600", "900", "1200")]);
        if (isTable && Chance(3)) AddExpectation(words, isIPv6);
        AddOthers(words, command);
        AddSelections(words, command);
        if (Chance(40)) words.Add(Pick("--nosuch", "-k", "junk", "--mask", "--", "-p", "--sport"));
    }

    private void AddAddresses(List<string> words, bool isIPv6, bool isWhole)
    {
        string[] addresses = isIPv6 ? _addresses6 : _addresses;
        string[] networks = isIPv6 ? _networks6 : _networks;
        if (isWhole || Chance(3)) AddValue(words, Pick("-s", "--src", "--orig-src"), Pick(addresses));
        if (isWhole || Chance(4)) AddValue(words, Pick("-d", "--dst", "--orig-d"), Pick(addresses));
        if (Chance(12)) AddValue(words, Pick("-r", "--reply-src"), Pick(addresses));
        if (Chance(12)) AddValue(words, Pick("-q", "--reply-dst"), Pick(addresses));
        if (Chance(20)) AddValue(words, Pick("-s", "-d", "--src", "--dst", "-r"), Pick(networks));
        if (Chance(30)) AddValue(words, "--mask-src", isIPv6 ? "ffff:ffff::" : "255.255.255.0");
        if (Chance(30)) AddValue(words, "--mask-dst", isIPv6 ? "ffff::" : "255.255.0.0");
        if (Chance(30)) words.AddRange(["-d", Pick(_addresses6)]);
    }

    private void AddProtocol(List<string> words, bool isWhole)
    {
        string protocol = Pick(_protocols);
        AddValue(words, Pick("-p", "--protonum"), protocol);
        switch (protocol)
        {
            case "tcp" or "TCP" or "0x6" or "udp" or "17" or "sctp" or "udplite":
                if (isWhole || Chance(2)) AddValue(words, Pick("--sport", "--orig-port-src"), Pick(_ports));
                if (isWhole || Chance(2)) AddValue(words, Pick("--dport", "--orig-port-dst"), Pick(_ports));
                if (Chance(12)) AddValue(words, "--reply-port-src", Pick(_ports));
                if (Chance(12)) AddValue(words, "--reply-port-dst", Pick(_ports));
                if (protocol is "tcp" or "TCP" or "0x6" && (isWhole || Chance(3)) && !Chance(8))
                    AddValue(words, "--state", Pick(_states));
                if (protocol is "sctp" && isWhole)
                    words.AddRange(["--state", Pick("ESTABLISHED", "CLOSED"), "--orig-vtag", "0", "--reply-vtag", "0"]);
                if (Chance(30))
                    AddValue(words, Pick("--mask-port-src", "--tuple-port-dst", "--role", "--icmp-id"), "1");
                break;
            case "icmp":
                if (isWhole || Chance(2))
                    words.AddRange(["--icmp-type", Pick("8", "8", "0", "13", "3"), "--icmp-code", Pick("0", "0", "1")]);
                if (isWhole || Chance(2)) AddValue(words, "--icmp-id", Pick("77", "9"));
                break;
            case "icmpv6":
                if (isWhole || Chance(2)) words.AddRange(["--icmpv6-type", Pick("128", "129"), "--icmpv6-code", "0"]);
                if (Chance(3)) AddValue(words, "--icmpv6-id", "9");
                break;
            case "gre" or "47":
                if (isWhole) words.AddRange(["--srckey", Pick("0x10", "17"), "--dstkey", Pick("1", "0x20")]);
                if (Chance(9)) words.AddRange(["--reply-key-src", Pick("1", "0x20")]);
                break;
        }
    }

    private void AddExpectation(List<string> words, bool isIPv6)
    {
        string[] addresses = isIPv6 ? _addresses6 : _addresses;
        string mask = isIPv6 ? "ffff:ffff:ffff:ffff:ffff:ffff:ffff:ffff" : "255.255.255.255";
        words.AddRange(["--tuple-src", Pick(addresses), "--tuple-dst", Pick(addresses), "-t", "60"]);
        words.AddRange(["--mask-src", mask, "--mask-dst", mask]);
        words.AddRange(["--tuple-port-src", "0", "--tuple-port-dst", Pick(_ports)]);
        words.AddRange(["--mask-port-src", "0", "--mask-port-dst", "65535"]);
    }

    private void AddOthers(List<string> words, string command)
    {
        bool makes = command is "-I" or "-A";
        if (Chance(8)) AddValue(words, Pick("-m", "--mark"), Pick(_marks));
        if (Chance(8)) AddValue(words, Pick("-u", "--status"), Pick(_statuses));
        if (Chance(makes ? 40 : 10)) AddValue(words, Pick("-f", "--family"), Pick("ipv4", "ipv6", "ipv4", "ipx"));
        if (Chance(makes ? 40 : 8)) AddValue(words, Pick("-o", "--output"), Pick(_outputs));
        if (Chance(15)) AddValue(words, Pick("-w", "--zone"), Pick("0", "5"));
        if (Chance(20) || (makes && Chance(4)))
            words.AddRange([Pick("-n", "--src-nat"), Pick("10.83.0.9", "10.83.0.9:99")]);
        if (Chance(20))
            words.AddRange([Pick("-g", "--dst-nat"), Pick("10.83.0.8", "10.83.0.8:81", ":1", "10.83.0.8/24")]);
        if (Chance(30)) words.Add(Pick("-j", "-n", "-g"));
        if (Chance(40)) words.AddRange(["-j", Pick("10.83.0.9", "10.83.0.9:7", "[fd83::1]:5", "1.2.3.4:x")]);
    }

    private void AddSelections(List<string> words, string command)
    {
        if (Chance(40)) AddValue(words, "-i", "5");
        if (Chance(40)) AddValue(words, Pick("--orig-zone", "--reply-zone"), "5");
        if (Chance(40)) words.Add(Pick("-z", "--zero"));
        if (Chance(60)) AddValue(words, Pick("-c", "--secmark"), "0");
        if (Chance(60)) AddValue(words, Pick("-b", "--buffer-size"), "100000");
        if (Chance(60)) AddValue(words, Pick("-a", "--nat-range"), "x");
        if (Chance(12)) AddValue(words, Pick("-l", "--label"), Pick(_labels));
        if (Chance(command is "-U" or "-I" ? 6 : 50)) AddValue(words, "--label-add", Pick(_labels));
        if (Chance(command is "-U" ? 8 : 50)) words.Add("--label-del");
        if (Chance(command is "-U" ? 8 : 50)) words.AddRange(["--label-del", Pick(_labels)]);
        if (Chance(Listens([command]) ? 3 : 50)) AddValue(words, Pick("-e", "--event-mask"), Pick(_events));
    }

    // A value stands behind its option, in a word of its own or not.
    private void AddValue(List<string> words, string option, string value)
    {
        if (!Chance(AttachedOneIn)) words.AddRange([option, value]);
        else words.Add(option.StartsWith("--", StringComparison.Ordinal) ? $"{option}={value}" : option + value);
    }

    private bool Chance(int oneIn) => _random.Next(oneIn) == 0;

    private string Pick(params string[] words) => words[_random.Next(words.Length)];
}
