namespace TwinTrack.Conntrack;

/// <summary>How many expectations of one class a helper may have, and how long they live (NFCTH_POLICY_SET*).</summary>
/// <param name="Name">NFCTH_POLICY_NAME.</param>
/// <param name="Limit">NFCTH_POLICY_EXPECT_MAX: expectations of one master.</param>
/// <param name="Seconds">NFCTH_POLICY_EXPECT_TIMEOUT: seconds an expectation lives.</param>
public readonly record struct HelperPolicy(string Name, uint Limit, uint Seconds);

/// <summary>A user-space helper as the kernel knows it (nfnetlink_cthelper).</summary>
public sealed record HelperDefinition
{
    /// <summary>Bytes of the longest name (NF_CT_HELPER_NAME_LEN without terminator).</summary>
    public const int NameLimit = 15;

    /// <summary>Policies of one helper at most (NF_CT_MAX_EXPECT_CLASSES).</summary>
    public const int PolicyLimit = 4;

    /// <summary>NFCTH_NAME.</summary>
    public string Name { get; init; } = "";

    /// <summary>NFCTH_TUPLE_L3PROTONUM: 2 or 10.</summary>
    public byte Family { get; init; }

    /// <summary>NFCTH_TUPLE_L4PROTONUM: IP protocol number.</summary>
    public byte Protocol { get; init; }

    /// <summary>NFCTH_QUEUE_NUM: the queue its packets go to.</summary>
    public uint Queue { get; init; }

    /// <summary>NFCTH_PRIV_DATA_LEN: bytes of private data of each flow.</summary>
    public uint PrivateDataLength { get; init; }

    /// <summary>NFCTH_STATUS: whether packets go to the queue; null leaves it to the kernel.</summary>
    public bool? IsEnabled { get; init; }

    /// <summary>NFCTH_POLICY: 1 to <see cref="PolicyLimit"/> when it is created.</summary>
    public IReadOnlyList<HelperPolicy> Policies { get; init; } = [];
}
