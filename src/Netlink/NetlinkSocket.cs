using System.Runtime.CompilerServices;
using System.Runtime.InteropServices;
using Microsoft.Win32.SafeHandles;

namespace TwinTrack.Netlink;

/// <summary>What a receive brought.</summary>
public enum ReceiveStatus
{
    /// <summary>At least one datagram is there.</summary>
    Datagrams,

    /// <summary>Nothing to read now.</summary>
    WouldBlock,

    /// <summary>
    /// The kernel dropped messages for lack of space in the receive buffer (ENOBUFS). Later ones may follow.
    /// </summary>
    Overrun,

    /// <summary>The call failed, see <see cref="NetlinkSocket.LastError"/>.</summary>
    Failed,
}

/// <summary>An AF_NETLINK socket: non-blocking, bound, receiving in batches into memory it keeps.</summary>
/// <remarks>
/// It belongs to the network namespace of the thread that made it, wherever it is used later. It is not thread-safe.
/// Datagrams that do not come from the kernel are not shown.
/// </remarks>
public sealed class NetlinkSocket : IDisposable
{
    private readonly SafeFileHandle _handle;
    private readonly int _fd;
    private readonly int _datagramSize;

    // Pinned, because the kernel writes to them: what the headers point at must stay where it is.
    private readonly byte[] _bytes;
    private readonly Libc.SocketAddress[] _senders;
    private readonly Libc.IoVector[] _vectors;
    private readonly Libc.BatchHeader[] _headers;

    /// <summary>Opens and binds a socket; the kernel chooses its port id.</summary>
    /// <param name="protocol">See <see cref="NetlinkProtocol"/>.</param>
    /// <param name="batchSize">Datagrams received by one call at most.</param>
    /// <param name="datagramSize">
    /// Bytes for each datagram; a longer one is cut off and not shown. 8192 fits all events, dumps use up to 32768.
    /// </param>
    /// <exception cref="NetlinkException">The kernel lacks the protocol, or no descriptor is left.</exception>
    public NetlinkSocket(int protocol, int batchSize = 1, int datagramSize = 32768)
    {
        ArgumentOutOfRangeException.ThrowIfLessThan(batchSize, 1);
        ArgumentOutOfRangeException.ThrowIfLessThan(datagramSize, NetlinkHeader.Size);

        _fd = Libc.Socket(Libc.AfNetlink, Libc.SockRaw | Libc.SockNonBlock | Libc.SockCloseOnExec, protocol);
        if (_fd < 0) throw new NetlinkException("netlink socket", NetlinkError.FromLastCall());

        _handle = new SafeFileHandle(_fd, ownsHandle: true);
        try
        {
            PortId = Bind();

            // Both are conveniences that old kernels lack: errors without the request, and with the kernel's words.
            TrySetOption(Libc.NetlinkCapAck, 1);
            TrySetOption(Libc.NetlinkExtAck, 1);
        }
        catch
        {
            _handle.Dispose();
            throw;
        }

        _datagramSize = datagramSize;
        _bytes = GC.AllocateUninitializedArray<byte>(batchSize * datagramSize, pinned: true);
        _senders = GC.AllocateArray<Libc.SocketAddress>(batchSize, pinned: true);
        _vectors = GC.AllocateArray<Libc.IoVector>(batchSize, pinned: true);
        _headers = GC.AllocateArray<Libc.BatchHeader>(batchSize, pinned: true);
        for (int i = 0; i < batchSize; i++) PrepareSlot(i);
    }

    /// <summary>The file descriptor, for poll and epoll. It stays owned by this object.</summary>
    public int Descriptor => _fd;

    /// <summary>The address of this socket: events that its requests cause carry it.</summary>
    public uint PortId { get; }

    /// <summary>Datagrams the last <see cref="Receive"/> brought.</summary>
    public int Count { get; private set; }

    /// <summary>Datagrams one receive can bring.</summary>
    public int BatchSize => _headers.Length;

    /// <summary>Why the last call failed.</summary>
    public NetlinkError LastError { get; private set; }

    /// <summary>Datagrams that were longer than the place for them, since the socket was opened.</summary>
    public ulong Truncated { get; private set; }

    /// <summary>Datagrams that did not come from the kernel, since the socket was opened.</summary>
    public ulong Foreign { get; private set; }

    /// <summary>
    /// Size of the receive buffer in bytes as the kernel counts it (SO_RCVBUF: twice what was asked for).
    /// </summary>
    public int ReceiveBufferSize => GetOption(Libc.SoReceiveBuffer);

