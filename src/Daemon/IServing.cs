namespace TwinTrack.Daemon;

/// <summary>A daemon that is open: with flows, or with helpers alone.</summary>
internal interface IServing : IDisposable
{
    /// <summary>Serves until it is told to stop.</summary>
    public void Run();
}
