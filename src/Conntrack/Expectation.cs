namespace TwinTrack.Conntrack;

/// <summary>An expectation for programs that handle few of them: unknown fields are null.</summary>
/// <remarks>It wraps a <see cref="PackedExpectation"/> of its own, which is what codec and clients take.</remarks>
public sealed class Expectation
{
    private PackedExpectation _packed;

    /// <summary>Makes an expectation of which nothing is known.</summary>
    public Expectation()
    {
    }

    /// <summary>Copies an expectation.</summary>
    public Expectation(in PackedExpectation packed) => _packed = packed;

    /// <summary>The expectation as codec and clients take it.</summary>
    public ref PackedExpectation Packed => ref _packed;

    /// <summary>CTA_EXPECT_MASTER: the original tuple of the flow whose helper made it.</summary>
    public FlowTuple? Master
    {
        get => Get(ExpectationFields.Master, _packed.Master);
        set => Set(ExpectationFields.Master, ref _packed.Master, value);
    }

    /// <summary>CTA_EXPECT_TUPLE: what the expected flow looks like, where the mask has ones.</summary>
    public FlowTuple? Tuple
    {
        get => Get(ExpectationFields.Tuple, _packed.Tuple);
        set => Set(ExpectationFields.Tuple, ref _packed.Tuple, value);
    }

    /// <summary>CTA_EXPECT_MASK.</summary>
    public FlowTuple? Mask
    {
        get => Get(ExpectationFields.Mask, _packed.Mask);
        set => Set(ExpectationFields.Mask, ref _packed.Mask, value);
    }

    /// <summary>CTA_EXPECT_TIMEOUT: seconds left.</summary>
    public uint? Timeout
    {
        get => Get(ExpectationFields.Timeout, _packed.Timeout);
        set => Set(ExpectationFields.Timeout, ref _packed.Timeout, value);
    }

    /// <summary>CTA_EXPECT_ID.</summary>
    public uint? Id
    {
        get => Get(ExpectationFields.Id, _packed.Id);
        set => Set(ExpectationFields.Id, ref _packed.Id, value);
    }

    /// <summary>CTA_EXPECT_CLASS.</summary>
    public uint? Class
    {
        get => Get(ExpectationFields.Class, _packed.Class);
        set => Set(ExpectationFields.Class, ref _packed.Class, value);
    }

    /// <summary>CTA_EXPECT_FLAGS.</summary>
    public ExpectationFlags? Flags
    {
        get => Get(ExpectationFields.Flags, _packed.Flags);
        set => Set(ExpectationFields.Flags, ref _packed.Flags, value);
    }

    /// <summary>CTA_EXPECT_ZONE.</summary>
    public ushort? Zone
    {
        get => Get(ExpectationFields.Zone, _packed.Zone);
        set => Set(ExpectationFields.Zone, ref _packed.Zone, value);
    }

    /// <summary>CTA_EXPECT_NAT_DIR: 0 original, 1 reply.</summary>
    public uint? NatDirection
    {
        get => Get(ExpectationFields.NatDirection, _packed.NatDirection);
        set => Set(ExpectationFields.NatDirection, ref _packed.NatDirection, value);
    }

    /// <summary>CTA_EXPECT_NAT_TUPLE: what the expected flow is translated to.</summary>
    public FlowTuple? NatTuple
    {
        get => Get(ExpectationFields.NatTuple, _packed.NatTuple);
        set => Set(ExpectationFields.NatTuple, ref _packed.NatTuple, value);
    }

    /// <summary>CTA_EXPECT_HELP_NAME: at most 15 bytes.</summary>
    /// <exception cref="ArgumentException">The name is too long.</exception>
    public string? Helper
    {
        get => _packed.Has(ExpectationFields.Helper) ? NameText.ToString(_packed.Helper) : null;
        set => SetName(ExpectationFields.Helper, _packed.Helper, value);
    }

    /// <summary>CTA_EXPECT_FN: at most 31 bytes.</summary>
    /// <exception cref="ArgumentException">The name is too long.</exception>
    public string? Function
    {
        get => _packed.Has(ExpectationFields.Function) ? NameText.ToString(_packed.Function) : null;
        set => SetName(ExpectationFields.Function, _packed.Function, value);
    }

    private T? Get<T>(ExpectationFields field, T value)
        where T : struct => _packed.Has(field) ? value : null;

    private void Set<T>(ExpectationFields field, ref T place, T? value)
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

    private void SetName(ExpectationFields field, Span<byte> place, string? value)
    {
        _packed.Fields &= ~field;
        if (value is null) return;

        NameText.Write(value, place);
        _packed.Fields |= field;
    }
}