    /// <summary>Size of the send buffer in bytes as the kernel counts it (SO_SNDBUF); one send must fit it.</summary>
    public int SendBufferSize => GetOption(Libc.SoSendBuffer);

    /// <summary>Asks for a receive buffer, beyond net.core.rmem_max where privileges allow (SO_RCVBUFFORCE).</summary>
    /// <returns>The size in bytes the kernel gave, as <see cref="ReceiveBufferSize"/> tells it.</returns>
    public int SetReceiveBufferSize(int bytes)
    {
        SetBuffer(Libc.SoReceiveBufferForce, Libc.SoReceiveBuffer, bytes);
        return ReceiveBufferSize;
    }

    /// <summary>Asks for a send buffer, beyond net.core.wmem_max where privileges allow (SO_SNDBUFFORCE).</summary>
    /// <returns>The size in bytes the kernel gave.</returns>
    public int SetSendBufferSize(int bytes)
    {
        SetBuffer(Libc.SoSendBufferForce, Libc.SoSendBuffer, bytes);
        return SendBufferSize;
    }

    /// <summary>Joins a multicast group (NETLINK_ADD_MEMBERSHIP).</summary>
    public NetlinkError Join(int group) => TrySetOption(Libc.NetlinkAddMembership, group);

    /// <summary>Leaves a multicast group (NETLINK_DROP_MEMBERSHIP).</summary>
    public NetlinkError Leave(int group) => TrySetOption(Libc.NetlinkDropMembership, group);

    /// <summary>
    /// Makes a full receive buffer go unreported (NETLINK_NO_ENOBUFS): messages are then lost silently.
    /// </summary>
    public NetlinkError SetSilentLoss(bool on) => TrySetOption(Libc.NetlinkNoEnobufs, on ? 1 : 0);

    /// <summary>
    /// Tells the sender when a multicast message cannot be delivered (NETLINK_BROADCAST_ERROR); ctnetlink then keeps
    /// destroy events and sends them again.
    /// </summary>
    public NetlinkError SetReliableDelivery(bool on) => TrySetOption(Libc.NetlinkBroadcastError, on ? 1 : 0);

    /// <summary>Attaches a classic BPF program (SO_ATTACH_FILTER); it replaces the one before.</summary>
    /// <param name="program">1 to 4096 instructions; returning 0 drops a message.</param>
    public NetlinkError AttachFilter(ReadOnlySpan<FilterInstruction> program)
    {
        FilterInstruction[] pinned = GC.AllocateUninitializedArray<FilterInstruction>(program.Length, pinned: true);
        program.CopyTo(pinned);
        var filter = new Libc.FilterProgram
        {
            Length = (ushort)pinned.Length,
            Instructions = pinned.Length == 0 ? 0 : Marshal.UnsafeAddrOfPinnedArrayElement(pinned, 0),
        };
        uint size = (uint)Unsafe.SizeOf<Libc.FilterProgram>();
        int result = Libc.SetOption(_fd, Libc.SolSocket, Libc.SoAttachFilter, in filter, size);
        NetlinkError error = result < 0 ? NetlinkError.FromLastCall() : NetlinkError.Success;
        GC.KeepAlive(pinned);
        return error;
    }

    /// <summary>Takes the BPF program away (SO_DETACH_FILTER).</summary>
    public NetlinkError DetachFilter() => TrySetOption(Libc.SolSocket, Libc.SoDetachFilter, 0);

    /// <summary>Sends everything the writer holds, in one datagram; nothing if it is empty.</summary>
    public NetlinkError Send(NetlinkWriter writer) => Send(writer.Written);

    /// <summary>Sends messages to the kernel in one datagram. The kernel works them off before this returns.</summary>
    /// <returns><see cref="Errno.MessageTooLong"/> when they exceed the send buffer.</returns>
    public NetlinkError Send(ReadOnlySpan<byte> messages)
    {
        if (messages.IsEmpty) return NetlinkError.Success;
        while (Libc.Send(_fd, in MemoryMarshal.GetReference(messages), (nuint)messages.Length, Libc.MsgDontWait) < 0)
        {
            NetlinkError error = NetlinkError.FromLastCall();
            if (error.Code != Errno.Interrupted) return LastError = error;
        }

        return NetlinkError.Success;
    }

