using TwinTrack.Cli.Flows;
using TwinTrack.Conntrack;
using Xunit;

namespace TwinTrack.Cli.Tests;

/// <summary>Command lines are taken and refused as the recorded runs of the original were.</summary>
public sealed class RequestParserTests
{
    // They read the label map, or need the file of a deviation.
    private static readonly string[] _apart = ["label", "load"];

    public static TheoryData<string> Refused => [.. Cases(exit => exit == ExitCode.Usage)];

    public static TheoryData<string> Taken => [.. Cases(exit => exit == ExitCode.Success)];

    [Theory]
    [MemberData(nameof(Refused))]
    public void What_was_refused_is_refused_in_the_same_words(string id)
    {
        RecordedCase recorded = Find(id);
        ToolException error = Assert.Throws<ToolException>(() => Parse([.. recorded.Args]));
        Assert.Contains($"): {error.Message}\n", recorded.Expected.Stderr, StringComparison.Ordinal);
        Assert.Equal(ExitCode.Usage, error.Status);
    }

    [Theory]
    [MemberData(nameof(Taken))]
    public void What_was_taken_is_taken(string id) => Assert.NotNull(Parse([.. Find(id).Args]));

    [Theory]
    [InlineData("--srckey", "--dstkey", "--reply-key-src", "--reply-key-dst")]
    public void Keys_of_gre_are_those_of_their_direction(string source, string destination, string from, string to)
    {
        Request request = Parse("-L", "-p", "gre", source, "1", destination, "0x2", from, "03", to, "4");
        Assert.Equal((1, 2), (request.Original.SourcePort, request.Original.DestinationPort));
        Assert.Equal((3, 4), (request.Reply.SourcePort, request.Reply.DestinationPort));
    }

    [Fact]
    public void Keys_of_a_gre_expectation_are_those_of_tuple_and_mask()
    {
        Request request = Parse(
            "-I", "expect", "-s", "10.0.0.1", "-d", "10.0.0.2", "-p", "gre", "-t", "9", "--srckey", "1", "--dstkey", "2",
            "--reply-key-src", "3", "--reply-key-dst", "4", "--mask-key-src", "5", "--mask-key-dst", "6",
            "--tuple-key-src", "7", "--tuple-key-dst", "8", "--tuple-src", "10.0.0.3", "--tuple-dst", "10.0.0.4",
            "--mask-src", "255.0.0.0", "--mask-dst", "255.0.0.0");
        Assert.Equal((5, 6), (request.Mask.SourcePort, request.Mask.DestinationPort));
        Assert.Equal((7, 8), (request.Expected.SourcePort, request.Expected.DestinationPort));
        Assert.Equal(IpProtocol.Gre, request.Expected.Protocol);
    }

    [Theory]
    [InlineData("1.2.3.4.5")]
    [InlineData("256.1.1.1")]
    [InlineData("1.2.65536")]
    [InlineData("08.1.1.1")]
    [InlineData(":::")]
    [InlineData("1:2:3:4:5:6:7")]
    [InlineData("1::2::3")]
    [InlineData("::1.2.3.04")]
    [InlineData("::1%eth0")]
    [InlineData("[::1]")]
    [InlineData("")]
    public void What_is_no_address_is_refused(string text) =>
        Assert.Equal(
            $"Invalid IP address `{text}'", Assert.Throws<ToolException>(() => Parse("-L", "-s", text)).Message);

    [Theory]
    [InlineData("10.83", "10.0.0.83")]
    [InlineData("0x0a530001", "10.83.0.1")]
    [InlineData("010.1.2.3", "8.1.2.3")]
    [InlineData("::", "::")]
    [InlineData("1::", "1::")]
    [InlineData("::1.2.3.4", "::1.2.3.4")]
    [InlineData("1:2:3:4:5:6:7:8", "1:2:3:4:5:6:7:8")]
    [InlineData("2001:DB8::1:0:0:1", "2001:db8::1:0:0:1")]
    public void Addresses_are_read_as_the_c_library_reads_them(string text, string expected)
    {
        Request request = Parse("-L", "-s", text);
        Assert.Equal(expected, request.Original.Source.ToText(request.Family));
    }

    private static Request Parse(params string[] arguments)
    {
        var request = new Request();
        ReadOnlyMemory<char>[] words = [.. arguments.Select(word => word.AsMemory())];
        new RequestParser(_ => { }).Parse(request, words, words.Length);
        return request;
    }

    private static RecordedCase Find(string id) => RecordedCases.All.First(one => one.Id == id);

    private static IEnumerable<string> Cases(Func<int, bool> isWanted) =>
        from recorded in RecordedCases.All
        where recorded.Prog == "conntrack" && isWanted(recorded.Expected.Exit)
        where !RecordedCases.Deviations.ContainsKey(recorded.Id) && !recorded.HasLabels
        where !_apart.Any(word => recorded.Id.Contains(word, StringComparison.Ordinal))
        where recorded.Args is not ["-R", ..] and not ["--load-file", ..]
        select recorded.Id;
}
