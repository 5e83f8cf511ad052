using System.Text;
using System.Text.Json.Nodes;
using TwinTrack.Conntrack;
using TwinTrack.Conntrack.Kernel;
using TwinTrack.Daemon.Config;
using TwinTrack.Netlink;
using TwinTrack.Router.Live;

namespace TwinTrack.Router.Views;

/// <summary>Reads the kernel's table for showing.</summary>
internal static class KernelTable
{
    /// <summary>The flows of a family.</summary>
    /// <exception cref="RouterException">The kernel refused.</exception>
    public static List<TableRow> Read(byte family)
    {
        List<TableRow> rows = [];
        ProtocolNames names = ProtocolNames.OfSystem();
        using var dump = new FlowDump();
        dump.Start(family);
        PackedFlow flow = default;
        while (true)
        {
            switch (dump.Read(ref flow))
            {
                case DumpStatus.Flow:
                    rows.Add(Row(in flow, family, names));
                    break;
                case DumpStatus.WouldBlock:
                    dump.Wait(-1);
                    break;
                case DumpStatus.Failed:
                    throw new RouterException($"the kernel refuses to list its table: {dump.Error}");
                default:
                    return rows;
            }
        }
    }

    /// <summary>Deletes flows.</summary>
    /// <returns>Those that were deleted; others had ended meanwhile.</returns>
    /// <exception cref="RouterException">The kernel refused.</exception>
    public static List<TableRow> Delete(byte family, Func<TableRow, bool> isWanted)
    {
        List<TableRow> deleted = [];
        ProtocolNames names = ProtocolNames.OfSystem();
        using var client = new ConntrackClient();
        List<(TableRow Row, PackedFlow Flow)> found = [];
        NetlinkError error = client.Dump(
            (in PackedFlow flow) =>
            {
                TableRow row = Row(in flow, family, names);
                if (isWanted(row)) found.Add((row, flow));
            },
            family);
        foreach ((TableRow row, PackedFlow flow) in found)
        {
            NetlinkError refusal = client.Delete(in flow);
            if (refusal.IsSuccess) deleted.Add(row);
            else if (refusal.Code != Errno.NotFound) error = refusal;
        }

        return error.IsSuccess ? deleted : throw new RouterException($"the kernel refuses: {error}");
    }

    /// <summary>Empties the tables of flows and expectations.</summary>
    /// <exception cref="RouterException">The kernel refused.</exception>
    public static void Flush()
    {
        using var flows = new ConntrackClient();
        using var expectations = new ExpectationClient();
        foreach (NetlinkError error in (NetlinkError[])[expectations.Flush(), flows.Flush()])
        {
            if (!error.IsSuccess) throw new RouterException($"the kernel refuses: {error}");
        }
    }

    /// <summary>The rows as JSON.</summary>
    public static JsonArray Json(IEnumerable<TableRow> rows)
    {
        var json = new JsonArray();
        foreach (TableRow row in rows)
        {
            json.Add((JsonNode)new JsonObject
            {
                ["id"] = row.Id,
                ["protoname"] = row.ProtocolName,
                ["proto"] = row.Protocol,
                ["src"] = row.Source,
                ["sport"] = row.SourcePort,
                ["dst"] = row.Destination,
                ["dport"] = row.DestinationPort,
                ["reply_src"] = row.ReplySource,
                ["reply_sport"] = row.ReplySourcePort,
                ["reply_dst"] = row.ReplyDestination,
                ["reply_dport"] = row.ReplyDestinationPort,
                ["state"] = row.State,
                ["timeout"] = row.Timeout,
                ["mark"] = row.Mark,
                ["zone"] = row.Zone,
                ["packets_original"] = row.OriginalPackets,
                ["bytes_original"] = row.OriginalBytes,
                ["packets_reply"] = row.ReplyPackets,
                ["bytes_reply"] = row.ReplyBytes,
            });
        }

        return json;
    }

    private static TableRow Row(in PackedFlow flow, byte family, ProtocolNames names)
    {
        string name = Encoding.ASCII.GetString(FlowNames.Protocol(flow.Original.Protocol));
        string state = Encoding.ASCII.GetString(FlowNames.State(in flow));
        return new()
        {
            Id = flow.Id,
            Protocol = flow.Original.Protocol,
            ProtocolName = name == "unknown" ? names.NameOf(flow.Original.Protocol) ?? name : name,
            Source = flow.Original.Source.ToText(family),
            SourcePort = Port(in flow.Original, TupleParts.SourcePort, flow.Original.SourcePort),
            Destination = flow.Original.Destination.ToText(family),
            DestinationPort = Port(in flow.Original, TupleParts.DestinationPort, flow.Original.DestinationPort),
            ReplySource = flow.Reply.Source.ToText(family),
            ReplySourcePort = Port(in flow.Reply, TupleParts.SourcePort, flow.Reply.SourcePort),
            ReplyDestination = flow.Reply.Destination.ToText(family),
            ReplyDestinationPort = Port(in flow.Reply, TupleParts.DestinationPort, flow.Reply.DestinationPort),
            State = state.Length > 0 ? state : null,
            Timeout = flow.Has(FlowFields.Timeout) ? flow.Timeout : null,
            Mark = flow.Has(FlowFields.Mark) ? flow.Mark : null,
            Zone = flow.Has(FlowFields.Zone) ? flow.Zone : null,
            OriginalPackets = flow.Has(FlowFields.CountersOriginal) ? flow.CountersOriginal.Packets : null,
            OriginalBytes = flow.Has(FlowFields.CountersOriginal) ? flow.CountersOriginal.Bytes : null,
            ReplyPackets = flow.Has(FlowFields.CountersReply) ? flow.CountersReply.Packets : null,
            ReplyBytes = flow.Has(FlowFields.CountersReply) ? flow.CountersReply.Bytes : null,
        };
    }

    private static ushort? Port(in FlowTuple tuple, TupleParts part, ushort port) => tuple.Has(part) ? port : null;
}
