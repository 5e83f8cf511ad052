namespace TwinTrack.Daemon;

/// <summary>Local time as logs write it.</summary>
internal static class LogTime
{
    private static readonly string[] Days = ["Sun", "Mon", "Tue", "Wed", "Thu", "Fri", "Sat"];

    private static readonly string[] Months =
        ["Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec"];

    /// <summary>As ctime(3): <c>Fri Nov 20 23:23:24 2026</c>, the day padded with a blank.</summary>
    public static string Long(DateTimeOffset time) => $"{Days[(int)time.DayOfWeek]} {Short(time)} {time.Year}";

    /// <summary>As syslog(3): <c>Nov 20 23:23:24</c>.</summary>
    public static string Short(DateTimeOffset time) =>
        $"{Months[time.Month - 1]} {time.Day,2} {time.Hour:00}:{time.Minute:00}:{time.Second:00}";
}
