using System.ComponentModel;
using System.Runtime.InteropServices;

namespace TwinTrack.Testing;

/// <summary>Takes privileges away from the calling thread, which should end soon after.</summary>
internal static partial class Privileges
{
    private const uint Version3 = 0x20080522; // _LINUX_CAPABILITY_VERSION_3

    /// <summary>Leaves the thread without any capability.</summary>
    public static void Drop()
    {
        var header = new Header { Version = Version3 };
        if (SetCapabilities(in header, in (new Data[2])[0]) != 0)
            throw new Win32Exception(Marshal.GetLastPInvokeError(), "capset");
    }

    [LibraryImport("libc", EntryPoint = "capset", SetLastError = true)]
    private static partial int SetCapabilities(in Header header, in Data first);

    private struct Header
    {
        public uint Version;
        public int Thread; // 0: this one
    }

    private struct Data
    {
        public uint Effective;
        public uint Permitted;
        public uint Inheritable;
    }
}
