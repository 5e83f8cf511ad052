using System.Diagnostics;
using System.Net.Sockets;
using System.Runtime.InteropServices;
using System.Text;
using TwinTrack.Daemon.Control;
using TwinTrack.Replication;

namespace TwinTrack.Daemon.Tests.Control;

/// <summary>A control server on a socket in a folder of its own, turned by hand with a clock set by hand.</summary>
internal sealed partial class ServerUnderTest : IDisposable
{
    private readonly DirectoryInfo _folder = Directory.CreateTempSubdirectory("twintrack-control-");
    private readonly List<PollInterest> _interests = [];
    private readonly List<Socket> _clients = [];

    public ServerUnderTest(ControlHandler handler, int clientLimit = 512)
    {
        Path = System.IO.Path.Combine(_folder.FullName, "ctl");
        if (!ControlListener.TryListen(Path, out ControlListener? listener, out string problem))
        {
            throw new InvalidOperationException(problem);
        }

        Server = new ControlServer(listener, handler, clientLimit);
    }

    public string Path { get; }

    public ControlServer Server { get; }

    public Instant Now { get; set; } = new(1_000_000);

    public Socket Connect()
    {
        Socket socket = new(AddressFamily.Unix, SocketType.Stream, ProtocolType.Unspecified);
        socket.Connect(new UnixDomainSocketEndPoint(Path));
        socket.Blocking = false;
        _clients.Add(socket);
        return socket;
    }

    public Socket Connect(ControlRequest request)
    {
        Socket socket = Connect();
        Request(socket, (int)request);
        return socket;
    }

    public static void Request(Socket socket, int code)
    {
        Span<byte> bytes = stackalloc byte[4];
        MemoryMarshal.Write(bytes, code);
        socket.Send(bytes);
    }

    /// <summary>Turns the loop until nothing is ready.</summary>
    public int Settle()
    {
        int turns = 0;
        while (Turn(0)) turns++;
        return turns;
    }

    /// <summary>One turn of the loop.</summary>
    /// <returns>Whether anything was ready.</returns>
    public bool Turn(int milliseconds)
    {
        _interests.Clear();
        Server.AddInterests(_interests);
        PollDescriptor[] descriptors =
            [.. _interests.Select(interest => new PollDescriptor(interest.Descriptor, (short)interest.Events, 0))];
        int count = Poll(descriptors, (nuint)descriptors.Length, milliseconds);
        foreach (PollDescriptor ready in descriptors.Where(descriptor => descriptor.Returned != 0))
        {
            Server.OnReady(Now, ready.Descriptor, (PollEvents)ready.Returned);
        }

        Server.OnDeadline(Now);
        return count > 0;
    }

    /// <summary>Reads until the server closes, turning the loop meanwhile.</summary>
    public string ReadAll(Socket client)
    {
        using MemoryStream text = new();
        byte[] buffer = new byte[1 << 20];
        Stopwatch patience = Stopwatch.StartNew();
        while (patience.Elapsed < TimeSpan.FromSeconds(20))
        {
            int count = client.Receive(buffer, SocketFlags.None, out SocketError error);
            if (count > 0) text.Write(buffer, 0, count);
            else if (error == SocketError.Success) return Encoding.UTF8.GetString(text.ToArray());
            else if (error != SocketError.WouldBlock) throw new SocketException((int)error);
            else Turn(10);
        }

        throw new TimeoutException("the answer does not end");
    }

    public static bool IsClosed(Socket client)
    {
        int count = client.Receive(new byte[1], SocketFlags.None, out SocketError error);
        return count == 0 && error != SocketError.WouldBlock;
    }

    public void Dispose()
    {
        foreach (Socket client in _clients) client.Dispose();
        Server.Dispose();
        _folder.Delete(recursive: true);
    }

    [LibraryImport("libc", EntryPoint = "poll")]
    private static partial int Poll([In, Out] PollDescriptor[] descriptors, nuint count, int milliseconds);

    [StructLayout(LayoutKind.Sequential)]
    private readonly record struct PollDescriptor(int Descriptor, short Events, short Returned);
}
