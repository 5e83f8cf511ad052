using System.Net.Sockets;
using Xunit;

namespace TwinTrack.Daemon.Tests;

public sealed class LockfileTests : IDisposable
{
    private readonly TemporaryFile _file = new();

    private string Question => $"lockfile `{_file.Path}' exists, perhaps conntrackd already running?";

    [Fact]
    public void A_lock_file_holds_the_process_id_and_goes_with_its_owner()
    {
        using (Lockfile? held = Take(out _))
        {
            Assert.False(held!.WasStale);
            Assert.Equal($"{Environment.ProcessId}\n", File.ReadAllText(_file.Path));
            Assert.Equal(UnixFileMode.UserRead | UnixFileMode.UserWrite, File.GetUnixFileMode(_file.Path));
        }

        Assert.False(File.Exists(_file.Path));
    }

    [Fact]
    public void A_second_daemon_is_refused()
    {
        using Lockfile? held = Take(out _);
        Assert.Null(Take(out string problem));
        Assert.Equal($"{Question} (pid {Environment.ProcessId})", problem);
        Assert.True(File.Exists(_file.Path));
    }

    [Theory]
    [InlineData("4711\n")]
    [InlineData("")]
    public void A_file_left_behind_is_taken_over(string content)
    {
        File.WriteAllText(_file.Path, content);
        using Lockfile? held = Take(out _);
        Assert.True(held!.WasStale);
        Assert.Equal($"{Environment.ProcessId}\n", File.ReadAllText(_file.Path));
    }

    [Fact]
    public void An_empty_file_is_respected_while_somebody_answers_at_the_control_socket()
    {
        File.WriteAllText(_file.Path, string.Empty);
        using var listener = new Socket(AddressFamily.Unix, SocketType.Stream, ProtocolType.Unspecified);
        listener.Bind(new UnixDomainSocketEndPoint(ControlPath));
        listener.Listen();
        Assert.Null(Take(out string problem));
        Assert.Equal(Question, problem);
        Assert.Empty(File.ReadAllText(_file.Path));
    }

    [Fact]
    public void A_file_that_is_no_lock_file_is_left_alone()
    {
        string text = new('x', 100);
        File.WriteAllText(_file.Path, text);
        Assert.Null(Take(out string problem));
        Assert.Equal($"`{_file.Path}' is no lockfile, it stays as it is", problem);
        Assert.Equal(text, File.ReadAllText(_file.Path));
    }

    [Fact]
    public void A_link_is_not_followed()
    {
        string target = $"{_file.Path}.target";
        File.WriteAllText(target, "1\n");
        File.CreateSymbolicLink(_file.Path, target);
        Assert.Null(Take(out string problem));
        Assert.StartsWith($"can't create lockfile `{_file.Path}': ", problem, StringComparison.Ordinal);
        Assert.Equal("1\n", File.ReadAllText(target));
    }

    [Fact]
    public void A_missing_folder_is_named_as_the_reason()
    {
        Assert.Null(Lockfile.TryAcquire("/nonexistent/dir/ctd.lock", ControlPath, out string problem));
        Assert.Equal("can't create lockfile `/nonexistent/dir/ctd.lock': No such file or directory", problem);
    }

    [Fact]
    public void The_file_of_a_successor_is_not_removed()
    {
        using Lockfile? first = Take(out _);
        File.Delete(_file.Path);
        using Lockfile? second = Take(out _);
        first!.Dispose();
        Assert.True(File.Exists(_file.Path));
        Assert.NotNull(second);
    }

    public void Dispose() => _file.Dispose();

    private string ControlPath => $"{_file.Path}.ctl";

    private Lockfile? Take(out string problem) => Lockfile.TryAcquire(_file.Path, ControlPath, out problem);
}
