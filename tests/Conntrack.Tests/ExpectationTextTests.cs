using System.Buffers;
using System.Globalization;
using System.Text;
using System.Text.RegularExpressions;
using System.Xml.Linq;
using TwinTrack.Tests;
using Xunit;

namespace TwinTrack.Conntrack.Tests;

public sealed partial class ExpectationTextTests
{
    private const string Recorded =
        "proto=6 src=10.82.0.2 dst=10.82.1.2 sport=0 dport=41739 mask-src=255.255.255.255 mask-dst=255.255.255.255 "
        + "sport=0 dport=65535 master-src=10.82.0.2 master-dst=10.82.1.2 sport=53232 dport=21";

    public static TheoryData<string> Listings =>
    [
        .. GoldenFiles.Below("outputs", "i-exp*.out", "e-exp*.out")
            .Where(path => !path.Contains("xml", StringComparison.Ordinal)),
    ];

    [Theory]
    [MemberData(nameof(Listings))]
    public void Each_recorded_expectation_is_reproduced_as_line_and_element(string path)
    {
        string[] lines = Lines(path);
        string[] elements = Lines(path.Replace("exp-", "exp-xml-", StringComparison.Ordinal));
        foreach ((string line, string element) in lines.Zip(elements))
        {
            string text = Times().Replace(line, "");
            PackedExpectation expectation = Read(text);
            Assert.Equal(text, Text(in expectation, FlowTextParts.None));
            Assert.Equal(element, Xml(in expectation, FlowTextParts.None));
        }
    }

    [Fact]
    public void Every_part_has_its_place()
    {
        PackedExpectation expectation = Read(Recorded + " class=1 helper=ftp");
        expectation.Timeout = 299;
        expectation.Zone = 7;
        expectation.Flags = ExpectationFlags.Permanent | ExpectationFlags.UserSpace;
        expectation.Fields |= ExpectationFields.Timeout | ExpectationFields.Zone | ExpectationFields.Flags;
        Assert.Equal(
            "    [NEW] 299 " + Recorded + " zone=7 PERMANENT,USERSPACE class=1 helper=ftp",
            Text(in expectation, FlowTextParts.New | FlowTextParts.Timeout));
        Assert.EndsWith(
            "<meta><helper-name>ftp</helper-name><timeout>299</timeout><class>1</class><zone>7</zone>"
            + "<permanent/><userspace/></meta></flow>",
            Xml(in expectation, FlowTextParts.New | FlowTextParts.Timeout),
            StringComparison.Ordinal);
    }

    [Fact]
    public void Without_flags_there_is_no_gap()
    {
        PackedExpectation expectation = Read(Recorded + " class=1");
        expectation.Fields |= ExpectationFields.Flags;
        Assert.Equal(Recorded + " class=1", Text(in expectation, FlowTextParts.None));
    }

    [Fact]
    public void An_expectation_of_which_nothing_is_known_is_well_formed()
    {
        PackedExpectation expectation = default;
        Assert.Equal("proto=0", Text(in expectation, FlowTextParts.None));
        Assert.NotNull(XElement.Parse(Xml(in expectation, FlowTextParts.None)).Element("meta"));
    }

    [Fact]
    public void The_longest_expectation_fits_the_promised_length()
    {
        PackedExpectation expectation = default;
        ((Span<byte>)expectation.Helper).Fill((byte)'"');
        expectation.Fields = (ExpectationFields)uint.MaxValue;
        expectation.Flags = (ExpectationFlags)uint.MaxValue;
        (expectation.Timeout, expectation.Class, expectation.Zone) = (uint.MaxValue, uint.MaxValue, ushort.MaxValue);
        Fill(ref expectation.Tuple);
        Fill(ref expectation.Mask);
        Fill(ref expectation.Master);
        const FlowTextParts all = (FlowTextParts)int.MaxValue;
        Assert.InRange(Text(in expectation, all).Length, 400, ExpectationText.MaxLength);
        Assert.InRange(Xml(in expectation, all).Length, 800, ExpectationXml.MaxLength);
    }

    private static void Fill(ref FlowTuple tuple)
    {
        tuple.Source = new Address(ulong.MaxValue, ulong.MaxValue);
        tuple.Destination = tuple.Source;
        tuple.SourcePort = ushort.MaxValue;
        tuple.DestinationPort = ushort.MaxValue;
        tuple.Family = AddressFamily.IPv6;
        tuple.Protocol = IpProtocol.Sctp;
        tuple.Parts = (TupleParts)byte.MaxValue;
    }

    private static PackedExpectation Read(string line)
    {
        PackedExpectation expectation = default;
        ref FlowTuple tuple = ref expectation.Tuple;
        byte protocol = 0;
        foreach (string[] item in line.Split(' ').Select(word => word.Split('=')))
        {
            string value = item[1];
            switch (item[0])
            {
                case "proto": protocol = (byte)Number(value); break;
                case "src" or "mask-src" or "master-src":
                    if (item[0].StartsWith("mask", StringComparison.Ordinal)) tuple = ref expectation.Mask;
                    if (item[0].StartsWith("master", StringComparison.Ordinal)) tuple = ref expectation.Master;
                    Assert.True(Address.TryParse(value, out tuple.Source, out tuple.Family));
                    tuple.Protocol = protocol;
                    tuple.Parts = TupleParts.Addresses | TupleParts.Protocol | TupleParts.Ports;
                    break;
                case "dst" or "mask-dst" or "master-dst":
                    Assert.True(Address.TryParse(value, out tuple.Destination, out _));
                    break;
                case "sport": tuple.SourcePort = (ushort)Number(value); break;
                case "dport": tuple.DestinationPort = (ushort)Number(value); break;
                case "class":
                    expectation.Class = Number(value);
                    expectation.Fields |= ExpectationFields.Class;
                    break;
                default:
                    Encoding.UTF8.GetBytes(value, expectation.Helper);
                    expectation.Fields |= ExpectationFields.Helper;
                    break;
            }
        }

        expectation.Fields |= ExpectationFields.Tuple | ExpectationFields.Mask | ExpectationFields.Master;
        return expectation;
    }

    private static uint Number(string text) => uint.Parse(text, CultureInfo.InvariantCulture);

    private static string[] Lines(string path) =>
        GoldenFiles.Read(path).Split('\n', StringSplitOptions.RemoveEmptyEntries);

    private static string Text(in PackedExpectation expectation, FlowTextParts parts)
    {
        ArrayBufferWriter<byte> output = new();
        ExpectationText.Write(output, in expectation, new FlowTextStyle(parts));
        return Encoding.UTF8.GetString(output.WrittenSpan);
    }

    private static string Xml(in PackedExpectation expectation, FlowTextParts parts)
    {
        ArrayBufferWriter<byte> output = new();
        ExpectationXml.Write(output, in expectation, new FlowTextStyle(parts));
        return Encoding.UTF8.GetString(output.WrittenSpan);
    }

    [GeneratedRegex(@"( \[expires in \d+s\])? \[active since \d+s\]$", RegexOptions.ExplicitCapture, 1000)]
    private static partial Regex Times();
}
