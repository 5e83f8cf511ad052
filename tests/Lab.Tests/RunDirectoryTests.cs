using System.Diagnostics;
using Xunit;

namespace TwinTrack.Lab.Tests;

[Trait("needs", "root")]
[Collection(LabRunTests.AloneOnThisHost)]
public sealed class RunDirectoryTests
{
    [Fact]
    public void Disposing_removes_folder_namespaces_and_the_processes_in_them()
    {
        RunDirectory directory = RunDirectory.Create();
        NetNamespace home = directory.CreateNamespace("a");
        using Process sleeper = home.Start($"{directory.Path}/out", "sleep", "100");

        directory.Dispose();

        Assert.True(sleeper.WaitForExit(5000));
        Assert.False(Directory.Exists(directory.Path));
        Assert.Empty(NetNamespace.Names(directory.Prefix + "-"));
    }

    [Fact]
    public void What_a_dead_run_left_is_removed_unless_it_was_kept()
    {
        // A process id is never 0, so that its owner is gone.
        string left = Leave("tt0-70");
        string kept = Leave("tt0-71", "kept");
        using RunDirectory alive = RunDirectory.Create();

        Assert.Contains("tt0-70", RunDirectory.RemoveStale(), StringComparer.Ordinal);
        Assert.False(Directory.Exists(left));
        Assert.Empty(NetNamespace.Names("tt0-70-"));
        Assert.True(Directory.Exists(kept));
        Assert.True(Directory.Exists(alive.Path));

        Assert.Contains("tt0-71", RunDirectory.RemoveStale(alsoKept: true), StringComparer.Ordinal);
        Assert.Empty(NetNamespace.Names("tt0-71-"));
        Assert.True(Directory.Exists(alive.Path));
    }

    private static string Leave(string prefix, params ReadOnlySpan<string> files)
    {
        using RunDirectory template = RunDirectory.Create();
        string path = Path.Combine(Path.GetDirectoryName(template.Path)!, prefix + ".1");
        // Named last: a lab that starts meanwhile clears away what looks left.
        string unnamed = Directory.CreateDirectory(Path.Combine(Path.GetDirectoryName(path)!, "unnamed")).FullName;
        foreach (string file in files) File.WriteAllText($"{unnamed}/{file}", "");
        Directory.Move(unnamed, path);
        NetNamespace.Create(prefix + "-client").Close();
        return path;
    }
}
