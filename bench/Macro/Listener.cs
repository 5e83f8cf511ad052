using System.Diagnostics;
using TwinTrack.Lab;
using TwinTrack.Netlink;

namespace TwinTrack.Bench;

/// <summary>A process that receives every flow event and does nothing: no listener is cheaper.</summary>
/// <remarks>It pauses after each wake-up and then drains the socket in batches.</remarks>
internal static class Listener
{
    /// <summary>The hidden command of this program that becomes the listener.</summary>
    public const string Verb = "listen";

    private const int BufferBytes = 8 * 1024 * 1024;
    private const int BatchSize = 64;
    private const int DatagramBytes = 8192;

    private static readonly TimeSpan Pause = TimeSpan.FromMilliseconds(2);
    private static readonly TimeSpan StartDeadline = TimeSpan.FromSeconds(15);

    /// <summary>Starts one in a firewall's namespace and waits until it listens.</summary>
    /// <returns>Its process id.</returns>
    /// <exception cref="LabException">It does not.</exception>
    public static int Start(Firewall firewall, RunDirectory directory, CancellationToken cancellation)
    {
        string program = Path.Combine(AppContext.BaseDirectory, typeof(Listener).Assembly.GetName().Name!);
        string output = $"{directory.Path}/listener.out";
        using Process process = firewall.Namespace.Start(output, program, Verb);
        DateTime deadline = DateTime.UtcNow + StartDeadline;
        while (NamespaceCounters.Read(firewall.Namespace).Listeners == 0)
        {
            if (cancellation.WaitHandle.WaitOne(20)) cancellation.ThrowIfCancellationRequested();
            if (DateTime.UtcNow > deadline) throw new LabException($"the listener: {File.ReadAllText(output).Trim()}");
        }

        return process.Id;
    }

    /// <summary>Listens until killed.</summary>
    /// <returns>1, if it cannot.</returns>
    public static int Run()
    {
        try
        {
            using var socket = new NetlinkSocket(NetlinkProtocol.Netfilter, BatchSize, DatagramBytes);
            socket.SetReceiveBufferSize(BufferBytes);
            foreach (int group in (int[])
                [NetfilterGroup.ConntrackNew, NetfilterGroup.ConntrackUpdate, NetfilterGroup.ConntrackDestroy])
            {
                socket.Join(group).ThrowIfFailed("join the flow events");
            }

            while (true)
            {
                socket.Wait(-1);
                Thread.Sleep(Pause);
                // A batch that is not full emptied the queue. Overruns are read from the kernel's counters.
                ReceiveStatus status;
                while ((status = socket.Receive()) == ReceiveStatus.Datagrams && socket.Count == socket.BatchSize) { }
                if (status == ReceiveStatus.Failed) socket.LastError.ThrowIfFailed("receive");
            }
        }
        catch (NetlinkException e)
        {
            Console.Error.WriteLine(e.Message);
            return 1;
        }
    }
}
