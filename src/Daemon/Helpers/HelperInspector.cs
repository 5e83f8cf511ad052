using TwinTrack.Conntrack;
using TwinTrack.Conntrack.Kernel;
using TwinTrack.Helpers;
using TwinTrack.Netlink;

namespace TwinTrack.Daemon.Helpers;

/// <summary>Takes a packet from its queue through its helper to its verdict.</summary>
/// <remarks>
/// Expectations of a flow that is in the table are made by messages before the verdict: any number, and the kernel
/// says what became of them. Of a flow whose first packet this is, the first goes with the verdict, which puts the
/// flow into the table, and the others right behind it.
/// </remarks>
internal sealed class HelperInspector(Log log) : IDisposable
{
    private const int LongestPacket = ushort.MaxValue;
    private const int LongestData = 64;
    private const int MostLater = 16;
    private const long QuietMilliseconds = 60_000;

    private readonly ExpectationClient _kernel = new();
    private readonly byte[] _packet = new byte[LongestPacket];
    private readonly List<PackedExpectation> _later = [];
    private HelperWork? _work;        // of the packet at hand
    private PackedFlow _flow;
    private PackedExpectation _held;  // goes with the verdict
    private PackedExpectation _found;
    private long _quietUntil = long.MinValue;

    /// <summary>The helpers there are.</summary>
    public IReadOnlyList<RunningHelper> Helpers { get; set; } = [];

    /// <summary>The flow of the packet inspected last, with what its verdict changes of it.</summary>
    public ref readonly PackedFlow Flow => ref _flow;

    /// <summary>What goes with its verdict; no field is known if nothing does.</summary>
    public ref readonly PackedExpectation Held => ref _held;

    /// <summary>Inspects a packet.</summary>
    /// <param name="packet">The packet.</param>
    /// <param name="milliseconds">The time, from any point on.</param>
    /// <param name="answer">What to answer, valid until the next packet; behind it goes <see cref="Finish"/>.</param>
    /// <returns>False when nobody here can look at it.</returns>
    public bool TryInspect(in QueuedPacket packet, long milliseconds, out PacketAnswer answer)
    {
        answer = new PacketAnswer { Verdict = PacketVerdict.Accept };
        _held.Clear();
        _later.Clear();
        if (!packet.HasFlow || packet.IsCut) return false;
        if (!FlowCodec.TryReadAttributes(packet.FlowAttributes, packet.Family, ref _flow)) return false;
        if (!_flow.Has(FlowFields.Original | FlowFields.Reply | FlowFields.Status | FlowFields.Helper)) return false;
        if (Find() is not { } running) return false;
        if (!IpPacket.TryRead(packet.Payload, out IpPacket layout) || layout.Protocol != running.Config.Protocol)
            return false;

        HelperWork work = running.Work;
        ReadOnlySpan<byte> payload = packet.Payload[layout.Payload..layout.End];
        work.Stats.Packets++;
        work.Stats.Bytes += (ulong)payload.Length;
        if (payload.IsEmpty) return true;

        Span<byte> data = stackalloc byte[LongestData];
        data.Clear();
        int kept = _flow.Has(FlowFields.HelperInfo) ? _flow.HelperInfoLength : 0;
        Span<byte> stored = _flow.HelperInfo;
        stored = stored[..kept];
        stored.CopyTo(data);
        var inspection = new Inspection(work, ref _flow)
        {
            Payload = payload,
            Data = data,
            Sequence = layout.Sequence,
            State = packet.State,
            HeaderDestination = layout.Destination,
            Milliseconds = milliseconds,
        };
        _work = work;
        if (!TryRun(work, ref inspection, milliseconds)) return true;

        if (!stored.SequenceEqual(data[..kept]))
        {
            data[..kept].CopyTo(stored);
            answer.Changes |= FlowFields.Helper | FlowFields.HelperInfo;
        }

        if (inspection.Timeout > 0)
        {
            _flow.Timeout = inspection.Timeout;
            _flow.Fields |= FlowFields.Timeout;
            answer.Changes |= FlowFields.Timeout;
        }

        Rewrite(work, in packet, in layout, ref answer);
        return true;
    }

    /// <summary>Makes what had to wait until the verdict put the flow into the table.</summary>
    /// <remarks>
    /// Looks also whether the kernel took what went with the verdict, which it does not tell. One that ends with the
    /// first flow it lets in may have served already, so that only the others are looked for.
    /// </remarks>
    public void Finish(long milliseconds)
    {
        if (_held.Has(ExpectationFields.Flags) && (_held.Flags & ExpectationFlags.Permanent) != ExpectationFlags.None
            && _kernel.Get(in _held, ref _found).Code == Errno.NotFound)
        {
            CountMissing(_work!, milliseconds);
        }

        foreach (PackedExpectation expectation in _later) MakeLater(_work!, in expectation, milliseconds);
        _later.Clear();
    }

