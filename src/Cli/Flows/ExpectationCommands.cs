using System.Globalization;
using TwinTrack.Conntrack;
using TwinTrack.Conntrack.Kernel;
using TwinTrack.Netlink;

namespace TwinTrack.Cli.Flows;

/// <summary>The commands on expectations.</summary>
internal static class ExpectationCommands
{
    /// <summary>-L expect.</summary>
    public static int List(Session session, Request request)
    {
        var printer = new ExpectationPrinter(session.Output, request);
        int count = 0;
        NetlinkError error = Read(session, request, (in PackedExpectation expectation) =>
        {
            printer.Print(in expectation);
            count++;
        });
        if (!error.IsSuccess) throw Session.Failure(request, error);

        printer.Finish();
        session.SayCount(count, "expectations have been shown.");
        return ExitCode.Success;
    }

    /// <summary>-C expect.</summary>
    public static int Count(Session session, Request request)
    {
        int count = 0;
        NetlinkError error = Read(session, request, (in PackedExpectation _) => count++);
        session.Output.Write(
            request.Output == OutputKind.Json
                ? $"{{\"entries\":{count}}}"
                : count.ToString(CultureInfo.InvariantCulture));
        session.Output.Write("\n"u8);
        return error.IsSuccess ? ExitCode.Success : throw Session.Failure(request, error);
    }

    /// <summary>-I expect.</summary>
    public static int Create(Session session, Request request)
    {
        PackedExpectation expectation = default;
        expectation.Tuple = request.Expected;
        expectation.Master = request.Original;
        expectation.Mask = request.Mask;
        expectation.Timeout = request.Timeout;
        expectation.Fields = ExpectationFields.Tuple | ExpectationFields.Master | ExpectationFields.Mask
            | ExpectationFields.Timeout;
        NetlinkError error = session.Expectations.Create(in expectation);
        return error.IsSuccess ? ExitCode.Success : throw Session.Failure(request, error);
    }

    /// <summary>-G expect.</summary>
    public static int Get(Session session, Request request)
    {
        PackedExpectation key = Key(request);
        PackedExpectation found = default;
        NetlinkError error = session.Expectations.Get(in key, ref found);
        if (!error.IsSuccess) throw Session.Failure(request, error);

        var printer = new ExpectationPrinter(session.Output, request);
        printer.Print(in found);
        printer.Finish();
        return ExitCode.Success;
    }

    /// <summary>-D expect.</summary>
    public static int Delete(Session session, Request request)
    {
        PackedExpectation key = Key(request);
        NetlinkError error = session.Expectations.Delete(in key);
        if (!error.IsSuccess) throw Session.Failure(request, error);

        session.SayCount(1, "expectations have been shown.");
        return ExitCode.Success;
    }

    /// <summary>-F expect.</summary>
    public static int Flush(Session session, Request request)
    {
        NetlinkError error = session.Expectations.Flush();
        session.Say($"{ConntrackTool.Signature}: expectation table has been emptied.");
        return error.IsSuccess ? ExitCode.Success : throw Session.Failure(request, error);
    }

    private static PackedExpectation Key(Request request)
    {
        PackedExpectation key = default;
        key.Tuple = request.Original;
        key.Fields = ExpectationFields.Tuple;
        return key;
    }

    // IPv4 first, as scripts of a time before IPv6 expect; then what they did not get to see.
    private static NetlinkError Read(Session session, Request request, ExpectationHandler handler)
    {
        NetlinkError error = NetlinkError.Success;
        if (request.Family != AddressFamily.IPv6) error = session.Expectations.Dump(handler, AddressFamily.IPv4);
        if (request.Family != AddressFamily.IPv4 && error.IsSuccess)
            error = session.Expectations.Dump(handler, AddressFamily.IPv6);
        return error;
    }
}
