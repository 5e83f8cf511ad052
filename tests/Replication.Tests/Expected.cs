using System.Text;
using TwinTrack.Conntrack;

namespace TwinTrack.Replication.Tests;

/// <summary>Expectations for tests, and what they say.</summary>
internal static class Expected
{
    /// <summary>A passive data connection of the FTP control connection of that number.</summary>
    public static PackedExpectation Ftp(int master, ushort port, uint id = 0)
    {
        PackedFlow flow = Flows.Tcp(master);
        PackedExpectation expectation = default;
        expectation.Fields = ExpectationFields.Master | ExpectationFields.Tuple | ExpectationFields.Mask
            | ExpectationFields.Timeout | ExpectationFields.Flags | ExpectationFields.Class | ExpectationFields.Helper;
        expectation.Master = flow.Original;
        expectation.Tuple = flow.Original;
        expectation.Tuple.SourcePort = 0;
        expectation.Tuple.DestinationPort = port;
        expectation.Mask = FlowTuple.Of(IpProtocol.Tcp, "255.255.255.255", 0, "255.255.255.255", 65_535);
        expectation.Timeout = 300;
        "ftp"u8.CopyTo(expectation.Helper);
        if (id == 0) return expectation;
        expectation.Id = id;
        expectation.Fields |= ExpectationFields.Id;
        return expectation;
    }

    /// <summary>One with everything there is.</summary>
    public static PackedExpectation Full(bool isIPv6, ushort zone)
    {
        PackedExpectation expectation = Ftp(1, 50_000);
        if (isIPv6)
        {
            const string all = "ffff:ffff:ffff:ffff:ffff:ffff:ffff:ffff";
            expectation.Master = FlowTuple.Of(IpProtocol.Tcp, "fd81::1", 40_000, "fd81::2", 21);
            expectation.Tuple = FlowTuple.Of(IpProtocol.Tcp, "fd81::1", 0, "fd81::2", 50_000);
            expectation.Mask = FlowTuple.Of(IpProtocol.Tcp, all, 0, all, 65_535);
        }

        expectation.NatTuple = isIPv6
            ? FlowTuple.Of(IpProtocol.Tcp, "fd81::3", 50_001, "fd81::4", 0)
            : FlowTuple.Of(IpProtocol.Tcp, "10.81.0.3", 50_001, "10.81.0.4", 0);
        expectation.NatDirection = 1;
        expectation.Class = 2;
        expectation.Flags = ExpectationFlags.Permanent | ExpectationFlags.Inactive;
        "nat-follow-master"u8.CopyTo(expectation.Function);
        expectation.Fields |= ExpectationFields.NatTuple | ExpectationFields.NatDirection | ExpectationFields.Function;
        if (zone == 0) return expectation;
        expectation.Zone = zone;
        expectation.Fields |= ExpectationFields.Zone;
        return expectation;
    }

    /// <summary>Every field that is known, by name.</summary>
    public static string Describe(in PackedExpectation expectation)
    {
        var text = new StringBuilder();
        text.Append($"master {Describe(in expectation.Master)}, tuple {Describe(in expectation.Tuple)}, ");
        text.Append($"mask {Describe(in expectation.Mask)}");
        if (expectation.Has(ExpectationFields.NatTuple)) text.Append($", nat {Describe(in expectation.NatTuple)}");
        if (expectation.Has(ExpectationFields.NatDirection)) text.Append($", direction {expectation.NatDirection}");
        if (expectation.Has(ExpectationFields.Timeout)) text.Append($", timeout {expectation.Timeout}");
        if (expectation.Has(ExpectationFields.Flags)) text.Append($", flags {expectation.Flags}");
        if (expectation.Has(ExpectationFields.Class)) text.Append($", class {expectation.Class}");
        if (expectation.Has(ExpectationFields.Zone)) text.Append($", zone {expectation.Zone}");
        if (expectation.Has(ExpectationFields.Helper)) text.Append($", helper {Name(expectation.Helper)}");
        if (expectation.Has(ExpectationFields.Function)) text.Append($", function {Name(expectation.Function)}");
        return text.ToString();
    }

    private static string Describe(in FlowTuple tuple) =>
        $"{tuple.Protocol} {tuple.Source.ToText(tuple.Family)} {tuple.SourcePort} > "
        + $"{tuple.Destination.ToText(tuple.Family)} {tuple.DestinationPort} ({tuple.Parts})";

    private static string Name(ReadOnlySpan<byte> padded) => Encoding.ASCII.GetString(padded).TrimEnd('\0');
}
