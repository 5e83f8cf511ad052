namespace TwinTrack.Lab;

/// <summary>The lab cannot run here, or a part of it failed: one line that says what, and what would help.</summary>
public sealed class LabException : Exception
{
    /// <summary>Without a text.</summary>
    public LabException()
    {
    }

    /// <summary>With the line to print.</summary>
    public LabException(string message)
        : base(message)
    {
    }

    /// <summary>With the line to print and what caused it.</summary>
    public LabException(string message, Exception innerException)
        : base(message, innerException)
    {
    }
}
