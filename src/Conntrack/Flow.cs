namespace TwinTrack.Conntrack;

/// <summary>A flow for programs that handle few of them: unknown fields are null.</summary>
/// <remarks>
/// It wraps a <see cref="PackedFlow"/> of its own, which is what codec and clients take. Whoever handles a table of
/// flows uses that directly: it can be used again.
/// </remarks>
public sealed class Flow
{
    private PackedFlow _packed;

    /// <summary>Makes a flow of which nothing is known.</summary>
    public Flow()
    {
    }

    /// <summary>Copies a flow.</summary>
    public Flow(in PackedFlow packed) => _packed = packed;

    /// <summary>Makes an untranslated flow of its original tuple: the reply tuple follows from it.</summary>
    /// <exception cref="ArgumentException">The ICMP type has no counterpart.</exception>
    public Flow(FlowTuple original)
    {
        if (!original.TryReverse(out FlowTuple reply))
            throw new ArgumentException("No flow has this ICMP type.", nameof(original));
        Original = original;
        Reply = reply;
    }

    /// <summary>The flow as codec and clients take it.</summary>
    public ref PackedFlow Packed => ref _packed;

    /// <summary>CTA_TUPLE_ORIG.</summary>
    public FlowTuple? Original
    {
        get => Get(FlowFields.Original, _packed.Original);
        set => Set(FlowFields.Original, ref _packed.Original, value);
    }

    /// <summary>CTA_TUPLE_REPLY.</summary>
    public FlowTuple? Reply
    {
        get => Get(FlowFields.Reply, _packed.Reply);
        set => Set(FlowFields.Reply, ref _packed.Reply, value);
    }

    /// <summary>CTA_TUPLE_MASTER: the original tuple of the flow this one is related to.</summary>
    public FlowTuple? Master
    {
        get => Get(FlowFields.Master, _packed.Master);
        set => Set(FlowFields.Master, ref _packed.Master, value);
    }

    /// <summary>CTA_STATUS.</summary>
    public FlowStatus? Status
    {
        get => Get(FlowFields.Status, _packed.Status);
        set => Set(FlowFields.Status, ref _packed.Status, value);
    }

    /// <summary>CTA_TIMEOUT: seconds left.</summary>
    public uint? Timeout
    {
        get => Get(FlowFields.Timeout, _packed.Timeout);
        set => Set(FlowFields.Timeout, ref _packed.Timeout, value);
    }

    /// <summary>CTA_MARK.</summary>
    public uint? Mark
    {
        get => Get(FlowFields.Mark, _packed.Mark);
        set => Set(FlowFields.Mark, ref _packed.Mark, value);
    }

    /// <summary>CTA_ZONE: zone of both directions.</summary>
    public ushort? Zone
    {
        get => Get(FlowFields.Zone, _packed.Zone);
        set => Set(FlowFields.Zone, ref _packed.Zone, value);
    }

    /// <summary>CTA_ID: stable for the life of the flow.</summary>
    public uint? Id
    {
        get => Get(FlowFields.Id, _packed.Id);
        set => Set(FlowFields.Id, ref _packed.Id, value);
    }

    /// <summary>CTA_USE: references.</summary>
    public uint? Use => Get(FlowFields.Use, _packed.Use);

    /// <summary>CTA_PROTOINFO_TCP_STATE.</summary>
    public TcpState? TcpState
    {
        get => Get(FlowFields.TcpState, (TcpState)_packed.TcpState);
        set => Set(FlowFields.TcpState, ref _packed.TcpState, (byte?)value);
    }

    /// <summary>CTA_PROTOINFO_SCTP_STATE.</summary>
    public SctpState? SctpState
    {
        get => Get(FlowFields.SctpState, (SctpState)_packed.SctpState);
        set => Set(FlowFields.SctpState, ref _packed.SctpState, (byte?)value);
    }

    /// <summary>CTA_PROTOINFO_DCCP_STATE.</summary>
    public DccpState? DccpState
    {
        get => Get(FlowFields.DccpState, (DccpState)_packed.DccpState);
        set => Set(FlowFields.DccpState, ref _packed.DccpState, (byte?)value);
    }

    /// <summary>CTA_COUNTERS_ORIG; present if nf_conntrack_acct was on when the flow began.</summary>
    public FlowCounters? CountersOriginal => Get(FlowFields.CountersOriginal, _packed.CountersOriginal);

    /// <summary>CTA_COUNTERS_REPLY.</summary>
    public FlowCounters? CountersReply => Get(FlowFields.CountersReply, _packed.CountersReply);

    /// <summary>CTA_TIMESTAMP_START, to the tick (100 ns).</summary>
    public DateTimeOffset? Started => Time(FlowFields.TimestampStart, _packed.TimestampStart);

    /// <summary>CTA_TIMESTAMP_STOP, to the tick (100 ns).</summary>
    public DateTimeOffset? Stopped => Time(FlowFields.TimestampStop, _packed.TimestampStop);

    /// <summary>CTA_LABELS.</summary>
    public LabelBits? Labels
    {
        get => Get(FlowFields.Labels, _packed.Labels);
        set => Set(FlowFields.Labels, ref _packed.Labels, value);
    }

    /// <summary>CTA_HELP_NAME: at most 15 bytes.</summary>
    /// <exception cref="ArgumentException">The name is too long.</exception>
    public string? Helper
    {
        get => _packed.Has(FlowFields.Helper) ? NameText.ToString(_packed.Helper) : null;
        set
        {
            _packed.Fields &= ~FlowFields.Helper;
            if (value is null) return;
            NameText.Write(value, _packed.Helper);
            _packed.Fields |= FlowFields.Helper;
        }
    }

    private T? Get<T>(FlowFields field, T value)
        where T : struct => _packed.Has(field) ? value : null;

    private void Set<T>(FlowFields field, ref T place, T? value)
        where T : struct
    {
        if (value is { } known)
        {
            place = known;
            _packed.Fields |= field;
        }
        else
        {
            _packed.Fields &= ~field;
        }
    }

    private DateTimeOffset? Time(FlowFields field, ulong nanoseconds) =>
        _packed.Has(field) ? DateTimeOffset.UnixEpoch.AddTicks((long)(nanoseconds / 100)) : null;
}
