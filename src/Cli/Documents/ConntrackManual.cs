using TwinTrack.Cli.CommandLine;
using TwinTrack.Cli.Flows;

namespace TwinTrack.Cli.Documents;

/// <summary>The manual page conntrack(8), of the tables that the program reads its command line by.</summary>
internal static class ConntrackManual
{
    /// <summary>The page.</summary>
    public static string Write()
    {
        var page = new Roff("conntrack", $"TwinTrack {ConntrackTool.ProgramVersion}");
        page.Section("NAME").Paragraph("conntrack - show, make, change and delete flows of connection tracking");
        page.Section("SYNOPSIS").Example(
            "conntrack COMMAND [TABLE] [OPTION ...]",
            "conntrack -R FILE [--keep-going | --all-or-nothing]");
        page.Section("DESCRIPTION").Paragraph(
            "The kernel's connection tracking keeps a table of flows and one of expectations, flows that a helper "
            + "announces. conntrack works on both, in the network namespace it runs in. It needs CAP_NET_ADMIN.");
        WriteCommands(page);
        WriteOptions(page);
        WriteProtocols(page);
        WriteFormats(page);
        WriteLoading(page);
        WriteRest(page);
        return page.ToString();
    }

    private static void WriteCommands(Roff page)
    {
        page.Section("COMMANDS");
        foreach (CommandRow row in OptionTable.Commands)
            page.Item($"-{row.Letter}, --{row.Name}", $"{Sentence(row.Help)} Tables: {Tables(row)}.");
        page.Item("-R, --load-file FILE", "Carry out the commands in a file; - for standard input. See LOADING.");
        page.Section("TABLES").Paragraph("A table is the word behind a command; it may be shortened.");
        page.Item("conntrack", "All flows; the table if none is named.");
        page.Item("expect", "Expectations.");
        page.Item("dying", "Flows that ended and whose event could not be delivered yet.");
        page.Item("unconfirmed", "Flows whose first packet is on its way; current kernels do not tell them.");
    }

    private static string Tables(CommandRow row) =>
        row.Id == CommandId.List ? "conntrack, expect, dying, unconfirmed"
        : row.Expectations is null ? "conntrack"
        : "conntrack, expect";

    private static void WriteOptions(Roff page)
    {
        page.Section("OPTIONS").Paragraph(
            "Options select flows, except with -I, -A and -U, where they tell what a flow shall be like: "
            + "for -U, -t, -u, -m, --state, --label-add and --label-del do.");
        foreach (OptionRow row in OptionTable.Options)
            page.Item(HelpText.Head(row), $"{Sentence(row.Help)}{Commands(row)}");
    }

    // The commands whose row of the matrix allows the option; an exclamation mark where it is demanded.
    private static string Commands(OptionRow row)
    {
        if (row.Id >= (int)OptionId.Columns) return "";

        List<string> names = [];
        foreach (CommandRow command in OptionTable.Commands)
        {
            Add(names, command.Flows[row.Id], $"-{command.Letter}");
            if (command.Expectations is { } cells) Add(names, cells[row.Id], $"-{command.Letter} expect");
        }

        return names.Count == 0 ? "" : $" Goes with {string.Join(", ", names)}.";
    }

    private static void Add(List<string> names, char cell, string name)
    {
        if (cell != '.') names.Add(cell == '!' ? $"{name} (needed)" : name);
    }

    private static void WriteProtocols(Roff page)
    {
        page.Section("OPTIONS OF PROTOCOLS").Paragraph("They are known behind -p.");
        foreach (ProtocolRow protocol in ProtocolTable.Known)
        {
            page.Paragraph($"{protocol.Name} ({protocol.Number})");
            foreach (OptionRow row in protocol.Options) page.Item(HelpText.Head(row), Sentence(row.Help));
            ReadOnlySpan<string> states = ValueReader.States(protocol.Number);
            if (states.Length > 0) page.Paragraph($"States: {string.Join(", ", states!)}.");
        }
    }

    private static void WriteFormats(Roff page)
    {
        page.Section("OUTPUT").Item("-o extended", "The address family in front.");
        page.Item("-o id", "The kernel's id of a flow.");
        page.Item("-o labels", "Labels by the names in connlabel.conf.");
        page.Item("-o timestamp", "The time of an event in front of it.");
        page.Item("-o ktimestamp", "When the kernel saw the flow begin and end.");
        page.Item("-o xml", "One XML document, one element a line.");
        page.Item("-o save", "Command lines that make the same flows, for -R.");
        page.Item("-o userspace", "The program that caused an event; always shown.");
        page.Item(
            "-o json",
            "One JSON object a line, with everything that is known. Members: event, time_ns, family, protocol, "
            + "protocol_number, timeout, state, original, reply and master (src, dst, sport, dport, srckey, dstkey, "
            + "type, code, id, zone, packets, bytes), status (a list), mark, secmark, secctx, zone, use, id, start_ns, "
            + "stop_ns, seconds, helper, labels (a list), wscale_original, wscale_reply, tcp_flags_original, "
            + "tcp_flags_reply, vtag_original, vtag_reply, role, handshake_sequence, sequence_original, "
            + "sequence_reply, synproxy, port_id and program (who caused an event). Expectations have expected, mask, "
            + "master, nat, nat_direction, flags, class, function. -C and -S have the members entries and limit, and "
            + "cpu and the names of the counters.");
    }

    private static void WriteLoading(Roff page)
    {
        page.Section("LOADING").Paragraph(
            "Each line of the file is a command line without the program's name: -I, -A, -U, -D or -F on flows. Empty "
            + "lines and those that begin with # do not count; quotation marks keep words together. The whole file is "
            + "read first: a line that makes no sense is reported with its number, and nothing is done. Then the lines "
            + "are carried out until the kernel refuses one.");
        foreach (OptionRow row in LoadOptions.Rows) page.Item($"--{row.Name}", Sentence(row.Help));
    }

    private static void WriteRest(Roff page)
    {
        page.Section("EXIT STATUS");
        page.Item("0", "Done.");
        page.Item("1", "The kernel or the system refused, or nothing was found (-D, -U, -G).");
        page.Item("2", "The command line makes no sense.");
        page.Section("FILES");
        page.Item(LabelMap.Path, "Names of labels: a number and a name a line.");
        page.Item("/etc/protocols", "Names of protocols.");
        page.Section("NOTES").Paragraph(
            "Flows that were there before the first listener began cause no events, unless "
            + "net.netfilter.nf_conntrack_events is 1.");
        page.Section("EXAMPLES").Example(
            "conntrack -L -p tcp --dport 22 -o extended",
            "conntrack -D -s 192.0.2.0/24",
            "conntrack -E -e NEW,DESTROY -o json,timestamp",
            "conntrack -L -o save >flows && conntrack -R flows --keep-going");
        page.Section("SEE ALSO").Paragraph("nfct(8), conntrackd(8)");
    }

    private static string Sentence(string help) => $"{char.ToUpperInvariant(help[0])}{help[1..]}.";
}
