using TwinTrack.Conntrack;

namespace TwinTrack.Replication.Store;

// Fields of a flow into its record and extras, and back.
internal sealed unsafe partial class FlowStore
{
    private bool WritePlain(ref FlowRecord record, in PackedFlow flow, FlowFields fields)
    {
        bool changed = false;
        if ((fields & FlowFields.Status) != 0) changed |= Set(ref record.Status, flow.Status);
        if ((fields & FlowFields.Timeout) != 0) record.Timeout = flow.Timeout;
        if ((fields & FlowFields.Mark) != 0) changed |= Set(ref record.Mark, flow.Mark);
        if ((fields & FlowFields.Id) != 0) record.Id = flow.Id;
        if ((fields & FlowFields.Zone) != 0) changed |= Set(ref record.Zone, flow.Zone);
        if ((fields & FlowFields.TcpState) != 0) changed |= Set(ref record.State, flow.TcpState);
        if ((fields & FlowFields.TcpWindowScaleOriginal) != 0)
            changed |= Set(ref record.ScaleOriginal, flow.TcpWindowScaleOriginal);
        if ((fields & FlowFields.TcpWindowScaleReply) != 0)
            changed |= Set(ref record.ScaleReply, flow.TcpWindowScaleReply);
        if ((fields & FlowFields.SctpState) != 0) changed |= Set(ref record.State, flow.SctpState);
        if ((fields & FlowFields.SctpTagOriginal) != 0)
            changed |= Set(ref record.SctpTagOriginal, flow.SctpTagOriginal);
        if ((fields & FlowFields.SctpTagReply) != 0) changed |= Set(ref record.SctpTagReply, flow.SctpTagReply);
        if ((fields & FlowFields.DccpState) != 0) changed |= Set(ref record.State, flow.DccpState);
        if ((fields & FlowFields.DccpRole) != 0) changed |= Set(ref record.ScaleOriginal, flow.DccpRole);
        if ((fields & FlowFields.Helper) != 0)
            changed |= Set(ref record.Helper, (ushort)_names.Intern(NameOf(flow.Helper)));
        return changed;
    }

    private static bool Set<T>(ref T field, T value)
        where T : unmanaged
    {
        bool changed = !EqualityComparer<T>.Default.Equals(field, value);
        field = value;
        return changed;
    }

    private bool WriteReply(uint handle, in PackedFlow flow, FlowFields fields)
    {
        ref FlowRecord record = ref this[handle];
        Span<byte> addresses = Addresses(handle);
        int size = addresses.Length / 4;
        Span<byte> replySource = addresses[(2 * size)..];
        Span<byte> replyDestination = addresses[(3 * size)..];
        if ((fields & FlowFields.Reply) != 0)
        {
            record.ReplyParts = flow.Reply.Parts;
            (record.ReplySourcePort, record.ReplyDestinationPort) = FlowKey.PortWords(in flow.Reply);
            flow.Reply.Source.Write(replySource, record.Family);
            flow.Reply.Destination.Write(replyDestination, record.Family);
            return true;
        }

        bool changed = false;
        if ((fields & FlowFields.DestinationNat) != 0)
            changed |= SetAddress(replySource, flow.DestinationNat.First, record.Family);
        if ((fields & FlowFields.SourceNat) != 0)
            changed |= SetAddress(replyDestination, flow.SourceNat.First, record.Family);
        if ((fields & FlowFields.DestinationNatPort) != 0)
            changed |= Set(ref record.ReplySourcePort, flow.DestinationNat.FirstPort);
        if ((fields & FlowFields.SourceNatPort) != 0)
            changed |= Set(ref record.ReplyDestinationPort, flow.SourceNat.FirstPort);
        return changed;
    }

    private static bool SetAddress(Span<byte> place, Address address, byte family)
    {
        int size = family == AddressFamily.IPv4 ? 4 : 16;
        bool changed = Address.Read(place[..size]) != address;
        address.Write(place, family);
        return changed;
    }

    private bool WriteExtras(ref FlowRecord record, in PackedFlow flow, FlowFields fields)
    {
        bool zones = ((record.OriginalParts | record.ReplyParts) & TupleParts.Zone) != 0;
        bool synProxy = (fields & FlowFields.SynProxy) != 0 && flow.SynProxy != default;
        if (record.Extras == 0)
        {
            // A SYNPROXY state of zeros is what every flow made through ctnetlink carries: its bit is enough.
            if ((fields & InExtras) == 0 && !zones && !synProxy) return false;
            record.Extras = _extras.Allocate() + 1;
        }

        ref FlowExtras extras = ref ExtrasOf(in record);
        bool changed = false;
        if (zones && (fields & FlowFields.Original) != 0)
            extras.ZoneOriginal = (flow.Original.Parts & TupleParts.Zone) != 0 ? flow.Original.Zone : (ushort)0;
        if ((record.ReplyParts & flow.Reply.Parts & TupleParts.Zone) != 0) extras.ZoneReply = flow.Reply.Zone;
        if ((fields & FlowFields.Master) != 0) changed |= Set(ref extras.Master, flow.Master);
        if ((fields & FlowFields.SecurityMark) != 0) changed |= Set(ref extras.SecurityMark, flow.SecurityMark);
        if ((fields & FlowFields.SecurityContext) != 0)
        {
            ReadOnlySpan<byte> context = flow.SecurityContext;
            changed |= Set(ref extras.SecurityContext, _names.Intern(context[..flow.SecurityContextLength]));
        }

        if ((fields & FlowFields.TimestampStart) != 0) extras.TimestampStart = flow.TimestampStart;
        if ((fields & FlowFields.TimestampStop) != 0) extras.TimestampStop = flow.TimestampStop;
        if ((fields & FlowFields.Labels) != 0) changed |= Set(ref extras.Labels, flow.Labels);
        if ((fields & FlowFields.SequenceOriginal) != 0)
            changed |= Set(ref extras.SequenceOriginal, flow.SequenceOriginal);
        if ((fields & FlowFields.SequenceReply) != 0) changed |= Set(ref extras.SequenceReply, flow.SequenceReply);
        if ((fields & FlowFields.SynProxy) != 0) changed |= Set(ref extras.SynProxy, flow.SynProxy);
        return changed;
    }

