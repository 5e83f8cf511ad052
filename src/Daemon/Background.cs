using System.Collections;
using System.Runtime.InteropServices;
using System.Text;

namespace TwinTrack.Daemon;

/// <summary>
/// Starts the daemon in the background: a new process in a session of its own, which tells over a pair of sockets that
/// it is ready or why it is not. A process of this runtime cannot fork.
/// </summary>
internal static unsafe class Background
{
    private const string Marker = "TWINTRACK_READY_DESCRIPTOR";
    private const int Unix = 1;                   // AF_UNIX
    private const int Stream = 1 | 0x80000;       // SOCK_STREAM | SOCK_CLOEXEC
    private const short SetSession = 0x80;        // POSIX_SPAWN_SETSID
    private const int AttributeSize = 512;        // posix_spawnattr_t has 336
    private const byte Ready = (byte)'\n';

    /// <summary>Whether this process was started by <see cref="Start"/>.</summary>
    public static bool IsChild => Environment.GetEnvironmentVariable(Marker) is not null;

    /// <summary>Starts this program again with the same arguments and waits until it serves.</summary>
    /// <param name="arguments">Without the program's name.</param>
    /// <param name="onReady">
    /// Gets the process id once the daemon serves, before <see cref="ReportReady"/> returns there.
    /// </param>
    /// <param name="problem">What the daemon said when it could not start; empty otherwise.</param>
    /// <returns>The process id of the daemon, 0 when it did not start.</returns>
    public static int Start(IReadOnlyList<string> arguments, Action<int> onReady, out string problem)
    {
        Span<int> pair = stackalloc int[2];
        if (Libc.SocketPair(Unix, Stream, 0, ref pair[0]) != 0)
        {
            problem = $"socketpair: {LastError()}";
            return 0;
        }

        // The copy is the one without SOCK_CLOEXEC: only it survives in the new process.
        int inherited = Libc.Duplicate(pair[1]);
        int pid = Spawn(arguments, inherited);
        problem = pid == 0 ? $"cannot start the background process: {LastError()}" : "";
        _ = Libc.Close(inherited);
        _ = Libc.Close(pair[1]);
        string said = pid == 0 ? "" : ReadAnswer(pair[0]);
        bool isReady = said is ['\n', ..];
        if (isReady) onReady(pid);
        _ = Libc.Close(pair[0]);
        if (pid == 0 || isReady) return pid;
        problem = said.Length > 0 ? said.TrimEnd('\n') : "the daemon ended before it was ready";
        return 0;
    }

    /// <summary>
    /// In the new process: tells that the daemon serves, waits until its starter has passed that on, and lets go of the
    /// terminal.
    /// </summary>
    public static void ReportReady()
    {
        if (!IsChild) return;
        Report([Ready], isAwaited: true);
        int nowhere = Libc.Open("/dev/null", 2 /* O_RDWR */);
        if (nowhere < 0) return;
        for (int standard = 0; standard <= 2; standard++) _ = Libc.Duplicate(nowhere, standard);
        _ = Libc.Close(nowhere);
    }

    /// <summary>In the new process: tells why the daemon cannot start.</summary>
    public static void ReportProblem(string problem) => Report(Encoding.UTF8.GetBytes(problem + "\n"));

    private static void Report(ReadOnlySpan<byte> bytes, bool isAwaited = false)
    {
        if (!int.TryParse(Environment.GetEnvironmentVariable(Marker), out int descriptor)) return;
        _ = Libc.Write(descriptor, in MemoryMarshal.GetReference(bytes), (nuint)bytes.Length);
        if (isAwaited) _ = ReadAnswer(descriptor);
        _ = Libc.Close(descriptor);
        Environment.SetEnvironmentVariable(Marker, null);
    }

    private static int Spawn(IReadOnlyList<string> arguments, int descriptor)
    {
        string program = Environment.ProcessPath ?? "/proc/self/exe";
        List<string> environment = [$"{Marker}={descriptor}"];
        foreach (DictionaryEntry variable in Environment.GetEnvironmentVariables())
            environment.Add($"{variable.Key}={variable.Value}");

        byte* attributes = stackalloc byte[AttributeSize];
        _ = Libc.SpawnAttributesInit(attributes);
        _ = Libc.SpawnAttributesSetFlags(attributes, SetSession);
        nint[] argumentVector = ToVector([program, .. arguments]);
        nint[] environmentVector = ToVector(environment);
        int errno;
        int pid;
        fixed (nint* argumentPointer = argumentVector, environmentPointer = environmentVector)
            errno = Libc.Spawn(out pid, program, 0, attributes, argumentPointer, environmentPointer);
        _ = Libc.SpawnAttributesDestroy(attributes);
        Free(argumentVector);
        Free(environmentVector);
        Marshal.SetLastPInvokeError(errno);
        return errno == 0 ? pid : 0;
    }

    private static nint[] ToVector(List<string> texts)
    {
        var vector = new nint[texts.Count + 1];
        for (int index = 0; index < texts.Count; index++) vector[index] = Marshal.StringToCoTaskMemUTF8(texts[index]);
        return vector;
    }

    private static void Free(nint[] vector)
    {
        foreach (nint text in vector) Marshal.FreeCoTaskMem(text);
    }

    // What comes until the other side has closed its end, or until it is known to be the daemon's sign.
    private static string ReadAnswer(int descriptor)
    {
        Span<byte> buffer = stackalloc byte[1024];
        var text = new StringBuilder();
        while (true)
        {
            nint count = Libc.Read(descriptor, ref MemoryMarshal.GetReference(buffer), (nuint)buffer.Length);
            if (count > 0 && buffer[0] == Ready && text.Length == 0) return "\n";
            if (count > 0) text.Append(Encoding.UTF8.GetString(buffer[..(int)count]));
            else if (count == 0 || Marshal.GetLastPInvokeError() != Libc.InterruptedCall) return text.ToString();
        }
    }

    private static string LastError() => Libc.ErrorText(Marshal.GetLastPInvokeError());
}
