using System.Runtime.CompilerServices;
using System.Runtime.InteropServices;

namespace TwinTrack.Lab;

/// <summary>Waits for many sockets at once (epoll(7)), level-triggered, for reading.</summary>
internal sealed class Epoll : IDisposable
{
    private const int Capacity = 256;

    // struct epoll_event { u32 events; u64 data; }, packed on x86-64 only.
    private static readonly bool IsPacked = RuntimeInformation.ProcessArchitecture == Architecture.X64;
    private static readonly int Size = IsPacked ? 12 : 16;
    private static readonly int DataOffset = IsPacked ? 4 : 8;

    private readonly byte[] _events = new byte[Capacity * Size];
    private readonly int _descriptor;

    public Epoll()
    {
        _descriptor = Libc.EpollCreate(Libc.EpollCloseOnExec);
        if (_descriptor < 0) throw Failure();
    }

    /// <summary>Watches a socket.</summary>
    /// <param name="descriptor">The socket.</param>
    /// <param name="data">Comes back from <see cref="this"/>.</param>
    public void Add(int descriptor, int data) => Control(Libc.EpollAdd, descriptor, data);

    /// <summary>Watches a socket no longer.</summary>
    public void Remove(int descriptor) => Control(Libc.EpollRemove, descriptor, 0);

    /// <summary>Waits for the first sockets to become readable.</summary>
    /// <returns>How many there are in this turn; 0 when the time is up or a signal came.</returns>
    public unsafe int Wait(int timeoutMilliseconds)
    {
        fixed (byte* events = _events)
        {
            int count = Libc.EpollWait(_descriptor, events, Capacity, timeoutMilliseconds);
            if (count >= 0) return count;
            return Marshal.GetLastPInvokeError() == Libc.Interrupted ? 0 : throw Failure();
        }
    }

    /// <summary>The number given with the readable socket at a position of this turn.</summary>
    public int this[int index] =>
        (int)Unsafe.ReadUnaligned<ulong>(ref _events[(index * Size) + DataOffset]);

    public void Dispose() => _ = Libc.Close(_descriptor);

    private unsafe void Control(int operation, int descriptor, int data)
    {
        Span<byte> change = stackalloc byte[16];
        change.Clear();
        MemoryMarshal.Write(change, Libc.EpollIn);
        MemoryMarshal.Write(change[DataOffset..], (ulong)data);
        fixed (byte* pointer = change)
        {
            if (Libc.EpollControl(_descriptor, operation, descriptor, pointer) != 0) throw Failure();
        }
    }

    private static LabException Failure() => new($"epoll: {Marshal.GetLastPInvokeErrorMessage()}");
}
