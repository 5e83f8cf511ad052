namespace TwinTrack.Replication;

/// <summary>The counters, shared by the parts of one engine.</summary>
internal sealed class StatsBox
{
    public SyncStats Value;
}
