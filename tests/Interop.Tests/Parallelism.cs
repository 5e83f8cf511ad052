using Xunit;

// Most of a test is waiting for the daemons' timers.
[assembly: CollectionBehavior(MaxParallelThreads = 4)]

namespace TwinTrack.Interop.Tests;

/// <summary>Tests that make the machine busy run alone: times are part of what they check.</summary>
[CollectionDefinition(Name, DisableParallelization = true)]
public sealed class BusyCollection
{
    public const string Name = "busy";
}
