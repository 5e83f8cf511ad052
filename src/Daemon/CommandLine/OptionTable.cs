using TwinTrack.Daemon.Control;

namespace TwinTrack.Daemon.CommandLine;

/// <summary>An optional word after an option; any beginning of it counts, the first that fits wins.</summary>
/// <param name="Text">The word.</param>
/// <param name="Request">What it asks for.</param>
internal sealed record OptionWord(string Text, ControlRequest Request)
{
    /// <summary>Warning for a word of old scripts; help does not show it.</summary>
    public string? Warning { get; init; }
}

/// <summary>One row of the command line: parser, help and manual read it.</summary>
/// <param name="Letter">The option without its dash.</param>
/// <param name="Mode">What the call becomes; null when the option changes nothing of that.</param>
/// <param name="Help">What it does, in one line.</param>
internal sealed record Option(char Letter, InvocationMode? Mode, string Help)
{
    /// <summary>Long form without its dashes; null when there is none.</summary>
    public string? LongName { get; init; }

    /// <summary>Name of the value that has to follow as the next argument; null: none.</summary>
    public string? Value { get; init; }

    /// <summary>Words that may follow.</summary>
    public IReadOnlyList<OptionWord> Words { get; init; } = [];

    /// <summary>Whether an unknown word is an error of this option; else it is read as the next option.</summary>
    public bool OwnsNextWord { get; init; }

    /// <summary>What a client sends when no word follows.</summary>
    public ControlRequest? Request { get; init; }

    /// <summary>The option as messages and help name it.</summary>
    public string Name => Letter == '\0' ? $"--{LongName}" : $"-{Letter}";
}

/// <summary>The options of conntrackd.</summary>
internal static class OptionTable
{
    private const string Flows = "ct";
    private const string Expectations = "expect";

    public static readonly Option Xml =
        new('x', null, "print the dump of a preceding -i or -e as XML");

    public static readonly Option Json =
        new('\0', null, "print what -i, -e or -s print as JSON") { LongName = "json" };

    public static readonly Option ConfigFile =
        new('C', null, "read this configuration file") { Value = "FILE" };

    public static readonly IReadOnlyList<Option> General =
    [
        new('d', InvocationMode.Daemon, "run in the background; without commands: in the foreground"),
        ConfigFile,
        new('\0', InvocationMode.Check, "print the configuration in effect and all its problems")
        {
            LongName = "check",
        },
        new('v', InvocationMode.Version, "print the version and end") { LongName = "version" },
        new('h', InvocationMode.Help, "print this help and end") { LongName = "help" },
    ];

    public static readonly IReadOnlyList<Option> Commands =
    [
        Command('c', "put the external cache into the kernel", ControlRequest.Commit,
            new(Flows, ControlRequest.CommitFlows), new(Expectations, ControlRequest.CommitExpectations)),
        Command('f', "empty the caches", ControlRequest.FlushCaches,
            new("internal", ControlRequest.FlushInternalCaches), new("external", ControlRequest.FlushExternalCaches))
            with { OwnsNextWord = true },
        Command('F', "empty the kernel's tables", ControlRequest.FlushKernel,
            new(Flows, ControlRequest.FlushKernelFlows),
            new(Expectations, ControlRequest.FlushKernelExpectations)),
        Command('R', "read the kernel's tables into the internal cache", ControlRequest.ResyncKernel,
            new(Flows, ControlRequest.ResyncKernelFlows),
            new(Expectations, ControlRequest.ResyncKernelExpectations)),
        Command('i', "list the internal cache", ControlRequest.DumpInternalFlows,
            new(Flows, ControlRequest.DumpInternalFlows),
            new(Expectations, ControlRequest.DumpInternalExpectations)),
        Command('e', "list the external cache", ControlRequest.DumpExternalFlows,
            new(Flows, ControlRequest.DumpExternalFlows),
            new(Expectations, ControlRequest.DumpExternalExpectations)),
        Xml,
        Json,
        Command('B', "send the whole internal cache to the peers", ControlRequest.SendBulk),
        Command('n', "ask the peers for all of theirs", ControlRequest.RequestResync),
        Command('t', "empty the kernel's flow table after PurgeTimeout", ControlRequest.Purge),
        Command('s', "print statistics", ControlRequest.FlowStatistics,
            new("network", ControlRequest.NetworkStatistics),
            new("cache", ControlRequest.CacheStatistics),
            new("runtime", ControlRequest.RuntimeStatistics),
            new("multicast", ControlRequest.LinkStatistics)
            {
                Warning = "use `link' instead of `multicast' as parameter.",
            },
            new("link", ControlRequest.LinkStatistics),
            new("rsqueue", ControlRequest.ResendQueueStatistics),
            new("process", ControlRequest.ProcessStatistics),
            new("queue", ControlRequest.QueueStatistics),
            new(Flows, ControlRequest.FlowStatistics),
            new(Expectations, ControlRequest.ExpectationStatistics)) with { OwnsNextWord = true },
        Command('k', "stop the daemon", ControlRequest.Stop),
    ];

    /// <summary>The row of an argument, null when there is none.</summary>
    public static Option? Find(string argument) =>
        General.FirstOrDefault(option => IsNamed(option, argument))
        ?? Commands.FirstOrDefault(option => IsNamed(option, argument));

    /// <summary>The XML form of a dump; null when the request has none.</summary>
    public static ControlRequest? AsXml(ControlRequest? request) => request switch
    {
        ControlRequest.DumpInternalFlows => ControlRequest.DumpInternalFlowsXml,
        ControlRequest.DumpExternalFlows => ControlRequest.DumpExternalFlowsXml,
        ControlRequest.DumpInternalExpectations => ControlRequest.DumpInternalExpectationsXml,
        ControlRequest.DumpExternalExpectations => ControlRequest.DumpExternalExpectationsXml,
        _ => null,
    };

    /// <summary>Whether the request is the XML form of a dump.</summary>
    public static bool IsXml(ControlRequest request) => request
        is ControlRequest.DumpInternalFlowsXml or ControlRequest.DumpExternalFlowsXml
        or ControlRequest.DumpInternalExpectationsXml or ControlRequest.DumpExternalExpectationsXml;

    private static bool IsNamed(Option option, string argument) =>
        option.Letter != '\0' && argument.Length == 2 && argument[0] == '-' && argument[1] == option.Letter
        || option.LongName is not null && argument == $"--{option.LongName}";

    private static Option Command(char letter, string help, ControlRequest request, params OptionWord[] words) =>
        new(letter, InvocationMode.Client, help) { Request = request, Words = words };
}
