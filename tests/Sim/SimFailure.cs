using System.Diagnostics.CodeAnalysis;

namespace TwinTrack.Sim;

/// <summary>Something happened in a world that must not, or did not happen that must.</summary>
[SuppressMessage("Design", "CA1032", Justification = "Thrown here only, always with a message.")]
[SuppressMessage("Design", "CA1064", Justification = "Thrown here only.")]
internal sealed class SimFailure(string message) : Exception(message);
