using TwinTrack.Conntrack.Kernel;

namespace TwinTrack.Cli.Flows;

/// <summary>Asks before a command typed at a terminal empties a whole table.</summary>
internal static class MassDelete
{
    /// <summary>Says what will be deleted, and asks; scripts are never asked.</summary>
    /// <exception cref="ToolException">The answer was no.</exception>
    public static void Announce(Session session, Request request)
    {
        if (request.SaysYes || !session.IsInteractive || IsLimited(request)) return;

        string family = request.Family switch
        {
            Conntrack.AddressFamily.IPv4 => " IPv4",
            Conntrack.AddressFamily.IPv6 => " IPv6",
            _ => "",
        };
        string count = request.IsFamilyOpen && session.Client.Count(out TableSize size).IsSuccess
            ? $"all {size.Entries}"
            : "all";
        session.Ask($"This deletes {count}{family} flows: connections through this machine may break.");
    }

    private static bool IsLimited(Request request)
    {
        for (OptionId option = 0; option < OptionId.Columns; option++)
        {
            if (option is not (OptionId.Family or OptionId.Output) && request.Has(option)) return true;
        }

        return false;
    }
}
