using System.Runtime.InteropServices;
using TwinTrack.Netlink;

namespace TwinTrack.Cli.Flows;

/// <summary>What the kernel's errors mean for each command.</summary>
internal static class KernelErrors
{
    /// <summary>The text of an error.</summary>
    public static string Text(CommandId command, TableId table, Errno error)
    {
        bool isExpect = table == TableId.Expect;
        return (error, command) switch
        {
            (Errno.NotPermitted, _) => "sorry, you must be root or get CAP_NET_ADMIN capability to do this",
            (Errno.Invalid, CommandId.Add or CommandId.Stats) => System(error),
            (Errno.Invalid, CommandId.Count) when isExpect => System(error),
            (Errno.Invalid, _) => "invalid parameters",
            (Errno.Exists, CommandId.Create) when !isExpect => "Such conntrack exists, try -U to update",
            (Errno.NotFound, CommandId.Create) when isExpect => "master conntrack not found",
            (Errno.NotFound, CommandId.Create or CommandId.Get or CommandId.Delete or CommandId.Add)
                when !isExpect => "such conntrack doesn't exist",
            (Errno.OutOfMemory, CommandId.Create or CommandId.Get or CommandId.Add) => "not enough memory",
            (Errno.FamilyNotSupported, CommandId.Get) => "protocol not supported",
            (Errno.Expired, CommandId.Create or CommandId.Add) => "conntrack has expired",
            (Errno.InternalNotSupported, CommandId.List) => "function not implemented",
            _ => System(error),
        };
    }

    private static string System(Errno error) => Marshal.GetPInvokeErrorMessage((int)error);
}
