using System.Text.Json;
using TwinTrack.Lab;
using Xunit;

namespace TwinTrack.Cli.Tests;

/// <summary>JSON: one object a line, under the names that the manual promises.</summary>
[Trait("needs", "root")]
public sealed class JsonTests(CaseLab lab) : IClassFixture<CaseLab>
{
    private const string Flow =
        "$CONNTRACK -I -s 10.1.0.1 -d 10.1.0.2 -p tcp --sport 1 --dport 2 --state ESTABLISHED -t 600 -u ASSURED -m 7 "
        + "-n 10.1.0.9 2>/dev/null; ";

    [Fact]
    public void A_flow_is_an_object_with_what_is_known_of_it()
    {
        lab.Load(0);
        JsonElement flow = Assert.Single(Objects(Flow + "$CONNTRACK -L -o json 2>/dev/null"));
        Assert.Equal("ipv4", flow.GetProperty("family").GetString());
        Assert.Equal("tcp", flow.GetProperty("protocol").GetString());
        Assert.Equal("ESTABLISHED", flow.GetProperty("state").GetString());
        Assert.Equal(7, flow.GetProperty("mark").GetInt32());
        Assert.Equal("10.1.0.9", flow.GetProperty("reply").GetProperty("dst").GetString());
        Assert.Equal(1, flow.GetProperty("original").GetProperty("sport").GetInt32());
        Assert.Contains("\"ASSURED\"", flow.GetProperty("status").GetRawText(), StringComparison.Ordinal);
    }

    [Fact]
    public void An_event_says_what_happened_and_who_caused_it()
    {
        lab.Load(0);
        const string Script =
            "$CONNTRACK -E -o json,timestamp >$WORK/events 2>/dev/null & listener=$!; until_it_listens $listener; "
            + Flow
            + "$CONNTRACK -D >/dev/null 2>&1; until_it_rests $listener; kill -TERM $listener; wait $listener; "
            + "cat $WORK/events";
        JsonElement[] events = Objects(Script);
        Assert.Equal("new destroy", string.Join(' ', events.Select(one => one.GetProperty("event").GetString())));
        Assert.All(events, one => Assert.True(one.GetProperty("port_id").GetUInt32() > 0));
        Assert.All(events, one => Assert.True(one.GetProperty("time_ns").GetInt64() > 0));
    }

    [Fact]
    public void Counts_statistics_and_policies_have_their_json_too()
    {
        lab.Load(3);
        Assert.Equal(3, Objects("$CONNTRACK -C -o json")[0].GetProperty("entries").GetInt32());
        Assert.Equal(0, Objects("$CONNTRACK -C expect -o json")[0].GetProperty("entries").GetInt32());
        Assert.All(Objects("$CONNTRACK -S -o json"), cpu => cpu.GetProperty("insert_failed").GetInt32());
        JsonElement policy = Assert.Single(
            Objects("$NFCT add timeout j inet udp replied 5; $NFCT get timeout j -o json; $NFCT delete timeout j"));
        Assert.Equal(5, policy.GetProperty("seconds").GetProperty("REPLIED").GetInt32());
    }

    [Fact]
    public void Every_state_of_a_policy_has_its_name()
    {
        const string Script =
            "for p in tcp udp udplite sctp dccp gre icmp generic; do $NFCT default-get timeout inet $p -o json; done; "
            + "$NFCT default-get timeout inet6 icmpv6 -o json";
        JsonElement[] policies = Objects(Script);
        Assert.True(policies.Length >= 6, $"only {policies.Length}"); // kernels may lack DCCP and UDP-Lite
        Assert.All(
            policies.SelectMany(policy => policy.GetProperty("seconds").EnumerateObject()),
            state => Assert.Matches("^[A-Z_]+[2]?$", state.Name));
        JsonElement sctp = policies.Single(policy => policy.GetProperty("protocol_number").GetInt32() == 132);
        Assert.True(sctp.GetProperty("seconds").GetProperty("HEARTBEAT_SENT").GetInt32() > 0);
    }

    private JsonElement[] Objects(string script)
    {
        CommandResult result = lab.Shell(script);
        return
        [
            .. result.Output.Split('\n', StringSplitOptions.RemoveEmptyEntries)
                .Select(line => JsonDocument.Parse(line).RootElement),
        ];
    }
}