    private void ReadOriginal(uint handle, ref FlowTuple tuple)
    {
        ref FlowRecord record = ref this[handle];
        ReadOnlySpan<byte> addresses = Addresses(handle);
        int size = addresses.Length / 4;
        tuple.Source = Address.Read(addresses[..size]);
        tuple.Destination = Address.Read(addresses[size..(2 * size)]);
        tuple.Parts = record.OriginalParts;
        SetPortWords(ref tuple, in record, record.OriginalSourcePort, record.OriginalDestinationPort);
        if ((tuple.Parts & TupleParts.Zone) != 0) tuple.Zone = ZoneOriginalOf(in record);
    }

    private void ReadReply(uint handle, ref FlowTuple tuple)
    {
        ref FlowRecord record = ref this[handle];
        ReadOnlySpan<byte> addresses = Addresses(handle);
        int size = addresses.Length / 4;
        tuple.Source = Address.Read(addresses[(2 * size)..(3 * size)]);
        tuple.Destination = Address.Read(addresses[(3 * size)..]);
        tuple.Parts = record.ReplyParts;
        SetPortWords(ref tuple, in record, record.ReplySourcePort, record.ReplyDestinationPort);
    }

    private void ReadReplyZone(in FlowRecord record, ref FlowTuple reply)
    {
        reply.Parts |= TupleParts.Zone;
        reply.Zone = ExtrasOf(in record).ZoneReply;
    }

    private static void SetPortWords(ref FlowTuple tuple, in FlowRecord record, ushort source, ushort destination)
    {
        tuple.Protocol = record.Protocol;
        tuple.Family = record.Family;
        if (record.Protocol is IpProtocol.Icmp or IpProtocol.IcmpV6)
        {
            tuple.IcmpId = source;
            tuple.IcmpType = (byte)(destination >> 8);
            tuple.IcmpCode = (byte)destination;
        }
        else
        {
            tuple.SourcePort = source;
            tuple.DestinationPort = destination;
        }
    }

    private void ReadTranslation(uint handle, ref PackedFlow flow)
    {
        if ((flow.Fields & InReply) == 0) return;

        ref FlowRecord record = ref this[handle];
        ReadOnlySpan<byte> addresses = Addresses(handle);
        int size = addresses.Length / 4;
        Address source = Address.Read(addresses[(2 * size)..(3 * size)]);
        Address destination = Address.Read(addresses[(3 * size)..]);
        flow.DestinationNat.First = flow.DestinationNat.Last = source;
        flow.DestinationNat.FirstPort = flow.DestinationNat.LastPort = record.ReplySourcePort;
        flow.SourceNat.First = flow.SourceNat.Last = destination;
        flow.SourceNat.FirstPort = flow.SourceNat.LastPort = record.ReplyDestinationPort;
    }

    private void ReadExtras(in FlowExtras extras, ref PackedFlow flow)
    {
        if ((flow.Fields & FlowFields.Master) != 0) flow.Master = extras.Master;
        flow.SecurityMark = extras.SecurityMark;
        flow.TimestampStart = extras.TimestampStart;
        flow.TimestampStop = extras.TimestampStop;
        flow.Labels = extras.Labels;
        flow.SequenceOriginal = extras.SequenceOriginal;
        flow.SequenceReply = extras.SequenceReply;
        flow.SynProxy = extras.SynProxy;
        if ((flow.Fields & FlowFields.SecurityContext) != 0)
        {
            ReadOnlySpan<byte> context = _names[extras.SecurityContext];
            context.CopyTo(flow.SecurityContext);
            flow.SecurityContextLength = (ushort)context.Length;
        }
    }

    private static ReadOnlySpan<byte> NameOf(ReadOnlySpan<byte> padded)
    {
        int end = padded.IndexOf((byte)0);
        return end < 0 ? padded : padded[..end];
    }

    private static void CopyName(ReadOnlySpan<byte> name, Span<byte> padded)
    {
        padded.Clear();
        name.CopyTo(padded);
    }
}
