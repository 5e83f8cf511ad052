using TwinTrack.Cli.CommandLine;

namespace TwinTrack.Cli.Flows;

/// <summary>A command of conntrack(8) and what goes with it.</summary>
/// <param name="Id">The command.</param>
/// <param name="Letter">Its letter.</param>
/// <param name="Name">Its long name.</param>
/// <param name="Place">What may be attached to it.</param>
/// <param name="Flows">Options on flows, see <see cref="OptionTable"/>.</param>
/// <param name="Expectations">Options on expectations; null when it has no such form.</param>
/// <param name="Help">What it does, in one line.</param>
internal sealed record CommandRow(
    CommandId Id, char Letter, string Name, ValuePlace Place, string Flows, string? Expectations, string Help);

/// <summary>The command line of conntrack(8): commands, options, and which goes with which.</summary>
/// <remarks>
/// A matrix row has a character for each option in the order of <see cref="OptionId"/>: '.' refused, 'o' allowed, '!'
/// demanded, 'c' one of the couples source and destination, reply source and reply destination is demanded.
/// </remarks>
internal static class OptionTable
{
    /// <summary>Ids of command rows begin here.</summary>
    public const int FirstCommand = 100;

    /// <summary>Ids of protocol options begin here.</summary>
    public const int FirstProtocolOption = 200;

    private const string Nothing = ".............................";
    private const string OneExpectation = "!!oo!........................";

    public static readonly CommandRow[] Commands =
    [
        //                                                            srdqptuze[]{}amifngocbjwl<>()
        new(CommandId.List, 'L', "dump", ValuePlace.IgnoredWhenLong, "ooooo.oo...oo.o.ooooo.ooo..oo",
            "................o..o.........", "list the table"),
        new(CommandId.Get, 'G', "get", ValuePlace.IgnoredWhenLong, "cccc!..........o...o....o....",
            OneExpectation, "show one entry"),
        new(CommandId.Delete, 'D', "delete", ValuePlace.IgnoredWhenLong, "ooooooo....oo.oooooo...oo..oo",
            OneExpectation, "delete entries and show them"),
        new(CommandId.Create, 'I', "create", ValuePlace.IgnoredWhenLong, "cccc!!o......oo..oo....o.o.oo",
            "!!oo!!o..!!!!................", "create an entry; it must not exist"),
        new(CommandId.Add, 'A', "add", ValuePlace.IgnoredWhenLong, "cccc!!o......oo..oo....o.o.oo",
            null, "create an entry, or update it if it exists"),
        new(CommandId.Update, 'U', "update", ValuePlace.IgnoredWhenLong, "ooooooo....oo.oooooo....ooo..",
            null, "update entries and show them"),
        new(CommandId.Event, 'E', "event", ValuePlace.IgnoredWhenLong, "ooooo...o..oo.o.ooooooooo..oo",
            "...................o.........", "show events as they happen"),
        new(CommandId.Flush, 'F', "flush", ValuePlace.IgnoredWhenLong, "................o............",
            Nothing, "delete all entries"),
        new(CommandId.Count, 'C', "counter", ValuePlace.Ignored, Nothing, Nothing, "show the number of entries"),
        new(CommandId.Stats, 'S', "stats", ValuePlace.None, Nothing, Nothing, "show statistics of each CPU"),
        new(CommandId.Version, 'V', "version", ValuePlace.None, Nothing, Nothing, "show the version"),
        new(CommandId.Help, 'h', "help", ValuePlace.None, "....o........................",
            "....o........................", "show this help; with -p also the options of a protocol"),
    ];