    /// <summary>Makes an expectation of the flow at hand.</summary>
    public ExpectResult Expect(in PackedExpectation expectation)
    {
        if ((_flow.Status & FlowStatus.Confirmed) != FlowStatus.None) return Make(in expectation);
        if (_held.Fields == ExpectationFields.None)
        {
            _held = expectation;
            return ExpectResult.Made;
        }

        if (_later.Count == MostLater) return ExpectResult.Refused;
        _later.Add(expectation);
        return ExpectResult.Made;
    }

    public void Dispose() => _kernel.Dispose();

    // Not by the queue: a flow expected with a helper may come through that of its master.
    private RunningHelper? Find()
    {
        ReadOnlySpan<byte> name = _flow.Helper;
        int end = name.IndexOf((byte)0);
        name = end < 0 ? name : name[..end];
        foreach (RunningHelper helper in Helpers)
        {
            bool isOfProtocol = helper.Config.Family == _flow.Original.Family
                && helper.Config.Protocol == _flow.Original.Protocol;
            if (isOfProtocol && System.Text.Ascii.Equals(name, helper.Config.Name)) return helper;
        }

        return null;
    }

    // A defect of a helper costs the inspection of this packet, not the packet and not the daemon.
    private bool TryRun(HelperWork work, ref Inspection inspection, long milliseconds)
    {
        try
        {
            work.Helper.Inspect(ref inspection);
            return true;
        }
#pragma warning disable CA1031 // whatever a parser of strangers' bytes throws ends here
        catch (Exception defect)
#pragma warning restore CA1031
        {
            work.Stats.Failed++;
            work.Rewriting.Clear();
            _held.Clear();
            _later.Clear();
            Complain($"helper `{work.Helper.Name}' failed, the packet passed as it was: {defect}", milliseconds);
            return false;
        }
    }

    private void Rewrite(HelperWork work, in QueuedPacket packet, in IpPacket layout, ref PacketAnswer answer)
    {
        if (work.Rewriting.Count == 0) return;

        int length = layout.Rewrite(packet.Payload, work.Rewriting, _packet);
        if (length == 0)
        {
            work.Stats[HelperRefusal.Split]++;
            return;
        }

        work.Stats.Rewritten++;
        answer.Payload = _packet.AsSpan(0, length);
        answer.AdjustsSequence = layout.Protocol == IpProtocol.Tcp && work.Rewriting.Growth != 0;
    }

    private ExpectResult Make(in PackedExpectation expectation)
    {
        NetlinkError error = _kernel.Create(in expectation);
        switch (error.Code)
        {
            case Errno.None:
                return ExpectResult.Made;
            case Errno.Exists:
                // Made for an earlier copy of this packet, or by somebody else.
                if (!_kernel.Get(in expectation, ref _found).IsSuccess || !IsSame(in expectation, in _found))
                    return ExpectResult.Taken;
                _kernel.Delete(in _found);
                return _kernel.Create(in expectation).IsSuccess ? ExpectResult.Made : ExpectResult.Refused;
            case Errno.Busy:
                return ExpectResult.Taken;
            default:
                Complain($"the kernel refuses an expectation: {error}", Environment.TickCount64);
                return ExpectResult.Refused;
        }
    }

    private void MakeLater(HelperWork work, in PackedExpectation expectation, long milliseconds)
    {
        if (Make(in expectation) != ExpectResult.Made) CountMissing(work, milliseconds);
    }

    private void CountMissing(HelperWork work, long milliseconds)
    {
        work.Stats.Expected--;
        work.Stats[HelperRefusal.Kernel]++;
        Complain($"helper `{work.Helper.Name}': an expectation was not made", milliseconds);
    }

    private static bool IsSame(in PackedExpectation wanted, in PackedExpectation found)
    {
        bool isTranslated = wanted.Has(ExpectationFields.NatTuple);
        return found.Has(ExpectationFields.Master)
            && found.Master.Source == wanted.Master.Source && found.Master.SourcePort == wanted.Master.SourcePort
            && found.Master.Destination == wanted.Master.Destination
            && found.Master.DestinationPort == wanted.Master.DestinationPort
            && isTranslated == found.Has(ExpectationFields.NatTuple)
            && (!isTranslated || found.NatTuple.SourcePort == wanted.NatTuple.SourcePort);
    }

    private void Complain(string text, long milliseconds)
    {
        if (milliseconds < _quietUntil) return;
        _quietUntil = milliseconds + QuietMilliseconds;
        log.Warning(text);
    }
}
