using System.Text;
using TwinTrack.Daemon.Config;
using TwinTrack.Tests;

namespace TwinTrack.Fuzz.Targets;

/// <summary>A configuration file: read or refused with its place, and what was read survives being printed.</summary>
internal sealed class ConfigTarget : Target
{
    private static readonly ProtocolNames Protocols = new(() => "sctp 132 SCTP\nfc 133 FC\ngre 47 GRE\n");

    public override string Name => "config";

    private const string Pieces =
        """
        General Sync Stats Helper Filter From Kernelspace Accept Ignore { } Mode FTFW ALARM NOTRACK UDP TCP Multicast
        Default IPv4_address IPv6_address 10.0.0.1/8 fe80::1/64 on off 0 4294967296 for # " NetlinkOverrunResync
        PollSecs HashSize ESTABLISHED Address Protocol State
        """;

    public override IReadOnlyList<byte[]> Words { get; } =
    [
        .. Pieces.Split((char[]?)null, StringSplitOptions.RemoveEmptyEntries).Select(word => Encoding.Latin1.GetBytes($" {word} ")),
        [(byte)'\n'],
    ];

    public override IEnumerable<byte[]> Seeds() =>
        GoldenFiles.Below("conf", "*.conf").Select(path => Encoding.Latin1.GetBytes(GoldenFiles.Read(path)));

    public override ulong Run(ReadOnlySpan<byte> input)
    {
        var signature = new Signature();
        ConfigResult result = ConfigReader.Parse("x", Encoding.Latin1.GetString(input), Protocols);
        signature.AddCount((ulong)result.Problems.Count);
        foreach (ConfigProblem problem in result.Problems.Take(3))
        {
            foreach (char character in problem.Text.Take(12)) signature.Add(character);
        }

        if (result.Config is not { } config)
        {
            if (!result.Problems.Any(problem => problem is { Level: ProblemLevel.Error, Line: > 0 }))
                throw new FuzzFailure("refused without a reason or its place");
            return signature.Value;
        }

        string printed = Printer.Print(config);
        DaemonConfig? again = ConfigReader.Parse("printed", printed, Protocols).Config;
        if (!config.Equals(again)) throw new FuzzFailure($"printed, it is another configuration:\n{printed}");
        signature.Add((ulong)printed.Count(character => character == '\n'));
        return signature.Value;
    }
}
