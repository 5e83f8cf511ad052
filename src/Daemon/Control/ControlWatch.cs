using TwinTrack.Replication;

namespace TwinTrack.Daemon.Control;

/// <summary>Has a loop watch the clients of a server, and serves those that are ready.</summary>
internal sealed class ControlWatch(ControlServer server, Poller poller)
{
    private readonly List<PollInterest> _interests = [];

    /// <summary>Adds the clients to the empty set of the next wait.</summary>
    public void Watch()
    {
        _interests.Clear();
        server.AddInterests(_interests);
        foreach (PollInterest interest in _interests)
        {
            short events = (short)((interest.Events & PollEvents.Read) != PollEvents.None ? Libc.PollIn : 0);
            if ((interest.Events & PollEvents.Write) != PollEvents.None) events |= Libc.PollOut;
            poller.Add(interest.Descriptor, events);
        }
    }

    /// <summary>Serves the clients that the wait found ready.</summary>
    public void Serve(Instant now)
    {
        for (int place = 0; place < _interests.Count; place++)
        {
            short returned = poller.Returned(place);
            if (returned == 0) continue;

            // Hang-up and error show as readable: the next read tells which.
            PollEvents events = (returned & Libc.PollOut) != 0 ? PollEvents.Write : PollEvents.None;
            if ((returned & ~Libc.PollOut) != 0) events |= PollEvents.Read;
            server.OnReady(now, _interests[place].Descriptor, events);
        }
    }
}
