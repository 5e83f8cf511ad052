using TwinTrack.Replication.Store;
using TwinTrack.Replication.Wire;

namespace TwinTrack.Replication.Modes;

/// <summary>Puts control messages on the transmit queue.</summary>
/// <remarks>Bounded: while a link takes nothing, control messages beyond the limit are dropped and counted.</remarks>
internal sealed class ControlOutbox(EntrySlabs slabs, EntryQueue transmit)
{
    private const uint Limit = 65_536;

    /// <summary>Control messages in the queues.</summary>
    public uint Count => slabs[EntrySlabs.Controls].Count;

    /// <summary>Control messages dropped at the limit.</summary>
    public uint Dropped { get; private set; }

    public void Queue(PeerFlags flags, Seq from, Seq to)
    {
        if (Count >= Limit)
        {
            Dropped++;
            return;
        }

        uint handle = slabs.Allocate(EntrySlabs.Controls);
        ref ControlRecord control = ref slabs.Control(handle);
        control.Header.State = EntryState.Alive;
        control.Flags = (byte)flags;
        control.From = from.Value;
        control.To = to.Value;
        transmit.Append(handle);
    }

    public void Queue(PeerFlags flags) => Queue(flags, default, default);
}
