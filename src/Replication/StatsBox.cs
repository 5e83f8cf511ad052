using TwinTrack.Conntrack;

namespace TwinTrack.Replication;

/// <summary>The counters, shared by the parts of one engine.</summary>
internal sealed class StatsBox
{
    public SyncStats Value;

    /// <summary>Adds what a flow that ended has carried.</summary>
    public void AddTraffic(in PackedFlow flow)
    {
        if (flow.Has(FlowFields.CountersOriginal)) Add(flow.CountersOriginal);
        if (flow.Has(FlowFields.CountersReply)) Add(flow.CountersReply);
    }

    private void Add(FlowCounters counters)
    {
        Value.TrafficBytes += counters.Bytes;
        Value.TrafficPackets += counters.Packets;
    }
}
