using TwinTrack.Cli.Flows;
using TwinTrack.Cli.Objects;
using TwinTrack.Conntrack;

namespace TwinTrack.Cli.Documents;

/// <summary>The manual page nfct(8), of the tables that the program reads its command line by.</summary>
internal static class NfctManual
{
    /// <summary>The page.</summary>
    public static string Write()
    {
        var page = new Roff("nfct", $"TwinTrack {ConntrackTool.ProgramVersion}");
        page.Section("NAME").Paragraph("nfct - timeout policies and user-space helpers of connection tracking");
        page.Section("SYNOPSIS").Example("nfct COMMAND SUBSYSTEM [PARAMETER ...] [-o json]");
        page.Section("DESCRIPTION").Paragraph(
            "A timeout policy is a named set of timeouts for one protocol; a rule gives it to flows. A user-space "
            + "helper follows protocols that announce further connections. Words may be shortened. The older order, "
            + "subsystem first, is understood, too.");
        page.Section("COMMANDS");
        foreach (NfctRow row in NfctHelp.Rows)
        {
            string head = $"nfct {NfctHelp.Name(row.Command)} {NfctHelp.Name(row.Subsystem)} {row.Parameters}";
            page.Item(head.TrimEnd(), $"{char.ToUpperInvariant(row.Help[0])}{row.Help[1..]}.");
        }

        page.Section("FAMILIES AND PROTOCOLS").Paragraph("A family is inet or inet6. A protocol is a name: ");
        foreach (ProtocolRow protocol in ProtocolTable.Known) Add(page, protocol.Name, protocol.Number);
        Add(page, "generic", TimeoutPolicy.GenericProtocol);
        page.Section("OUTPUT").Paragraph(
            "With -o json at the end, policies and helpers are shown as one JSON object a line: name, family, "
            + "protocol_number, uses and seconds (by state) of a policy; name, family, protocol_number, queue, "
            + "private_bytes and enabled of a helper.");
        page.Section("EXIT STATUS").Item("0", "Done.").Item("1", "Anything else.");
        page.Section("EXAMPLES").Example(
            "nfct add timeout short inet tcp established 600 close_wait 20",
            "nft add rule ip filter prerouting tcp dport 80 ct timeout set \"short\"",
            "nfct get timeout short");
        page.Section("SEE ALSO").Paragraph("conntrack(8), conntrackd(8)");
        return page.ToString();
    }

    private static void Add(Roff page, string name, byte protocol) =>
        page.Item(name, $"States: {string.Join(", ", TimeoutStates.Of(protocol))}.");
}