    /// <summary>Receives what is there, at most <see cref="BatchSize"/> datagrams, without waiting.</summary>
    /// <remarks>
    /// The datagrams of the receive before are gone. A call that filled fewer places emptied the queue.
    /// </remarks>
    public ReceiveStatus Receive()
    {
        for (int i = 0; i < Count; i++) ResetSlot(i);
        Count = 0;
        int received;
        while ((received = Libc.ReceiveBatch(_fd, ref _headers[0], (uint)_headers.Length, Libc.MsgDontWait, 0)) < 0)
        {
            LastError = NetlinkError.FromLastCall();
            switch (LastError.Code)
            {
                case Errno.Interrupted: continue;
                case Errno.TryAgain: return ReceiveStatus.WouldBlock;
                case Errno.NoBufferSpace: return ReceiveStatus.Overrun;
                default: return ReceiveStatus.Failed;
            }
        }

        Count = received;
        for (int i = 0; i < received; i++) Judge(i);
        return ReceiveStatus.Datagrams;
    }

    /// <summary>One datagram of the last receive; empty if it was truncated or foreign.</summary>
    /// <param name="index">From 0 to <see cref="Count"/> - 1.</param>
    public ReadOnlySpan<byte> Datagram(int index)
    {
        if ((uint)index >= (uint)Count) throw new ArgumentOutOfRangeException(nameof(index));
        return _bytes.AsSpan(index * _datagramSize, (int)_headers[index].Length);
    }

    /// <summary>Whether a datagram of the last receive was longer than the place for it.</summary>
    /// <param name="index">From 0 to <see cref="Count"/> - 1.</param>
    public bool IsTruncated(int index)
    {
        if ((uint)index >= (uint)Count) throw new ArgumentOutOfRangeException(nameof(index));
        return (_headers[index].Header.Flags & Libc.MsgTruncated) != 0 && _senders[index].PortId == 0;
    }

    /// <summary>Waits until the socket can be read or reports an error.</summary>
    /// <param name="timeout">Milliseconds; negative waits forever.</param>
    /// <returns>False when the time passed.</returns>
    public bool Wait(int timeout)
    {
        var descriptor = new Libc.PollDescriptor { Descriptor = _fd, Events = Libc.PollIn };
        int ready;
        while ((ready = Libc.Poll(ref descriptor, 1, timeout)) < 0)
        {
            NetlinkError error = NetlinkError.FromLastCall();
            if (error.Code != Errno.Interrupted) throw new NetlinkException("poll", error);
        }

        return ready > 0;
    }

    /// <summary>Closes the socket.</summary>
    public void Dispose() => _handle.Dispose();

    private uint Bind()
    {
        var address = new Libc.SocketAddress { Family = Libc.AfNetlink };
        uint length = (uint)Unsafe.SizeOf<Libc.SocketAddress>();
        if (Libc.Bind(_fd, in address, length) < 0 || Libc.GetSocketName(_fd, ref address, ref length) < 0)
            throw new NetlinkException("netlink bind", NetlinkError.FromLastCall());
        return address.PortId;
    }

    private void PrepareSlot(int i)
    {
        _vectors[i].Base = Marshal.UnsafeAddrOfPinnedArrayElement(_bytes, i * _datagramSize);
        _vectors[i].Length = (nuint)_datagramSize;
        ref Libc.MessageHeader header = ref _headers[i].Header;
        header.Name = Marshal.UnsafeAddrOfPinnedArrayElement(_senders, i);
        header.Vectors = Marshal.UnsafeAddrOfPinnedArrayElement(_vectors, i);
        header.VectorCount = 1;
        ResetSlot(i);
    }

    // The kernel overwrites these two with what it found.
    private void ResetSlot(int i)
    {
        _headers[i].Header.NameLength = (uint)Unsafe.SizeOf<Libc.SocketAddress>();
        _headers[i].Header.Flags = 0;
    }

    private void Judge(int i)
    {
        if (_senders[i].PortId != 0) Foreign++;
        else if ((_headers[i].Header.Flags & Libc.MsgTruncated) != 0) Truncated++;
        else return;

        _headers[i].Length = 0;
    }

    private NetlinkError TrySetOption(int name, int value) => TrySetOption(Libc.SolNetlink, name, value);

    private NetlinkError TrySetOption(int level, int name, int value) =>
        Libc.SetOption(_fd, level, name, in value, sizeof(int)) < 0
            ? NetlinkError.FromLastCall()
            : NetlinkError.Success;

    private void SetBuffer(int force, int plain, int bytes)
    {
        if (!TrySetOption(Libc.SolSocket, force, bytes).IsSuccess) TrySetOption(Libc.SolSocket, plain, bytes);
    }

    private int GetOption(int name)
    {
        int value = 0;
        uint length = sizeof(int);
        return Libc.GetOption(_fd, Libc.SolSocket, name, ref value, ref length) < 0 ? 0 : value;
    }
}
