namespace TwinTrack.Lab;

/// <summary>A lab run as those see it who show it and end it.</summary>
public interface ILab : IDisposable
{
    /// <summary>What it is doing; may be read while it runs.</summary>
    public LabProgress Progress { get; }

    /// <summary>The beginning of the namespaces' names, once there are any.</summary>
    public string? Prefix { get; }

    /// <summary>The folder of configurations and logs, once there is one.</summary>
    public string? Folder { get; }

    /// <summary>The state of the connections; may be read while it runs.</summary>
    public TcpLoadSample Sample();

    /// <summary>The state of the stream, once there is one; may be read while it runs.</summary>
    public UdpStreamSample? SampleUdp();
}
