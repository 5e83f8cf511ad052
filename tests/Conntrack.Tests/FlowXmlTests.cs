using System.Buffers;
using System.Text;
using System.Xml.Linq;
using TwinTrack.Tests;
using Xunit;

namespace TwinTrack.Conntrack.Tests;

public sealed class FlowXmlTests
{
    public static TheoryData<string> Recordings =>
    [
        .. GoldenFiles.Below("outputs", "i*xml*.out", "e*xml*.out")
            .Where(path => !path.Contains("exp", StringComparison.Ordinal)
                && !path.Contains("cacheless", StringComparison.Ordinal)),
    ];

    [Theory]
    [MemberData(nameof(Recordings))]
    public void Each_element_of_a_recorded_listing_is_reproduced(string path)
    {
        string[] lines = GoldenFiles.Read(path).Split('\n', StringSplitOptions.RemoveEmptyEntries);
        foreach (string line in lines)
        {
            PackedFlow flow = FlowReading.FromXml(line);
            Assert.Equal(line, Text(in flow, new FlowTextStyle(FlowTextParts.Id)));
        }
    }

    [Fact]
    public void Every_element_has_its_place()
    {
        PackedFlow flow = FlowReading.FromLine(
            "tcp 6 119 TIME_WAIT src=10.0.0.1 dst=192.0.2.1 sport=1000 dport=80 packets=6 bytes=327 "
            + "src=192.0.2.1 dst=10.0.0.1 sport=80 dport=1000 packets=4 bytes=228 [ASSURED] mark=42 zone=5 helper=ftp "
            + "use=1 id=99");
        flow.Original.Zone = 7;
        flow.Original.Parts |= TupleParts.Zone;
        flow.TimestampStart = 1_795_217_597_531_707_297;
        flow.TimestampStop = 1_795_217_599_599_159_692;
        flow.SecurityMark = 3;
        Encoding.UTF8.GetBytes("a<b", flow.SecurityContext);
        flow.SecurityContextLength = 3;
        flow.Labels = new LabelBits(2, 0);
        flow.Fields |= FlowFields.TimestampStart | FlowFields.TimestampStop | FlowFields.SecurityMark
            | FlowFields.SecurityContext | FlowFields.Labels;

        FlowTextStyle style = new(
            FlowTextParts.Destroy | FlowTextParts.Timeout | FlowTextParts.Counters | FlowTextParts.Use
            | FlowTextParts.Id | FlowTextParts.KernelTimes | FlowTextParts.EventTime,
            1_795_217_600_000_000_000,
            [null, "alpha"u8.ToArray()]);
        DateTime now = DateTimeOffset.FromUnixTimeSeconds(1_795_217_600).LocalDateTime;
        string when = $"<when><hour>{now.Hour}</hour><min>{now.Minute:00}</min><sec>{now.Second:00}</sec>"
            + $"<wday>{(int)now.DayOfWeek + 1}</wday><day>{now.Day}</day><month>{now.Month}</month>"
            + $"<year>{now.Year}</year></when>";
        Assert.Equal(
            "<flow type=\"destroy\"><meta direction=\"original\">"
            + "<layer3 protonum=\"2\" protoname=\"ipv4\"><src>10.0.0.1</src><dst>192.0.2.1</dst></layer3>"
            + "<layer4 protonum=\"6\" protoname=\"tcp\"><sport>1000</sport><dport>80</dport></layer4><zone>7</zone>"
            + "<counters><packets>6</packets><bytes>327</bytes></counters></meta><meta direction=\"reply\">"
            + "<layer3 protonum=\"2\" protoname=\"ipv4\"><src>192.0.2.1</src><dst>10.0.0.1</dst></layer3>"
            + "<layer4 protonum=\"6\" protoname=\"tcp\"><sport>80</sport><dport>1000</dport></layer4>"
            + "<counters><packets>4</packets><bytes>228</bytes></counters></meta><meta direction=\"independent\">"
            + "<state>TIME_WAIT</state><timeout>119</timeout><mark>42</mark><labels><label>alpha</label></labels>"
            + "<secmark>3</secmark><secctx>a&lt;b</secctx><zone>5</zone><use>1</use><id>99</id><assured/>"
            + "<timestamp><start>1795217597531707297</start><stop>1795217599599159692</stop></timestamp>"
            + "<deltatime>2</deltatime></meta>" + when + "<helper>ftp</helper></flow>",
            Text(in flow, in style));
    }

    [Fact]
    public void An_SCTP_state_has_its_own_name()
    {
        PackedFlow flow = default;
        flow.SctpState = (byte)SctpState.Established;
        flow.Fields = FlowFields.SctpState;
        string text = Text(in flow, new FlowTextStyle(FlowTextParts.None));
        Assert.Contains("<state>ESTABLISHED</state>", text, StringComparison.Ordinal);
    }

    [Fact]
    public void A_flow_of_which_nothing_is_known_is_well_formed()
    {
        PackedFlow flow = default;
        XElement element = XElement.Parse(Text(in flow, new FlowTextStyle(FlowTextParts.None)));
        Assert.Equal(2, element.Elements("meta").Count());
    }

    [Fact]
    public void A_name_from_outside_stays_text()
    {
        PackedFlow flow = default;
        Encoding.UTF8.GetBytes("<&>\"\u0001", flow.Helper);
        flow.Fields = FlowFields.Helper;
        XElement element = XElement.Parse(Text(in flow, new FlowTextStyle(FlowTextParts.None)));
        Assert.Equal("<&>\"?", element.Element("helper")!.Value);
    }

    private static string Text(in PackedFlow flow, in FlowTextStyle style)
    {
        ArrayBufferWriter<byte> output = new();
        FlowXml.Write(output, in flow, in style);
        return Encoding.UTF8.GetString(output.WrittenSpan);
    }
}
