using System.IO.Compression;
using TwinTrack.Daemon.Config;
using Xunit;

namespace TwinTrack.Daemon.Tests.Config;

/// <summary>The default file and the examples of the distribution's package, from where it is installed.</summary>
[Trait("needs", "root")]
public sealed class PackagedFilesTests
{
    private const string Default = "/etc/conntrackd/conntrackd.conf";
    private const string Examples = "/usr/share/doc/conntrackd/examples";

    public static TheoryData<string> Files =>
    [
        Default,
        .. Directory.GetFiles(Examples, "conntrackd.conf*", SearchOption.AllDirectories).Order(StringComparer.Ordinal),
    ];

    [Theory, MemberData(nameof(Files))]
    public void A_file_of_the_package_loads_unchanged(string path)
    {
        ConfigResult result = ConfigReader.Parse(path, Read(path), ProtocolNames.OfSystem());
        Assert.DoesNotContain(result.Problems, problem => problem.Level == ProblemLevel.Error);
        Assert.NotNull(result.Config);
        Assert.Equal(
            result.Config, ConfigReader.Parse("printed", Printer.Print(result.Config), Samples.Protocols).Config);
    }

    private static string Read(string path)
    {
        using Stream file = File.OpenRead(path);
        using Stream plain = path.EndsWith(".gz", StringComparison.Ordinal)
            ? new GZipStream(file, CompressionMode.Decompress)
            : file;
        using var reader = new StreamReader(plain);
        return reader.ReadToEnd();
    }
}
