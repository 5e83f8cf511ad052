using System.Net.Sockets;
using TwinTrack.Lab;

namespace TwinTrack.Bench;

/// <summary>nginx in the server's namespace with one file of 4 KB.</summary>
internal static class WebServer
{
    /// <summary>What a client asks for.</summary>
    public static readonly string Url = $"http://{Topology.ServerAddress}/4k";

    private const int FileBytes = 4096;
    private const int Port = 80;

    private static readonly TimeSpan StartDeadline = TimeSpan.FromSeconds(10);

    /// <summary>Starts it and waits until it answers; it ends with its namespace.</summary>
    /// <exception cref="LabException">It does not answer.</exception>
    public static void Start(Topology topology, RunDirectory directory, CancellationToken cancellation)
    {
        string home = $"{directory.Path}/www";
        Directory.CreateDirectory(home);
        File.WriteAllBytes($"{home}/4k", new byte[FileBytes]);
        File.WriteAllText($"{home}/nginx.conf", Configuration(home));
        string output = $"{home}/nginx.out";
        string program = Command.Find("nginx") ?? throw new LabException("nginx is missing: install nginx-light");
        topology.Server.Start(output, program, "-p", home, "-c", $"{home}/nginx.conf").Dispose();
        DateTime deadline = DateTime.UtcNow + StartDeadline;
        while (!topology.Server.Run(Answers))
        {
            if (cancellation.WaitHandle.WaitOne(20)) cancellation.ThrowIfCancellationRequested();
            if (DateTime.UtcNow > deadline)
                throw new LabException($"nginx does not answer: {File.ReadAllText(output).Trim()}");
        }
    }

    private static bool Answers()
    {
        using var socket = new Socket(AddressFamily.InterNetwork, SocketType.Stream, ProtocolType.Tcp);
        try
        {
            socket.Connect(Topology.ServerAddress, Port);
            return true;
        }
        catch (SocketException)
        {
            return false; // not yet
        }
    }

    private static string Configuration(string home) =>
        $$"""
        daemon off;
        user root;
        worker_processes 1;
        pid {{home}}/nginx.pid;
        error_log {{home}}/nginx.out;
        events { worker_connections 4096; }
        http {
            access_log off;
            sendfile on;
            open_file_cache max=16;
            client_body_temp_path {{home}}/body;
            proxy_temp_path {{home}}/proxy;
            fastcgi_temp_path {{home}}/fastcgi;
            uwsgi_temp_path {{home}}/uwsgi;
            scgi_temp_path {{home}}/scgi;
            server {
                listen {{Topology.ServerAddress}}:{{Port}} backlog=4096;
                root {{home}};
            }
        }

        """;
}
