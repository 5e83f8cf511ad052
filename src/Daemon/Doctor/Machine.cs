using System.ComponentModel;
using System.Diagnostics;
using System.Globalization;
using System.IO.Compression;

namespace TwinTrack.Daemon.Doctor;

/// <summary>What can be read off the machine: files of the kernel, and what programs print.</summary>
/// <param name="root">Folder in which proc, sys, boot and so on are looked for.</param>
internal sealed class Machine(string root = "/")
{
    private const int MostOutput = 32 << 20;
    private static readonly TimeSpan ProgramLimit = TimeSpan.FromSeconds(20);
    private static readonly string[] ProgramFolders = ["/usr/sbin", "/sbin", "/usr/bin", "/bin"];

    private Dictionary<string, char>? _options;

    /// <summary>Release of the kernel, such as 6.12.8.</summary>
    public string KernelRelease => Read("proc/sys/kernel/osrelease") ?? "of unknown version";

    /// <summary>Whether the options the kernel was built with can be read.</summary>
    public bool KnowsKernelOptions => Options.Count > 0;

    private Dictionary<string, char> Options => _options ??= ReadOptions();

    /// <summary>The text of a file without blanks around it; null when it cannot be read.</summary>
    public string? Read(string path)
    {
        try
        {
            return File.ReadAllText(Path.Combine(root, path)).Trim();
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException)
        {
            return null;
        }
    }

    /// <summary>A setting below /proc/sys as a number; null when the kernel has none.</summary>
    public long? Setting(string name) =>
        long.TryParse(Read("proc/sys/" + name), NumberStyles.AllowLeadingSign, CultureInfo.InvariantCulture, out long n)
            ? n
            : null;

    /// <summary>How the kernel was built with an option: y, m, or n for not at all; null when nobody knows.</summary>
    /// <param name="option">Without CONFIG_.</param>
    public char? KernelOption(string option) =>
        KnowsKernelOptions ? Options.GetValueOrDefault(option, 'n') : null;

    /// <summary>Whether this process has a capability.</summary>
    /// <param name="bit">Its number, CAP_* of linux/capability.h.</param>
    public bool HasCapability(int bit)
    {
        string? line = Read("proc/self/status")?.Split('\n')
            .FirstOrDefault(line => line.StartsWith("CapEff:", StringComparison.Ordinal));
        return line is null
            || (ulong.TryParse(line[7..].Trim(), NumberStyles.HexNumber, CultureInfo.InvariantCulture, out ulong set)
                && (set >> bit & 1) != 0);
    }

    /// <summary>The path of a program; null when it is not installed.</summary>
    public static string? Find(string program)
    {
        IEnumerable<string> folders = (Environment.GetEnvironmentVariable("PATH") ?? "").Split(':')
            .Where(folder => folder.StartsWith('/'));
        return folders.Concat(ProgramFolders).Select(folder => Path.Combine(folder, program))
            .FirstOrDefault(File.Exists);
    }

    /// <summary>What a program prints; null when it is missing, fails or takes too long.</summary>
    public static string? Run(string program, params string[] arguments)
    {
        if (Find(program) is not { } path) return null;

        var start = new ProcessStartInfo(path, arguments)
        {
            RedirectStandardInput = true,
            RedirectStandardOutput = true,
            RedirectStandardError = true,
            UseShellExecute = false,
        };
        start.Environment["LC_ALL"] = "C";
        try
        {
            using Process process = Process.Start(start)!;
            process.StandardInput.Close();
            process.ErrorDataReceived += static (_, _) => { };
            process.BeginErrorReadLine();
            using var watchdog = new Timer(_ => process.Kill(), null, ProgramLimit, Timeout.InfiniteTimeSpan);
            string output = ReadSome(process.StandardOutput);
            if (output.Length == MostOutput) process.Kill();
            process.WaitForExit();
            return process.ExitCode == 0 || output.Length == MostOutput ? output : null;
        }
        catch (Exception e) when (e is Win32Exception or InvalidOperationException)
        {
            return null;
        }
    }

    /// <summary>The rule set as nft and iptables print it; null when it cannot be read.</summary>
    public static string? ReadRules()
    {
        string? tables = Run("nft", "list", "ruleset");
        string[] others = tables is null
            ? ["iptables-save", "ip6tables-save"]
            : ["iptables-legacy-save", "ip6tables-legacy-save"];
        string[] read = [.. others.Select(program => Run(program)).OfType<string>()];
        return tables is null && read.Length == 0 ? null : tables + '\n' + string.Join('\n', read);
    }

    private static string ReadSome(StreamReader reader)
    {
        char[] text = new char[64 << 10];
        var output = new System.Text.StringBuilder();
        int count;
        while (output.Length < MostOutput && (count = reader.Read(text)) > 0)
            output.Append(text, 0, Math.Min(count, MostOutput - output.Length));
        return output.ToString();
    }

    private Dictionary<string, char> ReadOptions()
    {
        var options = new Dictionary<string, char>(StringComparer.Ordinal);
        string text = ReadCompressed("proc/config.gz") ?? Read($"boot/config-{KernelRelease}") ?? "";
        foreach (string line in text.Split('\n'))
        {
            // CONFIG_NF_CONNTRACK=m
            int equals = line.IndexOf('=', StringComparison.Ordinal);
            if (line.StartsWith("CONFIG_", StringComparison.Ordinal) && equals > 0 && equals + 1 < line.Length)
                options[line[7..equals]] = line[equals + 1];
        }

        return options;
    }

    private string? ReadCompressed(string path)
    {
        try
        {
            using FileStream file = File.OpenRead(Path.Combine(root, path));
            using var plain = new StreamReader(new GZipStream(file, CompressionMode.Decompress));
            return plain.ReadToEnd();
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException or InvalidDataException)
        {
            return null;
        }
    }
}
