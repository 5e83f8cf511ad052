using System.Globalization;
using TwinTrack.Replication;

namespace TwinTrack.Sim;

/// <summary>One line for each change of state; costs nothing while nobody reads it.</summary>
internal sealed class Trace(TextWriter? writer, Agenda agenda)
{
    /// <summary>Ask before a line is put together.</summary>
    public bool IsOn => writer is not null;

    public void Line(string text) => writer?.WriteLine($"{Format(agenda.Now)} {text}");

    public static string Format(Instant time) =>
        string.Create(CultureInfo.InvariantCulture, $"{time.Microseconds / 1e6:F6}");
}