    public static readonly OptionRow[] Options =
    [
        Option(OptionId.Source, 's', "ADDR[/LEN]", "source of the original direction", "src", "orig-src"),
        Option(OptionId.Destination, 'd', "ADDR[/LEN]", "destination of the original direction", "dst", "orig-dst"),
        Option(OptionId.ReplySource, 'r', "ADDR", "source of the reply direction", "reply-src"),
        Option(OptionId.ReplyDestination, 'q', "ADDR", "destination of the reply direction", "reply-dst"),
        Option(OptionId.Protocol, 'p', "PROTO", "layer 4 protocol by name or number", "protonum"),
        Option(OptionId.Timeout, 't', "SECONDS", "seconds left", "timeout"),
        Option(OptionId.Status, 'u', "STATUS[,...]",
            "status bits; !BIT for those that are not set", "status"),
        new((int)OptionId.Zero, 'z', ["zero"], ValuePlace.None, "", "set the counters to zero while listing"),
        Option(OptionId.EventMask, 'e', "EVENT[,...]", "which events: ALL, NEW, UPDATES, DESTROY", "event-mask"),
        Option(OptionId.TupleSource, '[', "ADDR[/LEN]", "source of the expected flow", "tuple-src"),
        Option(OptionId.TupleDestination, ']', "ADDR[/LEN]", "destination of the expected flow", "tuple-dst"),
        Option(OptionId.MaskSource, '{', "MASK", "mask of the source", "mask-src"),
        Option(OptionId.MaskDestination, '}', "MASK", "mask of the destination", "mask-dst"),
        Option(OptionId.NatRange, 'a', "ADDR", "obsolete, ignored", "nat-range"),
        Option(OptionId.Mark, 'm', "MARK[/MASK]", "the mark", "mark"),
        Option(OptionId.Id, 'i', "ID", "the kernel's id of a flow", "id"),
        Option(OptionId.Family, 'f', "FAMILY", "ipv4 or ipv6", "family"),
        Nat(OptionId.SourceNat, 'n', "source translated, to this address", "src-nat"),
        Nat(OptionId.DestinationNat, 'g', "destination translated, to this address", "dst-nat"),
        Option(OptionId.Output, 'o', "FORMAT[,...]",
            "xml, json, save, extended, id, labels, timestamp, ktimestamp, userspace", "output"),
        Option(OptionId.SecurityMark, 'c', "SECMARK", "the security mark", "secmark"),
        Option(OptionId.BufferSize, 'b', "BYTES", "receive buffer for events", "buffer-size"),
        Nat(OptionId.AnyNat, 'j', "source or destination translated", "any-nat"),
        Option(OptionId.Zone, 'w', "ZONE", "zone of both directions", "zone"),
        Option(OptionId.Label, 'l', "LABEL[,...]", "flows that have these labels", "label"),
        Option(OptionId.LabelAdd, '<', "LABEL[,...]", "add labels", "label-add"),
        new((int)OptionId.LabelDelete, '>', ["label-del"], ValuePlace.Optional, "LABEL[,...]",
            "remove labels; without a list all of them"),
        Option(OptionId.OriginalZone, '(', "ZONE", "zone of the original direction", "orig-zone"),
        Option(OptionId.ReplyZone, ')', "ZONE", "zone of the reply direction", "reply-zone"),
        new((int)OptionId.Yes, '\0', ["yes"], ValuePlace.None, "", "do not ask before a whole table is emptied"),
        Option(OptionId.Sockets, '\0', "NUMBER",
            "sockets that a table is listed over, 1 or 2; without it size and load decide", "sockets"),
    ];

    /// <summary>Everything the scanner knows before a protocol is named.</summary>
    public static readonly OptionRow[] All =
    [
        .. Options,
        .. Commands.Select(row =>
            new OptionRow(FirstCommand + (int)row.Id, row.Letter, [row.Name], row.Place, "", row.Help)),
    ];

    /// <summary>The row of a command.</summary>
    public static CommandRow? Find(CommandId id)
    {
        foreach (CommandRow row in Commands)
        {
            if (row.Id == id) return row;
        }

        return null;
    }

    /// <summary>The matrix row of a command on a table.</summary>
    public static string Matrix(CommandRow? command, TableId table) =>
        command is null ? Nothing
        : table == TableId.Expect ? command.Expectations ?? Nothing
        : command.Flows;

    private static OptionRow Option(OptionId id, char letter, string value, string help, params string[] names) =>
        new((int)id, letter, names, ValuePlace.Required, value, help);

    private static OptionRow Nat(OptionId id, char letter, string help, string name) =>
        new((int)id, letter, [name], ValuePlace.Optional, "ADDR[:PORT]", help);
}
