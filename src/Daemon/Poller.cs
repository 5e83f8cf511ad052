using System.Runtime.InteropServices;
using TwinTrack.Replication;

namespace TwinTrack.Daemon;

/// <summary>Waits for any of a few descriptors or for a point in time. The set is built anew for each wait.</summary>
internal sealed class Poller
{
    private Libc.PollDescriptor[] _descriptors = new Libc.PollDescriptor[16];
    private int _count;

    public void Clear() => _count = 0;

    /// <summary>Adds a descriptor.</summary>
    /// <returns>Its place, for <see cref="Returned"/>.</returns>
    public int Add(int descriptor, short events)
    {
        if (_count == _descriptors.Length) Array.Resize(ref _descriptors, _count * 2);
        _descriptors[_count] = new Libc.PollDescriptor { Descriptor = descriptor, Events = events };
        return _count++;
    }

    /// <summary>What happened to the descriptor at a place: POLL* bits, 0 for nothing.</summary>
    public short Returned(int place) => _descriptors[place].Returned;

    /// <summary>Waits until something is ready or the time has come.</summary>
    public void Wait(Instant now, Instant until)
    {
        long microseconds = until <= now ? 0 : Math.Min(until.Microseconds - now.Microseconds, 60_000_000);
        var timeout = new Libc.TimeSpec
        {
            Seconds = microseconds / 1_000_000,
            Nanoseconds = microseconds % 1_000_000 * 1000,
        };
        int ready = Libc.Poll(ref MemoryMarshal.GetArrayDataReference(_descriptors), (nuint)_count, in timeout, 0);
        if (ready >= 0) return;

        // An interrupted wait found nothing; any other failure would make a busy loop of the next one.
        int errno = Marshal.GetLastPInvokeError();
        for (int place = 0; place < _count; place++) _descriptors[place].Returned = 0;
        if (errno != Libc.InterruptedCall) throw new IOException($"poll: {Libc.ErrorText(errno)}");
    }
}
