using System.Net;
using System.Numerics;
using System.Runtime.InteropServices;
using System.Text;
using TwinTrack.Conntrack;

namespace TwinTrack.Daemon.Channels;

/// <summary>The IPv4 network that an interface is on.</summary>
/// <param name="Base">An address in it.</param>
/// <param name="PrefixLength">Leading bits that all its addresses share.</param>
internal readonly record struct LinkNetwork(Address Base, int PrefixLength)
{
    private const nuint GetAddress = 0x8915;   // SIOCGIFADDR
    private const nuint GetNetmask = 0x891b;   // SIOCGIFNETMASK
    private const int RequestSize = 40;        // struct ifreq
    private const int RequestAddress = 20;     // the address of the sockaddr_in in its union

    /// <summary>Asks the kernel.</summary>
    /// <param name="device">Name of the interface.</param>
    /// <param name="own">Its address that counts; null for its first.</param>
    /// <returns>Null for an interface without IPv4 address.</returns>
    public static LinkNetwork? Read(string device, IPAddress? own)
    {
        using var socket = new RawSocket(isIPv6: false, System.Net.Sockets.SocketType.Dgram);
        if (Ask(socket, device, GetNetmask) is not { } mask || Ask(socket, device, GetAddress) is not { } first)
            return null;

        Address address = own is null ? Address.FromIPv4(first) : Address.Read(own.GetAddressBytes());
        return new LinkNetwork(address, BitOperations.PopCount(mask));
    }

    // struct ifreq: the name of the device, then a union that takes the answer.
    private static uint? Ask(RawSocket socket, string device, nuint question)
    {
        Span<byte> request = stackalloc byte[RequestSize];
        request.Clear();
        Encoding.UTF8.GetBytes(device, request);
        return Libc.Control(socket.Descriptor, question, ref MemoryMarshal.GetReference(request)) == 0
            ? MemoryMarshal.Read<uint>(request[RequestAddress..])
            : null;
    }
}
