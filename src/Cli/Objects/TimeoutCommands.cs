using System.Text;
using TwinTrack.Cli.CommandLine;
using TwinTrack.Conntrack;
using TwinTrack.Conntrack.Kernel;
using TwinTrack.Netlink;

namespace TwinTrack.Cli.Objects;

/// <summary>The commands of nfct(8) on timeout policies.</summary>
internal static class TimeoutCommands
{
    /// <summary>Carries a command out.</summary>
    /// <exception cref="ToolException">It makes no sense, or the kernel refused.</exception>
    public static void Run(NfctCall call)
    {
        using var policies = new TimeoutPolicies();
        switch (call.Command)
        {
            case NfctCommand.List: List(call, policies); break;
            case NfctCommand.Add: Add(call, policies); break;
            case NfctCommand.Delete: NfctTool.Check(policies.Delete(Name(call))); break;
            case NfctCommand.Get:
                NfctTool.Check(policies.Get(Name(call), out TimeoutPolicy? policy));
                Print(call, policy!);
                break;
            case NfctCommand.Flush:
                RefuseWords(call);
                NfctTool.Check(policies.DeleteUnused());
                break;
            case NfctCommand.DefaultSet: SetDefault(call, policies); break;
            case NfctCommand.DefaultGet: GetDefault(call, policies); break;
            default:
                throw NfctTool.Error(
                    "Missing command\n"
                    + "nfct <list|add|delete|get|default-set|default-get|flush> timeout [<parameters>, ...]");
        }
    }

    private static void List(NfctCall call, TimeoutPolicies policies)
    {
        RefuseWords(call);
        NfctTool.Check(policies.GetAll(out IReadOnlyList<TimeoutPolicy> all));
        foreach (TimeoutPolicy policy in all) Print(call, policy);
    }

    private static void Add(NfctCall call, TimeoutPolicies policies)
    {
        if (call.Words.Length < 3)
        {
            throw NfctTool.Error(
                "missing parameters\nsyntax: nfct add timeout name family protocol state1 timeout1 ...");
        }

        TimeoutPolicy policy = Read(Cut(call.Words[0]), call.Words.AsSpan(1));
        if (policy.Seconds.Count == 0) NfctTool.Check(new(Errno.Invalid)); // a policy that is none
        NetlinkError error = policies.Create(policy);
        if (error.Code == Errno.Exists) error = new(Errno.Busy); // what scripts know
        NfctTool.Check(error);
    }

    private static void SetDefault(NfctCall call, TimeoutPolicies policies)
    {
        if (call.Words.Length < 3)
        {
            throw NfctTool.Error(
                "missing parameters\nsyntax: nfct default-set timeout family protocol state1 timeout1...");
        }

        NfctTool.Check(policies.SetDefault(Read("", call.Words)));
    }

    private static void GetDefault(NfctCall call, TimeoutPolicies policies)
    {
        if (call.Words.Length < 2)
        {
            throw NfctTool.Error("missing parameters\nsyntax: nfct default-get timeout family protocol");
        }

        byte family = TimeoutStates.Family(call.Words[0]);
        byte protocol = Protocol(call.Words[1]);
        NfctTool.Check(policies.GetDefault(family, protocol, out TimeoutPolicy? policy));
        Print(call, policy!);
    }

    // Family, protocol, and pairs of state and seconds.
    private static TimeoutPolicy Read(string name, ReadOnlySpan<string> words)
    {
        var policy = new TimeoutPolicy
        {
            Name = name,
            Family = TimeoutStates.Family(words[0]),
            Protocol = Protocol(words[1]),
        };
        for (int i = 2; i < words.Length; i += 2)
        {
            int state = TimeoutStates.Number(policy.Protocol, words[i]);
            if (state == 0) throw NfctTool.Error($"Wrong state name: `{words[i]}' for protocol `{words[1]}'");
            if (i + 1 == words.Length) throw NfctTool.Error("missing value for this timeout");
            policy.Set(state, (uint)Numbers.Leading(words[i + 1]));
        }

        return policy;
    }

    private static byte Protocol(string word) =>
        TimeoutStates.Protocol(word) ?? throw NfctTool.Error("unknown layer 4 protocol");

    private static string Name(NfctCall call) => call.Words.Length switch
    {
        0 => throw NfctTool.Error("missing timeout policy name"),
        1 => Cut(call.Words[0]),
        _ => throw NfctTool.Error("too many arguments"),
    };

    private static string Cut(string name) =>
        name.Length > TimeoutPolicy.NameLimit ? name[..TimeoutPolicy.NameLimit] : name;

    private static void RefuseWords(NfctCall call)
    {
        if (call.Words.Length > 0) throw NfctTool.Error("too many arguments");
    }

    private static void Print(NfctCall call, TimeoutPolicy policy)
    {
        if (call.IsJson)
        {
            PrintJson(call, policy);
            return;
        }

        var text = new StringBuilder();
        if (policy.Name.Length > 0) text.Append($".{policy.Name} = {{\n");
        text.Append($"\t.l3proto = {policy.Family},\n\t.l4proto = {policy.Protocol},\n\t.policy = {{\n");
        string[] names = TimeoutStates.Of(policy.Protocol);
        foreach ((int state, uint seconds) in policy.Seconds)
        {
            if (state <= names.Length) text.Append($"\t\t.{names[state - 1]} = {seconds},\n");
        }

        text.Append("\t},\n};\n");
        call.Output.Write(text.ToString());
    }

    private static void PrintJson(NfctCall call, TimeoutPolicy policy)
    {
        LineWriter line = new(call.Output.GetSpan(2048));
        JsonText json = default;
        json.Open(ref line);
        if (policy.Name.Length > 0) json.PutText(ref line, "name"u8, Encoding.UTF8.GetBytes(policy.Name));
        json.PutText(ref line, "family"u8, FlowNames.Family(policy.Family));
        json.PutNumber(ref line, "protocol_number"u8, policy.Protocol);
        if (policy.Name.Length > 0) json.PutNumber(ref line, "uses"u8, policy.Uses);
        json.Open(ref line, "seconds"u8);
        foreach ((int state, uint seconds) in policy.Seconds)
        {
            if (TimeoutStates.Name(policy.Protocol, state) is { } name)
                json.PutNumber(ref line, Encoding.ASCII.GetBytes(name), seconds);
        }

        json.Close(ref line);
        json.Close(ref line);
        line.Write((byte)'\n');
        call.Output.Advance(line.Length);
    }
}
