namespace TwinTrack.Daemon.Control;

/// <summary>Who may ask for what.</summary>
/// <remarks>
/// The mode of the socket's file decides who reaches the daemon at all: its owner, and the members of the group of
/// <c>UNIX { Group }</c>. Of those only the owner and root may change anything.
/// </remarks>
public static class ControlAccess
{
    /// <summary>Whether the request only reads: listings and statistics, in every form.</summary>
    public static bool IsRead(ControlRequest request) => request
        is ControlRequest.DumpInternalFlows or ControlRequest.DumpExternalFlows
        or ControlRequest.DumpInternalFlowsXml or ControlRequest.DumpExternalFlowsXml
        or ControlRequest.DumpInternalExpectations or ControlRequest.DumpExternalExpectations
        or ControlRequest.DumpInternalExpectationsXml or ControlRequest.DumpExternalExpectationsXml
        or ControlRequest.FlowStatistics or ControlRequest.ExpectationStatistics
        or ControlRequest.NetworkStatistics or ControlRequest.CacheStatistics
        or ControlRequest.RuntimeStatistics or ControlRequest.LinkStatistics
        or ControlRequest.ResendQueueStatistics or ControlRequest.ProcessStatistics
        or ControlRequest.QueueStatistics;

    /// <summary>Whether the client may have the request carried out.</summary>
    /// <param name="request">What it asks for.</param>
    /// <param name="peer">Who it is.</param>
    /// <param name="owner">The user the daemon runs as.</param>
    public static bool Admits(ControlRequest request, PeerCredentials peer, uint owner) =>
        peer.UserId == 0 || peer.UserId == owner || IsRead(request);
}
