namespace TwinTrack.Sim.Net;

/// <summary>One datagram on its way, with what only the world knows of it.</summary>
internal sealed class Parcel
{
    /// <summary>Counts the datagrams of the world.</summary>
    public required long Number { get; init; }

    /// <summary>The node that sent it.</summary>
    public required int From { get; init; }

    /// <summary>Which run of the sender's daemon sent it.</summary>
    public required int Run { get; init; }

    /// <summary>The place of its first message among all messages of the run, from 0.</summary>
    public required long FirstMessage { get; init; }

    /// <summary>Messages in it.</summary>
    public required int Count { get; init; }

    /// <summary>Whether a message in it says HELLO.</summary>
    public required bool IsGreeting { get; init; }

    public required byte[] Bytes { get; init; }
}
