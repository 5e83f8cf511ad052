namespace TwinTrack.Replication.Store;

/// <summary>The zones, other than the default, that flows were seen in.</summary>
/// <remarks>The kernel tells an expectation's master without its zone: these are tried in turn.</remarks>
internal sealed class ZoneList
{
    private const int Limit = 256;

    private readonly List<ushort> _zones = [];

    public IReadOnlyList<ushort> Zones => _zones;

    public void Note(ushort zone)
    {
        if (zone == 0 || _zones.Count >= Limit || _zones.Contains(zone)) return;
        _zones.Add(zone);
    }
}
