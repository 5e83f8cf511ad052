using System.Text;
using TwinTrack.Conntrack;
using TwinTrack.Helpers;

namespace TwinTrack.Cli.Objects;

/// <summary>The commands of nfct(8) on user-space helpers.</summary>
internal static class HelperCommands
{
    /// <summary>Carries a command out.</summary>
    /// <exception cref="ToolException">It makes no sense, or the kernel refused.</exception>
    public static void Run(NfctCall call, string commandWord)
    {
        using var helpers = new Conntrack.Kernel.Helpers();
        switch (call.Command)
        {
            case NfctCommand.List:
                RefuseWords(call, 0);
                NfctTool.Check(helpers.Get(null, out IReadOnlyList<HelperDefinition> all));
                Print(call, all);
                break;
            case NfctCommand.Add: NfctTool.Check(helpers.Create(Read(call), exclusive: false)); break;
            case NfctCommand.Disable:
                HelperDefinition helper = Read(call);
                NfctTool.Check(helpers.Disable(helper.Name, helper.Family, helper.Protocol));
                break;
            case NfctCommand.Get: Print(call, Get(helpers, Name(call), Family(call), Protocol(call))); break;
            case NfctCommand.Delete:
                string name = Name(call);
                NfctTool.Check(helpers.Delete(name, Family(call), Protocol(call)));
                break;
            case NfctCommand.Flush:
                RefuseWords(call, 0);
                NfctTool.Check(helpers.Delete(null));
                break;
            default:
                throw NfctTool.Error(
                    $"Unknown command: {commandWord}\n{NfctTool.Signature}: Missing command\n"
                    + "nfct helper list|add|delete|disable|get|flush [parameters...]");
        }
    }

    private static HelperDefinition Read(NfctCall call)
    {
        if (call.Words.Length < 3)
        {
            throw NfctTool.Error(
                $"missing parameters\nsyntax: nfct {NfctHelp.Name(call.Command)} helper name family protocol");
        }

        byte family = TimeoutStates.Family(call.Words[1]);
        byte protocol = Layer4(call.Words[2]);
        if (HelperTable.Find(call.Words[0], protocol) is not { } known)
            throw NfctTool.Error("that helper is not supported");
        return new HelperDefinition
        {
            Name = known.Name,
            Family = family,
            Protocol = protocol,
            PrivateDataLength = (uint)known.PrivateBytes,
            Policies = [new(known.Name, known.ExpectMax, known.ExpectSeconds)],
        };
    }

    private static string Name(NfctCall call)
    {
        if (call.Words.Length == 0) throw NfctTool.Error("missing helper policy name");
        RefuseWords(call, 3);
        _ = Family(call); // wrong words are refused before anything is asked
        _ = Protocol(call);
        return call.Words[0];
    }

    private static byte Family(NfctCall call) =>
        call.Words.Length > 1 ? TimeoutStates.Family(call.Words[1]) : AddressFamily.Unspecified;

    private static byte Protocol(NfctCall call) => call.Words.Length > 2 ? Layer4(call.Words[2]) : (byte)0;

    private static byte Layer4(string word) => word switch
    {
        "tcp" => IpProtocol.Tcp,
        "udp" => IpProtocol.Udp,
        _ => throw NfctTool.Error("unsupported layer 4 protocol"),
    };

    private static void RefuseWords(NfctCall call, int allowed)
    {
        if (call.Words.Length > allowed) throw NfctTool.Error("too many arguments");
    }

    // Asked for a family without a protocol, the kernel looks for protocol 0, which no helper has.
    private static IReadOnlyList<HelperDefinition> Get(
        Conntrack.Kernel.Helpers helpers, string name, byte family, byte protocol)
    {
        if (family == AddressFamily.Unspecified || protocol != 0)
        {
            NfctTool.Check(helpers.Get(name, out IReadOnlyList<HelperDefinition> one, family, protocol));
            return one;
        }

        NfctTool.Check(helpers.Get(null, out IReadOnlyList<HelperDefinition> all));
        return [.. all.Where(helper => helper.Name == name && helper.Family == family)];
    }

    private static void Print(NfctCall call, IReadOnlyList<HelperDefinition> helpers)
    {
        foreach (HelperDefinition helper in helpers)
        {
            if (call.IsJson) PrintJson(call, helper);
            else Print(call, helper);
        }
    }

    private static void Print(NfctCall call, HelperDefinition helper)
    {
        var text = new StringBuilder();
        text.Append($"{{\n\t.name = {helper.Name},\n\t.queuenum = {helper.Queue},\n");
        text.Append($"\t.l3protonum = {helper.Family},\n\t.l4protonum = {helper.Protocol},\n");
        text.Append($"\t.priv_data_len = {helper.PrivateDataLength},\n");
        text.Append($"\t.status = {(helper.IsEnabled == true ? "enabled" : "disabled")},\n}};\n");
        call.Output.Write(text.ToString());
    }

    private static void PrintJson(NfctCall call, HelperDefinition helper)
    {
        LineWriter line = new(call.Output.GetSpan(2048));
        JsonText json = default;
        json.Open(ref line);
        json.PutText(ref line, "name"u8, Encoding.UTF8.GetBytes(helper.Name));
        json.PutText(ref line, "family"u8, FlowNames.Family(helper.Family));
        json.PutNumber(ref line, "protocol_number"u8, helper.Protocol);
        json.PutNumber(ref line, "queue"u8, helper.Queue);
        json.PutNumber(ref line, "private_bytes"u8, helper.PrivateDataLength);
        if (helper.IsEnabled is { } isEnabled) json.PutFlag(ref line, "enabled"u8, isEnabled);
        json.Close(ref line);
        line.Write((byte)'\n');
        call.Output.Advance(line.Length);
    }
}
