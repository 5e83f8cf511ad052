using System.Text;
using TwinTrack.Cli.CommandLine;
using TwinTrack.Cli.Flows;
using TwinTrack.Cli.Objects;

namespace TwinTrack.Cli.Documents;

/// <summary>Completion of both programs for the usual shells, of the tables the programs read.</summary>
internal static class Completion
{
    private const string Note = "# Made from the option table of the program: change that instead.";

    private static readonly string[] _statuses =
        ["ASSURED", "SEEN_REPLY", "UNSET", "FIXED_TIMEOUT", "EXPECTED", "OFFLOAD", "HW_OFFLOAD", "UNREPLIED"];

    private static readonly string[] _formats =
        ["xml", "json", "save", "extended", "id", "labels", "timestamp", "ktimestamp", "userspace"];

    private static readonly string[] _tables = ["conntrack", "expect", "dying", "unconfirmed"];

    /// <summary>For bash.</summary>
    public static string Bash() =>
        $$"""
        {{Note}}
        _conntrack()
        {
            local cur=${COMP_WORDS[COMP_CWORD]} prev=${COMP_WORDS[COMP_CWORD - 1]} words
            case $prev in
        {{BashValues()}}
                -R | --load-file) compopt -o filenames; mapfile -t COMPREPLY < <(compgen -f -- "$cur"); return ;;
                {{BashCommands()}}) words='{{string.Join(' ', _tables)}} '$(_conntrack_options) ;;
                *) words=$(_conntrack_options) ;;
            esac
            mapfile -t COMPREPLY < <(compgen -W "$words" -- "$cur")
        }

        _conntrack_options()
        {
            local i
            echo '{{string.Join(' ', CommonNames())}}'
            for ((i = 1; i < COMP_CWORD; i++)); do
                case ${COMP_WORDS[i]}:${COMP_WORDS[i + 1]} in
        {{BashProtocols()}}
                esac
            done
        }

        _nfct()
        {
            case $COMP_CWORD in
                1) mapfile -t COMPREPLY < <(compgen -W '{{string.Join(' ', NfctTool.CommandWords)}}' -- "$2") ;;
                2) mapfile -t COMPREPLY < <(compgen -W '{{string.Join(' ', NfctTool.SubsystemWords)}}' -- "$2") ;;
            esac
        }

        complete -F _conntrack conntrack
        complete -F _nfct nfct

        """;

    /// <summary>For zsh.</summary>
    public static string Zsh()
    {
        var text = new StringBuilder();
        text.Append($"#compdef conntrack nfct\n{Note}\n");
        text.Append("if [[ $service == nfct ]]; then\n");
        text.Append($"    _arguments '1:command:({string.Join(' ', NfctTool.CommandWords)})' ");
        text.Append($"'2:subsystem:({string.Join(' ', NfctTool.SubsystemWords)})'\n    return\nfi\n");
        text.Append("local -a options\noptions=(\n");
        foreach (CommandRow row in OptionTable.Commands)
        {
            foreach (string name in (string[])[$"-{row.Letter}", $"--{row.Name}"])
                text.Append($"    '{name}[{Quote(row.Help)}]::table:({string.Join(' ', _tables)})'\n");
        }

        text.Append("    '(-R --load-file)'{-R,--load-file}'[carry out the commands in a file]:file:_files'\n");
        foreach (OptionRow row in OptionTable.Options.Concat(LoadOptions.Rows)) AppendZsh(text, row);
        text.Append(")\nlocal index=$words[(I)(-p|--protonum)]\nif (( index )); then\n    case $words[index+1] in\n");
        foreach (ProtocolRow protocol in ProtocolTable.Known)
        {
            text.Append($"        {protocol.Name}) options+=(\n");
            foreach (OptionRow row in protocol.Options) AppendZsh(text, row, protocol.Number);
            text.Append("        ) ;;\n");
        }

        return text.Append("    esac\nfi\n_arguments -S $options\n").ToString();
    }

