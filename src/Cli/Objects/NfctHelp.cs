using System.Text;
using TwinTrack.Cli.Output;

namespace TwinTrack.Cli.Objects;

/// <summary>A form of a command of nfct(8), for help, manual and completion.</summary>
/// <param name="Command">The command.</param>
/// <param name="Subsystem">What it works on.</param>
/// <param name="Parameters">What follows.</param>
/// <param name="Help">What it does, in one line.</param>
internal sealed record NfctRow(NfctCommand Command, NfctSubsystem Subsystem, string Parameters, string Help);

/// <summary>What nfct(8) says about itself.</summary>
internal static class NfctHelp
{
    private const string NamedHelper = "NAME [FAMILY [PROTO]]";

    /// <summary>Every form of every command.</summary>
    public static readonly NfctRow[] Rows =
    [
        new(NfctCommand.List, NfctSubsystem.Timeout, "", "show all timeout policies"),
        new(NfctCommand.Add, NfctSubsystem.Timeout, "NAME FAMILY PROTO STATE SECONDS ...", "make a timeout policy"),
        new(NfctCommand.Get, NfctSubsystem.Timeout, "NAME", "show a timeout policy"),
        new(NfctCommand.Delete, NfctSubsystem.Timeout, "NAME", "delete a timeout policy that no rule uses"),
        new(NfctCommand.Flush, NfctSubsystem.Timeout, "", "delete all timeout policies that no rule uses"),
        new(NfctCommand.DefaultSet, NfctSubsystem.Timeout, "FAMILY PROTO STATE SECONDS ...",
            "set the timeouts of flows without a policy"),
        new(NfctCommand.DefaultGet, NfctSubsystem.Timeout, "FAMILY PROTO",
            "show the timeouts of flows without a policy"),
        new(NfctCommand.List, NfctSubsystem.Helper, "", "show all user-space helpers"),
        new(NfctCommand.Add, NfctSubsystem.Helper, "NAME FAMILY PROTO", "announce a user-space helper"),
        new(NfctCommand.Disable, NfctSubsystem.Helper, "NAME FAMILY PROTO",
            "keep packets from a user-space helper"),
        new(NfctCommand.Get, NfctSubsystem.Helper, NamedHelper, "show user-space helpers of a name"),
        new(NfctCommand.Delete, NfctSubsystem.Helper, NamedHelper, "delete user-space helpers of a name"),
        new(NfctCommand.Flush, NfctSubsystem.Helper, "", "delete all user-space helpers"),
    ];

    /// <summary>Writes the help.</summary>
    public static void Write(ByteOutput output)
    {
        var text = new StringBuilder();
        text.Append($"{NfctTool.Signature}: timeouts and helpers of connection tracking.\n{NfctTool.Usage}\n\n");
        foreach (NfctRow row in Rows)
        {
            text.Append($"  nfct {Name(row.Command)} {Name(row.Subsystem)} {row.Parameters}".TrimEnd());
            text.Append($"\n          {row.Help}\n");
        }

        text.Append("\nFAMILY is inet or inet6. With -o json at the end, objects are shown as JSON.\n");
        output.Write(text.ToString());
    }

    /// <summary>Writes the version.</summary>
    public static void WriteVersion(ByteOutput output)
    {
        output.Write($"{NfctTool.Signature}: utility for the Netfilter's Connection Tracking System\n");
        output.Write("Part of TwinTrack. Copyright the TwinTrack developers.\n"u8);
        output.Write("Licensed under the Apache License, version 2.0: use, change and pass it on as you like,\n"u8);
        output.Write("as long as its notices stay with it.\n"u8);
        output.Write("It comes without any warranty, as far as the law allows.\n"u8);
    }

    /// <summary>The word of a command.</summary>
    public static string Name(NfctCommand command) => NfctTool.CommandWords[(int)command];

    /// <summary>The word of a subsystem.</summary>
    public static string Name(NfctSubsystem subsystem) => NfctTool.SubsystemWords[(int)subsystem];
}
