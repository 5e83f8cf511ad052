using TwinTrack.Conntrack;

namespace TwinTrack.Interop.Tests;

/// <summary>Something of a flow that does not arrive.</summary>
/// <param name="Reason">Why.</param>
/// <param name="Change">Turns what was sent into what arrives.</param>
internal sealed record Loss(string Reason, Action<Dictionary<string, string>> Change)
{
    /// <summary>Changes the values.</summary>
    /// <returns>Whether there was anything to lose.</returns>
    public bool Apply(Dictionary<string, string> values)
    {
        List<KeyValuePair<string, string>> before = [.. values];
        Change(values);
        return values.Count != before.Count || before.Exists(entry => values[entry.Key] != entry.Value);
    }
}

/// <summary>What a flow loses on its way to the peer, and why. Everything that is not named here must arrive.</summary>
internal static class Losses
{
    /// <summary>A line of the sender's internal cache as the receiver's external cache shows it.</summary>
    public static FlowLine Carried(FlowLine line, Make sender, Make receiver)
    {
        // The reply tuple is not on the wire: the receiver's kernel makes it anew from the original one and the NAT.
        string original = line.Original;
        bool losesZone = sender == Make.Original || receiver == Make.Original;
        if (losesZone && original.Contains(" zone-orig=", StringComparison.Ordinal))
            original = original[..original.IndexOf(" zone-orig=", StringComparison.Ordinal)];
        if (sender == Make.Original) original = WithoutKeys(original, line.Protocol);
        return line with { Original = original, Reply = "" };
    }

    /// <summary>What is lost from the kernel of one to the kernel of the other after a commit.</summary>
    public static IEnumerable<Loss> OfKernels(Make sender, Make receiver, bool tracksWindows)
    {
        if (sender == Make.Original || receiver == Make.Original)
        {
            yield return new(
                "the original knows no attribute for a zone of one direction only", values =>
                {
                    values.Remove(FlowAttributes.OriginalZone);
                    values.Remove(FlowAttributes.ReplyZone);
                });
        }

        if (!tracksWindows)
        {
            yield return new(
                "the state of the TCP window is not replicated, so a recovered flow is liberal",
                values => SetWindow(values, TcpFlags.BeLiberal));
        }
        else if (receiver == Make.Original)
        {
            yield return new(
                "the original gives the window scales without the flag for which the kernel takes them",
                values => SetWindow(values, TcpFlags.None));
        }

        if (sender == Make.Original)
        {
            yield return new(
                "the original sends neither the keys of GRE nor the ports of UDP-Lite",
                values =>
                {
                    values[FlowAttributes.Original] = WithoutKeys(values[FlowAttributes.Original]);
                    values[FlowAttributes.Reply] = WithoutKeys(values[FlowAttributes.Reply]);
                });
        }

        if (receiver != Make.Original) yield break;
        yield return new("the original restores a translated port of TCP and UDP only", LoseSctpPort);
        if (tracksWindows) yield break;
        yield return new(
            "the original makes SCTP flows liberal, too, over a byte of their tag", OverwriteTag);
    }

    private static void LoseSctpPort(Dictionary<string, string> values)
    {
        if (!values[FlowAttributes.Original].StartsWith("sctp", StringComparison.Ordinal)) return;
        string port = values[FlowAttributes.Original].Split(' ')
            .First(part => part.StartsWith("sport=", StringComparison.Ordinal));
        string reply = values[FlowAttributes.Reply];
        values[FlowAttributes.Reply] = $"{reply[..reply.LastIndexOf(' ')]} d{port[1..]}";
    }

    private static void OverwriteTag(Dictionary<string, string> values)
    {
        if (!values.TryGetValue(FlowAttributes.OriginalTag, out string? tag)) return;
        values[FlowAttributes.OriginalTag] = ((uint.Parse(tag) & ~0xffu) | (uint)TcpFlags.BeLiberal).ToString();
    }

    private static void SetWindow(Dictionary<string, string> values, TcpFlags flags)
    {
        if (!values.ContainsKey(FlowAttributes.OriginalFlags)) return;
        values[FlowAttributes.OriginalFlags] = values[FlowAttributes.ReplyFlags] = flags.ToString();
        values[FlowAttributes.OriginalScale] = values[FlowAttributes.ReplyScale] = "0";
    }

    private static string WithoutKeys(string tuple) => tuple.Split(' ')[0] switch
    {
        "gre" => WithoutKeys(tuple, IpProtocol.Gre),
        "udplite" => WithoutKeys(tuple, IpProtocol.UdpLite),
        _ => tuple,
    };

    private static string WithoutKeys(string tuple, byte protocol) =>
        string.Join(' ', tuple.Split(' ').Select(part => (protocol, part.Split('=')[0]) switch
        {
            (IpProtocol.Gre, "srckey" or "dstkey") => part.Split('=')[0] + "=0x0",
            (IpProtocol.UdpLite, "sport" or "dport") => part.Split('=')[0] + "=0",
            _ => part,
        }));
}
