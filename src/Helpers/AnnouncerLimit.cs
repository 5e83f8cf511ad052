using System.Runtime.InteropServices;
using TwinTrack.Conntrack;

namespace TwinTrack.Helpers;

/// <summary>Keeps one sender from announcing flows without end: a burst, then a steady pace for each address.</summary>
public sealed class AnnouncerLimit
{
    /// <summary>Announcements an address may make at once.</summary>
    public const int Burst = 256;

    /// <summary>Announcements a second afterwards.</summary>
    public const int PerSecond = 64;

    private const int MostAddresses = 4096;

    private readonly Dictionary<Address, (double Left, long At)> _senders = [];

    /// <summary>Asks for the place of one announcement.</summary>
    /// <param name="sender">Who announces.</param>
    /// <param name="milliseconds">The time, from any point on.</param>
    public bool TryTake(Address sender, long milliseconds)
    {
        // With that many senders the limit would be one of memory: all begin afresh.
        if (_senders.Count >= MostAddresses && !_senders.ContainsKey(sender)) _senders.Clear();

        ref (double Left, long At) sent = ref CollectionsMarshal.GetValueRefOrAddDefault(
            _senders, sender, out bool isKnown);
        if (!isKnown) sent = (Burst, milliseconds);
        double gained = Math.Max(0, milliseconds - sent.At) * PerSecond / 1000.0;
        sent = (Math.Min(Burst, sent.Left + gained), milliseconds);
        if (sent.Left < 1) return false;

        sent.Left--;
        return true;
    }
}
