using TwinTrack.Conntrack;
using TwinTrack.Replication;

namespace TwinTrack.Daemon.Channels;

/// <summary>A peer: what it is called towards the engine, and where it has sent from.</summary>
/// <remarks>
/// The engine tells a peer's runs apart by <see cref="PeerId.Port"/>, because a new process sends from new ports. With
/// several links one process has a port for each, and a link that closed comes back with another port. So the ports
/// themselves are not passed on but the number of the run they belong to:
/// <list type="bullet">
/// <item>a port that was seen on this link: the run it was first seen in;</item>
/// <item>a new port on a link that was not heard in the present run: the present run;</item>
/// <item>a new port on a link that was: another run. Only with HELLO does the engine take it for one, so that a link
/// which was opened anew by the same process changes nothing.</item>
/// </list>
/// A TCP connection is to be seen as a port: the peer's next connection comes from another one.
/// </remarks>
internal sealed class PeerNode(Address name, int links)
{
    private const int MostPorts = 16;

    private readonly Address?[] _addresses = new Address?[links];
    private readonly List<SeenPort> _ports = new(MostPorts);
    private ushort _run = 1;

    /// <summary>The address that names it: the first it was configured with or heard from.</summary>
    public Address Name => name;

    public Instant HeardAt { get; private set; }

    /// <summary>The number of the last message that was looked at.</summary>
    public Seq LastNumber { get; private set; }

    public bool Has(LinkId link) => _addresses[link.Index] is not null;

    public bool IsAt(LinkId link, Address address) => _addresses[link.Index] == address;

    /// <summary>Notes its address on a link.</summary>
    public void Place(LinkId link, Address address) => _addresses[link.Index] = address;

    /// <summary>Whether the last byte of the address is that of its address on any other link.</summary>
    public bool IsNumberedLike(Address address)
    {
        foreach (Address? known in _addresses)
        {
            if (known is { } one && LastByte(one) == LastByte(address)) return true;
        }

        return false;
    }

    /// <summary>It was heard.</summary>
    /// <returns>What it is called towards the engine.</returns>
    public PeerId Hear(LinkId link, ushort port, Seq number, Instant now)
    {
        HeardAt = now;
        LastNumber = number;
        return new PeerId(name, RunOf(link, port));
    }

    private ushort RunOf(LinkId link, ushort port)
    {
        bool isHeard = false;
        for (int index = _ports.Count - 1; index >= 0; index--)
        {
            SeenPort seen = _ports[index];
            if (seen.Link != link) continue;
            if (seen.Port == port) return seen.Run;
            isHeard |= seen.Run == _run;
        }

        if (isHeard && ++_run == 0) _run = 1;   // 0 would tell nothing
        if (_ports.Count == MostPorts) _ports.RemoveAt(0);
        _ports.Add(new SeenPort(link, port, _run));
        return _run;
    }

    private static byte LastByte(Address address)
    {
        Span<byte> bytes = stackalloc byte[16];
        address.Write(bytes, AddressFamily.IPv6);
        int last = bytes.LastIndexOfAnyExcept((byte)0);
        return last < 0 ? (byte)0 : bytes[last];
    }

    private readonly record struct SeenPort(LinkId Link, ushort Port, ushort Run);
}
