using System.CommandLine;

namespace TwinTrack.Programs;

/// <summary>Everything twintrack can do: parser, help and manual read it.</summary>
internal static class Verbs
{
    /// <summary>Builds the command line.</summary>
    public static RootCommand Create()
    {
        RootCommand root = new("TwinTrack: connection-tracking high availability for Linux firewalls.")
        {
            LabCommand.Create(),
            DoctorCommand.Create(),
        };
        foreach (Command verb in RouterCommands.Create()) root.Add(verb);
        return root;
    }
}
