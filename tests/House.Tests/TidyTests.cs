using System.Text.RegularExpressions;
using System.Xml.Linq;
using Xunit;

namespace TwinTrack.House.Tests;

/// <summary>House rules that no analyzer knows.</summary>
public sealed partial class TidyTests
{
    private const int WidestLine = 120;
    private const int LongestFile = 460;
    private const int MatchMilliseconds = 1000;

    [Fact]
    public void No_line_of_code_is_wider_than_the_house()
    {
        AssertNone(
            from file in SourceTree.Files("*.cs", "src", "programs", "bench")
            from line in File.ReadLines(file).Select((text, index) => (Text: text, Number: index + 1))
            where line.Text.Length > WidestLine
            select $"{SourceTree.Relative(file)}:{line.Number}: {line.Text.Length} columns");
    }

    [Fact]
    public void No_file_has_outgrown_its_noun()
    {
        AssertNone(
            from file in SourceTree.Files("*.cs", "src", "programs", "bench")
            let lines = File.ReadLines(file).Count()
            where lines > LongestFile
            select $"{SourceTree.Relative(file)}: {lines} lines");
    }

    [Fact]
    public void Nothing_is_left_unfinished()
    {
        AssertNone(Matches(Unfinished(), SourceTree.Files("*.cs").Concat(SourceTree.Files("*.sh"))));
    }

    [Fact]
    public void No_construct_that_the_style_rules_out_is_used()
    {
        AssertNone(Matches(RuledOut(), SourceTree.Files("*.cs", "src", "programs")));
    }

    [Fact]
    public void The_project_does_not_speak_of_where_it_was_made()
    {
        IEnumerable<string> files = SourceTree.Files("*.cs").Concat(SourceTree.Files("*.md"))
            .Concat(SourceTree.Files("*.sh")).Concat(SourceTree.Files("Makefile"));
        AssertNone(Matches(Workplace(), files));
    }

    [Fact]
    public void Every_dependency_is_explained()
    {
        string explained = File.ReadAllText(Path.Combine(SourceTree.Root, "docs", "dependencies.md"));
        var packages = XDocument.Load(Path.Combine(SourceTree.Root, "Directory.Packages.props"));
        AssertNone(
            from reference in packages.Descendants()
            where reference.Name.LocalName is "PackageVersion" or "GlobalPackageReference"
            let name = (string)reference.Attribute("Include")!
            where !explained.Contains(name, StringComparison.Ordinal)
            select name);
    }

    [Fact]
    public void Every_script_stops_at_unset_variables()
    {
        AssertNone(
            from file in SourceTree.Files("*.sh", "scripts")
            where !StrictMode().IsMatch(File.ReadAllText(file))
            select SourceTree.Relative(file));
    }

    private static IEnumerable<string> Matches(Regex pattern, IEnumerable<string> files) =>
        from file in files
        where Path.GetFileName(file) != "TidyTests.cs"
        from line in File.ReadLines(file).Select((text, index) => (Text: text, Number: index + 1))
        where pattern.IsMatch(line.Text)
        select $"{SourceTree.Relative(file)}:{line.Number}: {line.Text.Trim()}";

    private static void AssertNone(IEnumerable<string> findings) => Assert.Empty(findings.Take(20));

    [GeneratedRegex(
        @"\b(TODO|FIXME|XXX|HACK)\b|NotImplementedException|Skip\s*=\s*""",
        RegexOptions.ExplicitCapture,
        MatchMilliseconds)]
    private static partial Regex Unfinished();

    [GeneratedRegex(
        @"^\s*#(region|if)\b|\bdynamic\b\s|\basync void\b|\bTask\.Run\(",
        RegexOptions.ExplicitCapture,
        MatchMilliseconds)]
    private static partial Regex RuledOut();

    [GeneratedRegex(@"\.\./shared|/work/|\bissue \d+", RegexOptions.ExplicitCapture, MatchMilliseconds)]
    private static partial Regex Workplace();

    [GeneratedRegex(@"^set -[a-z]*u", RegexOptions.Multiline, MatchMilliseconds)]
    private static partial Regex StrictMode();
}
