using System.Diagnostics.CodeAnalysis;
using System.Globalization;
using System.Runtime.InteropServices;

namespace TwinTrack.Lab;

/// <summary>Everything one lab leaves on the host: a private folder and the namespaces named after it.</summary>
/// <remarks>
/// The folder's name holds the owner's process id and start time, so that the next run knows what a crashed one
/// left, however it died: <c>/run/twintrack-lab/ttPID-NUMBER.STARTTIME</c>, namespaces <c>ttPID-NUMBER-NAME</c>.
/// </remarks>
public sealed class RunDirectory : IDisposable
{
    private const string Root = "/run/twintrack-lab";
    private const string KeepMarker = "kept";
    private const int OnlyOwner = 0b111_000_000; // 0700

    private readonly List<NetNamespace> _namespaces = [];

    private RunDirectory(string path)
    {
        Path = path;
        Prefix = PrefixOf(path);
    }

    /// <summary>The folder for configurations, sockets, locks and logs; only root may enter.</summary>
    public string Path { get; }

    /// <summary>The beginning of the names of this lab's namespaces, without the hyphen.</summary>
    public string Prefix { get; }

    /// <summary>Makes a folder of its own for this process, which may have several.</summary>
    /// <exception cref="LabException">/run cannot be written.</exception>
    public static RunDirectory Create()
    {
        _ = Libc.MakeDirectory(Root, OnlyOwner);
        int id = Environment.ProcessId;
        string start = StartTime(id) ?? throw new LabException("/proc is not mounted");
        for (int number = 0; ; number++)
        {
            string name = string.Create(CultureInfo.InvariantCulture, $"tt{id}-{number}");
            if (Directory.GetDirectories(Root, name + ".*").Length > 0) continue; // ours, or kept from an earlier life

            string path = $"{Root}/{name}.{start}";
            if (Libc.MakeDirectory(path, OnlyOwner) == 0) return new(path);
            if (Marshal.GetLastPInvokeError() != Libc.Exists)
                throw new LabException($"cannot make {path}: {Marshal.GetLastPInvokeErrorMessage()}");
        }
    }

    /// <summary>Removes what runs left whose process is gone.</summary>
    /// <param name="alsoKept">Also what was kept for inspection.</param>
    /// <returns>The prefixes of the runs removed.</returns>
    public static IReadOnlyList<string> RemoveStale(bool alsoKept = false)
    {
        if (!Directory.Exists(Root)) return [];

        List<string> removed = [];
        foreach (string path in Directory.GetDirectories(Root))
        {
            if (!TryReadOwner(path, out int owner, out string? start) || StartTime(owner) == start) continue;
            if (!alsoKept && File.Exists($"{path}/{KeepMarker}")) continue;

            RemoveNamespaces(PrefixOf(path));
            RemoveFolder(path);
            removed.Add(PrefixOf(path));
        }

        return removed;
    }

    /// <summary>Makes a namespace that is removed with this folder.</summary>
    public NetNamespace CreateNamespace(string name)
    {
        var made = NetNamespace.Create($"{Prefix}-{name}");
        _namespaces.Add(made);
        return made;
    }

    /// <summary>Leaves folder, namespaces and the processes in them when this is disposed.</summary>
    public void Keep() => File.WriteAllText($"{Path}/{KeepMarker}", "");

    /// <summary>Kills what runs in the namespaces and removes namespaces and folder, unless they are kept.</summary>
    public void Dispose()
    {
        foreach (NetNamespace made in _namespaces) made.Close();
        _namespaces.Clear();
        if (File.Exists($"{Path}/{KeepMarker}")) return;

        RemoveNamespaces(Prefix);
        RemoveFolder(Path);
    }

    private static void RemoveNamespaces(string prefix)
    {
        foreach (string name in NetNamespace.Names(prefix + "-"))
        {
            try
            {
                using var left = NetNamespace.Open(name);
                left.KillProcesses();
            }
            catch (LabException)
            {
                NetNamespace.Remove(name); // a name without a namespace, left by a kill between making the two
            }
        }
    }

    private static void RemoveFolder(string path)
    {
        try
        {
            Directory.Delete(path, recursive: true);
        }
        catch (DirectoryNotFoundException)
        {
            return; // another run swept it
        }
    }

    private static string PrefixOf(string path) => System.IO.Path.GetFileNameWithoutExtension(path);

    private static bool TryReadOwner(string path, out int id, [NotNullWhen(true)] out string? start)
    {
        string name = System.IO.Path.GetFileName(path);
        int hyphen = name.IndexOf('-', StringComparison.Ordinal);
        int dot = name.IndexOf('.', StringComparison.Ordinal);
        id = 0;
        start = dot < 0 ? null : name[(dot + 1)..];
        return start is not null && hyphen > 2 && name.StartsWith("tt", StringComparison.Ordinal)
            && int.TryParse(name.AsSpan(2, hyphen - 2), NumberStyles.None, CultureInfo.InvariantCulture, out id);
    }

    // Clock ticks after boot; with the id it names a process for good. Null if there is none.
    private static string? StartTime(int id)
    {
        try
        {
            string stat = File.ReadAllText($"/proc/{id}/stat");
            // The name in parentheses may hold anything; starttime is the 20th field after it (proc(5), field 22).
            return stat[(stat.LastIndexOf(')') + 2)..].Split(' ')[19];
        }
        catch (IOException)
        {
            return null;
        }
    }
}
