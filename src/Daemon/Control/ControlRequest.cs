namespace TwinTrack.Daemon.Control;

/// <summary>
/// What a client asks of a running daemon: the 32-bit integer in host byte order that is the whole request
/// on the control socket. The numbers are those of conntrackd, so that its clients and ours are interchangeable.
/// </summary>
public enum ControlRequest
{
    /// <summary>-F ct: empty the kernel's flow table.</summary>
    FlushKernelFlows = 0,

    /// <summary>-R ct: merge the kernel's flow table into the internal cache.</summary>
    ResyncKernelFlows = 1,

    /// <summary>-i ct: list the flows of the internal cache.</summary>
    DumpInternalFlows = 16,

    /// <summary>-e ct: list the flows of the external cache.</summary>
    DumpExternalFlows = 17,

    /// <summary>-c ct: commit the external flows.</summary>
    CommitFlows = 18,

    /// <summary>Empty both flow caches and leave the expectations; no option of conntrackd sends it.</summary>
    FlushFlowCaches = 19,

    /// <summary>-k: stop the daemon.</summary>
    Stop = 20,

    /// <summary>-s and -s ct: flow statistics.</summary>
    FlowStatistics = 21,

    /// <summary>-B: send the internal cache to the peers.</summary>
    SendBulk = 22,

    /// <summary>-n: ask the peers for their flows.</summary>
    RequestResync = 23,

    /// <summary>-i ct -x.</summary>
    DumpInternalFlowsXml = 24,

    /// <summary>-e ct -x.</summary>
    DumpExternalFlowsXml = 25,

    /// <summary>-t: empty the kernel's flow table after the purge timeout.</summary>
    Purge = 26,

    /// <summary>-s network.</summary>
    NetworkStatistics = 28,

    /// <summary>-s cache.</summary>
    CacheStatistics = 29,

    /// <summary>-s runtime.</summary>
    RuntimeStatistics = 30,

    /// <summary>-s link, once -s multicast.</summary>
    LinkStatistics = 31,

    /// <summary>-s rsqueue: the elements of the resend queue.</summary>
    ResendQueueStatistics = 32,

    /// <summary>-f internal.</summary>
    FlushInternalCaches = 33,

    /// <summary>-f external.</summary>
    FlushExternalCaches = 34,

    /// <summary>-s process: what runs beside the loop.</summary>
    ProcessStatistics = 35,

    /// <summary>-s queue.</summary>
    QueueStatistics = 36,

    /// <summary>-s expect: expectation statistics.</summary>
    ExpectationStatistics = 37,

    /// <summary>-F expect: empty the kernel's expectation table.</summary>
    FlushKernelExpectations = 38,

    /// <summary>-R expect: merge the kernel's expectation table into the internal cache.</summary>
    ResyncKernelExpectations = 39,

    /// <summary>-i expect: list the expectations of the internal cache.</summary>
    DumpInternalExpectations = 40,

    /// <summary>-e expect: list the expectations of the external cache.</summary>
    DumpExternalExpectations = 41,

    /// <summary>-c expect: commit the external expectations.</summary>
    CommitExpectations = 42,

    /// <summary>-F: empty the kernel's flow and expectation tables.</summary>
    FlushKernel = 43,

    /// <summary>-R: merge both kernel tables into the internal caches.</summary>
    ResyncKernel = 44,

    /// <summary>-f: empty all caches.</summary>
    FlushCaches = 45,

    /// <summary>-c: commit all external caches.</summary>
    Commit = 46,

    /// <summary>-i expect -x.</summary>
    DumpInternalExpectationsXml = 47,

    /// <summary>-e expect -x.</summary>
    DumpExternalExpectationsXml = 48,
}
