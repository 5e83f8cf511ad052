using TwinTrack.Daemon.Config;

namespace TwinTrack.Daemon;

/// <summary>
/// Refuses a configuration that asks for what the daemon cannot do, by name, before anything is opened.
/// </summary>
internal static class Requirements
{
    /// <summary>What is asked for and not there; null when there is nothing.</summary>
    public static string? Find(DaemonConfig config)
    {
        try
        {
            Check(config);
            return null;
        }
        catch (StartException refusal)
        {
            return refusal.Message;
        }
    }

    /// <exception cref="StartException">Something is asked for that is not there.</exception>
    public static void Check(DaemonConfig config)
    {
        if (config.Sync is not { } sync) return;
        if (sync.Links.Count == 0) throw new StartException("section Sync has no dedicated link: UDP { ... } expected");
    }
}
