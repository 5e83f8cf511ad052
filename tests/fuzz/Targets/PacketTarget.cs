using TwinTrack.Helpers;

namespace TwinTrack.Fuzz.Targets;

/// <summary>An IP packet: its parts lie inside it, and changed it is a packet again.</summary>
internal sealed class PacketTarget : Target
{
    private static readonly string[] _packets =
    [
        "45000031000040004006000001020304050607080016270f00000001000000026018ffff000000000101010168656c6c6f",
        "450000210000400040110000010203040506070800350035000d123468656c6c6f",
        "450000210000200040110000010203040506070800350035000d123468656c6c6f",
        "4600002500004000401100000102030405060708010101010035 0035000d000068656c6c6f",
        "6000000000153c4020010db800000000000000000000000120010db8000000000000000000000002"
            + "110001040000000000350035000d000168656c6c6f",
        "60000000001d004020010db800000000000000000000000120010db8000000000000000000000002"
            + "2c00010400000000110000000000000100350035000d000168656c6c6f",
        "60000000001d334020010db800000000000000000000000120010db8000000000000000000000002"
            + "06020000000000000000000000000000001600160000000100000001501000000000000068",
        "4500001400004000400600000102030405060708", "60000000000006ff", "00",
    ];

    public override string Name => "packet";

    public override IEnumerable<byte[]> Seeds() =>
        _packets.Select(packet => Convert.FromHexString(packet.Replace(" ", "", StringComparison.Ordinal)));

    public override ulong Run(ReadOnlySpan<byte> input)
    {
        var signature = new Signature();
        if (!IpPacket.TryRead(input, out IpPacket packet)) return signature.Value;
        if (packet.Payload > packet.End || packet.End > input.Length) throw new FuzzFailure("outside of the packet");

        signature.Add(packet.Family);
        signature.Add(packet.Protocol);
        signature.AddCount((ulong)packet.Transport);
        var rewriting = new Rewriting();
        bool isEmpty = packet.Payload == packet.End;
        rewriting.TryReplace(0, isEmpty ? 0 : 1, "longer"u8);
        byte[] changed = new byte[ushort.MaxValue];
        int length = packet.Rewrite(input, rewriting, changed);
        if (length == 0) return signature.Value;
        if (!IpPacket.TryRead(changed.AsSpan(0, length), out IpPacket again)) throw new FuzzFailure("no packet any more");
        if (again.End - again.Payload != packet.End - packet.Payload + (isEmpty ? 6 : 5))
            throw new FuzzFailure("another length");
        return signature.Value;
    }
}
