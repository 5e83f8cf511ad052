using TwinTrack.Cli.Output;

namespace TwinTrack.Cli.Flows;

/// <summary>A line on a terminal that tells how far a long command is.</summary>
internal sealed class Progress(ByteOutput errors, bool isShown)
{
    /// <summary>How many lines of a file pass between two changes of the line.</summary>
    public const int Interval = 10_000;

    private bool _isOpen;

    /// <summary>Changes the line.</summary>
    /// <param name="verb">What happened to them.</param>
    /// <param name="lines">How many lines.</param>
    /// <param name="total">Of how many; 0 when that is not known.</param>
    public void Show(string verb, int lines, int total = 0)
    {
        if (!isShown) return;

        _isOpen = true;
        errors.Write(total > 0 ? $"\r{lines} of {total} lines {verb}" : $"\r{lines} lines {verb}");
        errors.Write("\u001b[K"u8); // ECMA-48 EL: what is left of the line before
        errors.Flush();
    }

    /// <summary>Takes the line away.</summary>
    public void Clear()
    {
        if (!_isOpen) return;
        _isOpen = false;
        errors.Write("\r\u001b[K"u8);
        errors.Flush();
    }
}