    /// <summary>For fish.</summary>
    public static string Fish()
    {
        var text = new StringBuilder();
        text.Append($"{Note}\ncomplete -c conntrack -f\ncomplete -c nfct -f\n");
        foreach (CommandRow row in OptionTable.Commands)
        {
            text.Append($"complete -c conntrack -s {row.Letter} -l {row.Name} -d '{Quote(row.Help)}'\n");
        }

        // A table is a word behind its command, not a value attached to it.
        string behind = BashCommands().Replace(" | ", "|", StringComparison.Ordinal);
        text.Append($"complete -c conntrack -n \"string match -qr -- '^({behind})\\$' (commandline -opc)[-1]\" ");
        text.Append($"-a '{string.Join(' ', _tables)}'\n");

        text.Append("complete -c conntrack -s R -l load-file -r -F -d 'carry out the commands in a file'\n");
        foreach (OptionRow row in OptionTable.Options.Concat(LoadOptions.Rows)) AppendFish(text, row, "", 0);
        foreach (ProtocolRow protocol in ProtocolTable.Known)
        {
            string condition = $" -n \"string match -qr -- '(-p|--protonum[= ]) *{protocol.Name}' (commandline)\"";
            foreach (OptionRow row in protocol.Options) AppendFish(text, row, condition, protocol.Number);
        }

        string commands = string.Join(' ', NfctTool.CommandWords);
        string subsystems = string.Join(' ', NfctTool.SubsystemWords);
        text.Append($"complete -c nfct -n 'test (count (commandline -opc)) -eq 1' -a '{commands}'\n");
        text.Append($"complete -c nfct -n 'test (count (commandline -opc)) -eq 2' -a '{subsystems}'\n");
        return text.ToString();
    }

    // The words that a value can be; empty when it can be anything.
    private static string[] Values(OptionRow row, byte protocol = 0) => row.Id switch
    {
        (int)OptionId.Protocol => [.. ProtocolTable.Known.Select(known => known.Name)],
        (int)OptionId.Family => ["ipv4", "ipv6"],
        (int)OptionId.Status => _statuses,
        (int)OptionId.EventMask => ["ALL", "NEW", "UPDATES", "DESTROY"],
        (int)OptionId.Output => _formats,
        OptionTable.FirstProtocolOption + (int)ProtocolOption.State => ValueReader.States(protocol).ToArray(),
        OptionTable.FirstProtocolOption + (int)ProtocolOption.Role => ["client", "server"],
        _ => [],
    };

    private static IEnumerable<string> Names(OptionRow row)
    {
        if (char.IsAsciiLetter(row.Letter)) yield return $"-{row.Letter}";
        foreach (string name in row.Names) yield return $"--{name}";
    }

    private static IEnumerable<string> CommonNames() =>
    [
        .. OptionTable.Commands.SelectMany(row => (string[])[$"-{row.Letter}", $"--{row.Name}"]),
        .. OptionTable.Options.Concat(LoadOptions.Rows).SelectMany(Names),
    ];

    private static string BashCommands() =>
        string.Join(" | ", OptionTable.Commands.SelectMany(row => (string[])[$"-{row.Letter}", $"--{row.Name}"]));

    private static string BashValues() => string.Join('\n', OptionTable.Options
        .Where(row => Values(row).Length > 0)
        .Select(row => $"        {string.Join(" | ", Names(row))}) words='{string.Join(' ', Values(row))}' ;;"));

    private static string BashProtocols() => string.Join('\n', ProtocolTable.Known.Select(protocol =>
        $"            -p:{protocol.Name} | --protonum:{protocol.Name}) "
        + $"echo '{string.Join(' ', protocol.Options.SelectMany(Names))}' ;;"));

    private static void AppendZsh(StringBuilder text, OptionRow row, byte protocol = 0)
    {
        string[] values = Values(row, protocol);
        string action = values.Length > 0 ? $"({string.Join(' ', values)})" : " ";
        string value = row.Place switch
        {
            ValuePlace.Required => $":{row.ValueName}:{action}",
            ValuePlace.Optional => $"::{row.ValueName}:{action}",
            _ => "",
        };
        foreach (string name in Names(row)) text.Append($"    '{name}[{Quote(row.Help)}]{value}'\n");
    }

    private static void AppendFish(StringBuilder text, OptionRow row, string condition, byte protocol)
    {
        string[] values = Values(row, protocol);
        string list = values.Length > 0 ? $" -a '{string.Join(' ', values)}'" : "";
        string value = row.Place == ValuePlace.Required ? " -x" : "";
        string letter = char.IsAsciiLetter(row.Letter) ? $" -s {row.Letter}" : "";
        foreach (string name in row.Names)
        {
            text.Append($"complete -c conntrack{condition}{letter} -l {name}{value}{list} -d '{Quote(row.Help)}'\n");
            letter = "";
        }
    }

    private static string Quote(string help) => help.Replace("'", "", StringComparison.Ordinal);
}
