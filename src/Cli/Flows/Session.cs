using TwinTrack.Cli.Output;
using TwinTrack.Conntrack.Kernel;
using TwinTrack.Netlink;

namespace TwinTrack.Cli.Flows;

/// <summary>What the commands of one run share: where they write, and the socket for single requests.</summary>
internal sealed class Session(ByteOutput output, ByteOutput errors) : IDisposable
{
    private ConntrackClient? _client;
    private ExpectationClient? _expectations;

    /// <summary>Standard output.</summary>
    public ByteOutput Output { get; } = output;

    /// <summary>For single requests on flows.</summary>
    public ConntrackClient Client => _client ??= new ConntrackClient();

    /// <summary>For single requests on expectations.</summary>
    public ExpectationClient Expectations => _expectations ??= new ExpectationClient();

    /// <summary>Whether commands tell how many entries they worked on.</summary>
    public bool HasTrailers { get; set; } = true;

    /// <summary>How far a long command is.</summary>
    public Progress Progress { get; } = new(errors, Libc.IsTerminal(Libc.StandardError) == 1);

    /// <summary>Whether a person at a terminal can be asked.</summary>
    public bool IsInteractive { get; init; }

    /// <summary>Writes a line to standard error.</summary>
    public void Say(string line)
    {
        errors.Write(line);
        errors.Write("\n"u8);
        errors.Flush();
    }

    /// <summary>Says what is about to happen and asks whether it shall.</summary>
    /// <exception cref="ToolException">The answer was no.</exception>
    public void Ask(string what)
    {
        errors.Write($"{what} Go on? [y/N] ");
        errors.Flush();
        Span<byte> answer = stackalloc byte[64];
        nint length = Libc.Read(Libc.StandardInput, ref answer[0], (nuint)answer.Length);
        if (length <= 0 || (answer[0] | 0x20) != 'y') throw new ToolException("nothing done", ExitCode.Failure);
    }

    /// <summary>Tells how many entries a command worked on.</summary>
    public void SayCount(int count, string what)
    {
        if (HasTrailers) Say($"{ConntrackTool.Signature}: {count} {what}");
    }

    /// <summary>The error of a command that the kernel refused.</summary>
    public static ToolException Failure(Request request, NetlinkError error) =>
        new($"Operation failed: {KernelErrors.Text(request.CommandId, request.Table, error.Code)}", ExitCode.Failure);

    public void Dispose()
    {
        _client?.Dispose();
        _expectations?.Dispose();
    }
}
