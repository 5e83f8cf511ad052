using System.Net.Sockets;
using System.Runtime.Versioning;
using TwinTrack.Daemon.Control;
using Xunit;

namespace TwinTrack.Daemon.Tests.Control;

[SupportedOSPlatform("linux")]
public sealed class ControlListenerTests : IDisposable
{
    private readonly DirectoryInfo _folder = Directory.CreateTempSubdirectory("twintrack-control-");

    private string SocketPath => Path.Combine(_folder.FullName, "ctl");

    public void Dispose() => _folder.Delete(recursive: true);

    [Fact]
    public void Only_the_owner_may_use_the_socket()
    {
        using ControlListener listener = Listen(SocketPath);
        Assert.Equal(UnixFileMode.UserRead | UnixFileMode.UserWrite, File.GetUnixFileMode(SocketPath));
    }

    [Fact]
    public void A_group_may_be_let_in()
    {
        using ControlListener listener = Listen(SocketPath);
        Assert.Null(listener.Admit(OwnGroup()));
        Assert.Equal(
            UnixFileMode.UserRead | UnixFileMode.UserWrite | UnixFileMode.GroupRead | UnixFileMode.GroupWrite,
            File.GetUnixFileMode(SocketPath));
    }

    [Fact]
    public void An_unknown_group_is_named()
    {
        using ControlListener listener = Listen(SocketPath);
        Assert.Contains("`nosuchgroup'", listener.Admit("nosuchgroup"), StringComparison.Ordinal);
        Assert.Equal(UnixFileMode.UserRead | UnixFileMode.UserWrite, File.GetUnixFileMode(SocketPath));
    }

    [Theory]
    [InlineData(ControlRequest.FlowStatistics, 1000u, true)]
    [InlineData(ControlRequest.DumpExternalExpectationsXml, 1000u, true)]
    [InlineData(ControlRequest.Stop, 1000u, false)]
    [InlineData(ControlRequest.FlushKernelFlows, 1000u, false)]
    [InlineData((ControlRequest)999, 1000u, false)]
    [InlineData(ControlRequest.Commit, 500u, true)]
    [InlineData(ControlRequest.Commit, 0u, true)]
    public void Only_the_owner_and_root_may_change_anything(ControlRequest request, uint user, bool expected) =>
        Assert.Equal(expected, ControlAccess.Admits(request, new PeerCredentials(1, user, 7), owner: 500));

    [Fact]
    public void The_umask_of_the_process_stays()
    {
        string before = Path.Combine(_folder.FullName, "before");
        string after = Path.Combine(_folder.FullName, "after");
        File.WriteAllText(before, "");
        using ControlListener listener = Listen(SocketPath);
        File.WriteAllText(after, "");
        Assert.Equal(File.GetUnixFileMode(before), File.GetUnixFileMode(after));
    }

    [Fact]
    public void The_file_goes_with_the_listener()
    {
        Listen(SocketPath).Dispose();
        Assert.False(File.Exists(SocketPath));
    }

    [Fact]
    public void A_socket_file_that_a_dead_daemon_left_is_taken_over()
    {
        using (Socket dead = new(AddressFamily.Unix, SocketType.Stream, ProtocolType.Unspecified))
        {
            dead.Bind(new UnixDomainSocketEndPoint(SocketPath + ".tmp"));
            dead.Listen();
            File.Move(SocketPath + ".tmp", SocketPath); // so that closing does not remove it
        }

        Assert.True(File.Exists(SocketPath));
        using ControlListener listener = Listen(SocketPath);
        using Socket client = new(AddressFamily.Unix, SocketType.Stream, ProtocolType.Unspecified);
        client.Connect(new UnixDomainSocketEndPoint(SocketPath));
    }

    [Fact]
    public void A_socket_on_which_a_daemon_lives_is_refused()
    {
        using ControlListener first = Listen(SocketPath);
        Assert.False(ControlListener.TryListen(SocketPath, out _, out string problem));
        Assert.Equal($"can't open unix socket `{SocketPath}': another daemon answers there", problem);
        Assert.True(File.Exists(SocketPath));
    }

    [Fact]
    public void A_file_that_is_not_a_socket_is_left_alone()
    {
        File.WriteAllText(SocketPath, "precious");
        Assert.False(ControlListener.TryListen(SocketPath, out _, out string problem));
        Assert.Equal($"can't open unix socket `{SocketPath}': there is a file that is not a socket", problem);
        Assert.Equal("precious", File.ReadAllText(SocketPath));
    }

    [Fact]
    public void A_successor_keeps_its_file_when_the_first_daemon_ends()
    {
        ControlListener first = Listen(SocketPath);
        File.Delete(SocketPath);
        using ControlListener second = Listen(SocketPath);
        first.Dispose();
        Assert.True(File.Exists(SocketPath));
    }

    [Theory]
    [InlineData(107, true)]
    [InlineData(108, false)]
    public void A_path_has_at_most_107_bytes(int length, bool fits)
    {
        string path = SocketPath + new string('x', length - SocketPath.Length);
        Assert.Equal(fits, ControlListener.TryListen(path, out ControlListener? listener, out string problem));
        Assert.Equal(fits ? "" : $"can't open unix socket `{path}': the path exceeds 107 bytes", problem);
        if (fits)
        {
            using Socket client = new(AddressFamily.Unix, SocketType.Stream, ProtocolType.Unspecified);
            client.Connect(new UnixDomainSocketEndPoint(path));
        }

        listener?.Dispose();
    }

    [Theory]
    [InlineData("", "can't open unix socket `': no path is given")]
    [InlineData("/nonexistent/ctl", "can't open unix socket `/nonexistent/ctl': No such file or directory")]
    public void A_path_that_cannot_be_used_is_one_clear_line(string path, string expected)
    {
        Assert.False(ControlListener.TryListen(path, out _, out string problem));
        Assert.Equal(expected, problem);
    }

    private static ControlListener Listen(string path)
    {
        Assert.True(ControlListener.TryListen(path, out ControlListener? listener, out string problem), problem);
        return listener;
    }

    // /proc tells it as "Gid:" with the effective one second.
    private static string OwnGroup() =>
        File.ReadLines("/proc/self/status").First(line => line.StartsWith("Gid:", StringComparison.Ordinal))
            .Split('\t')[2];
}
