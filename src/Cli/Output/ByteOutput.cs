using System.Buffers;
using System.Runtime.InteropServices;

namespace TwinTrack.Cli.Output;

/// <summary>A descriptor that is written to in large pieces.</summary>
/// <remarks>
/// A reader that went away ends the process as it ends programs in C, with SIGPIPE. Any other failure is remembered:
/// what comes after it is dropped.
/// </remarks>
/// <param name="descriptor">Where it goes.</param>
/// <param name="capacity">Bytes kept at most, as long as no single piece is longer.</param>
/// <param name="gate">Held while bytes are handed on, if several write to one descriptor.</param>
internal sealed class ByteOutput(int descriptor, int capacity = 64 * 1024, Lock? gate = null) : IBufferWriter<byte>
{
    private byte[] _buffer = new byte[capacity];
    private int _length;

    /// <summary>Why writing failed (errno); 0 while it works.</summary>
    public int Error { get; private set; }

    /// <summary>Bytes written but not flushed.</summary>
    public int Pending => _length;

    /// <inheritdoc/>
    public void Advance(int count) => _length += count;

    /// <inheritdoc/>
    public Memory<byte> GetMemory(int sizeHint = 0)
    {
        Reserve(sizeHint);
        return _buffer.AsMemory(_length);
    }

    /// <inheritdoc/>
    public Span<byte> GetSpan(int sizeHint = 0)
    {
        Reserve(sizeHint);
        return _buffer.AsSpan(_length);
    }

    /// <summary>Takes over the failure of another that wrote to the same descriptor.</summary>
    public void Fail(int error)
    {
        if (Error == 0) Error = error;
    }

    /// <summary>Writes bytes.</summary>
    public void Write(ReadOnlySpan<byte> text)
    {
        text.CopyTo(GetSpan(text.Length));
        Advance(text.Length);
    }

    /// <summary>Writes text as UTF-8.</summary>
    public void Write(ReadOnlySpan<char> text)
    {
        Span<byte> place = GetSpan(text.Length * 3);
        Advance(System.Text.Encoding.UTF8.GetBytes(text, place));
    }

    /// <summary>Hands everything to the kernel.</summary>
    public void Flush()
    {
        if (gate is null)
        {
            FlushAlone();
            return;
        }

        lock (gate) FlushAlone();
    }

    private void FlushAlone()
    {
        ReadOnlySpan<byte> rest = _buffer.AsSpan(0, _length);
        while (!rest.IsEmpty && Error == 0)
        {
            nint written = Libc.Write(descriptor, in MemoryMarshal.GetReference(rest), (nuint)rest.Length);
            if (written >= 0)
            {
                rest = rest[(int)written..];
                continue;
            }

            int error = Marshal.GetLastPInvokeError();
            if (error == Libc.Interrupted) continue;
            if (error == Libc.BrokenPipe) DieOfPipe();
            Error = error;
        }

        _length = 0;
    }

    // The runtime ignores the signal; scripts look at the status that it gives.
    private static void DieOfPipe()
    {
        Libc.Signal(Libc.SignalPipe, Libc.DefaultHandler);
        _ = Libc.Raise(Libc.SignalPipe);
    }

    private void Reserve(int size)
    {
        if (_buffer.Length - _length >= Math.Max(size, 1)) return;

        Flush();
        if (_buffer.Length < size) _buffer = new byte[size];
    }
}
