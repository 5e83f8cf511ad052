using TwinTrack.Daemon.Config;
using TwinTrack.Daemon.Control;

namespace TwinTrack.Daemon.CommandLine;

/// <summary>Reads the arguments of conntrackd, one after the other.</summary>
public static class ArgumentParser
{
    private static readonly UsageError InvalidParameters = new("Invalid parameters", ShowHelp: true);

    /// <summary>Reads the arguments.</summary>
    /// <param name="arguments">Without the program's name.</param>
    /// <param name="error">Why they cannot be obeyed, else null.</param>
    /// <returns>What they ask for, or null.</returns>
    /// <remarks>Of several client commands the last one counts, as in conntrackd.</remarks>
    public static Invocation? Parse(IReadOnlyList<string> arguments, out UsageError? error)
    {
        error = null;
        InvocationMode? mode = null;
        ControlRequest? request = null;
        string configFile = DaemonConfig.DefaultFile;
        List<string> warnings = [];
        bool isJson = false;

        for (int index = 0; index < arguments.Count; index++)
        {
            if (OptionTable.Find(arguments[index]) is not { } option)
                return Refuse(new UsageError($"Unknown option: {arguments[index]}", ShowHelp: true), out error);

            if (option == OptionTable.ConfigFile)
            {
                if (++index == arguments.Count)
                    return Refuse(new UsageError("Missing config filename", ShowHelp: true), out error);
                configFile = arguments[index].Length > 0 ? arguments[index] : DaemonConfig.DefaultFile;
            }
            else if (option == OptionTable.Xml)
            {
                request = OptionTable.AsXml(request);
                if (request is null) return Refuse(InvalidParameters, out error);
            }
            else if (option == OptionTable.Json)
            {
                isJson = true;
            }
            else
            {
                if (option.Mode is InvocationMode.Help or InvocationMode.Version)
                    return new Invocation { Mode = option.Mode.Value, ConfigFile = configFile };
                if ((mode ?? option.Mode) != option.Mode) return Refuse(InvalidParameters, out error);

                mode = option.Mode;
                string? next = index + 1 < arguments.Count ? arguments[index + 1] : null;
                if (FindWord(option, next, out OptionWord? word, out error)) index++;
                if (error is not null) return null;

                request = word?.Request ?? option.Request;
                if (word?.Warning is { } warning) warnings.Add(warning);
            }
        }

        // JSON is a form of what is read, beside XML.
        if (isJson && (request is not { } wanted || !ControlAccess.IsRead(wanted) || OptionTable.IsXml(wanted)))
            return Refuse(InvalidParameters, out error);

        return new Invocation
        {
            Mode = mode ?? InvocationMode.Console,
            IsJson = isJson,
            ConfigFile = configFile,
            Request = request,
            Warnings = warnings,
        };
    }

    private static bool FindWord(Option option, string? next, out OptionWord? word, out UsageError? error)
    {
        word = null;
        error = null;
        if (option.Words.Count == 0 || next is null || next.StartsWith('-')) return false;

        word = option.Words.FirstOrDefault(candidate => candidate.Text.StartsWith(next, StringComparison.Ordinal));
        if (word is null && option.OwnsNextWord)
            error = new UsageError($"unknown parameter `{next}' for option `{option.Name}'", ShowHelp: false);
        return word is not null;
    }

    private static Invocation? Refuse(UsageError reason, out UsageError? error)
    {
        error = reason;
        return null;
    }
}
