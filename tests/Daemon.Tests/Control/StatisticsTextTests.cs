using System.Globalization;
using System.Text;
using System.Text.RegularExpressions;
using TwinTrack.Daemon.Config;
using TwinTrack.Daemon.Control;
using TwinTrack.Replication;
using TwinTrack.Tests;
using Xunit;

namespace TwinTrack.Daemon.Tests.Control;

public sealed partial class StatisticsTextTests
{
    private static readonly CacheStats s_cache = new()
    {
        Active = 1,
        Objects = 2,
        Total = 3,
        Created = 4,
        CreateFailed = 5,
        Updated = 6,
        Destroyed = uint.MaxValue,
    };

    public static TheoryData<string> Recordings => [.. GoldenFiles.Below("outputs", "s*.out")];

    [Theory]
    [MemberData(nameof(Recordings))]
    public void A_recorded_text_is_reproduced_from_its_numbers(string path)
    {
        string recorded = GoldenFiles.Read(path);
        StringBuilder text = new();
        foreach (string block in Blocks(recorded)) Reproduce(text, block);
        Assert.Equal(recorded, text.ToString());
    }

    [Fact]
    public void Each_number_of_a_cache_has_its_own_place()
    {
        Assert.Equal(
            """
            cache external:
            current active connections:	           1
            connections created:		           4	failed:	           5
            connections updated:		           6	failed:	           0
            connections destroyed:		  4294967295	failed:	           0


            """,
            new StringBuilder().AppendCache("external", in s_cache).ToString());
        Assert.Equal(
            """
            cache:stats	active objects:		           2
            	active/total entries:		           1/           3
            	creation OK/failed:		           4/           5
            		no memory available:	           0
            		no space left in cache:	           5
            	update OK/failed:		           6/           0
            		entry not found:	           0
            	deletion created/failed:	  4294967295/           0
            		entry not found:	           0


            """,
            new StringBuilder().AppendCacheDetail("stats", in s_cache).ToString());
    }

    [Fact]
    public void Flow_statistics_have_five_blocks()
    {
        SyncStats stats = new()
        {
            Internal = s_cache,
            TrafficBytes = ulong.MaxValue,
            TrafficPackets = 7,
            BadSize = 8,
            Truncated = 1,
            Lost = 9,
        };
        LinkReport link = new(
            LinkKind.Tcp, "sync0", LinkStatus.Running, true, new LinkStats { BytesSent = 10 }, false, true);
        string text = new StringBuilder().AppendFlowStatistics(in stats, in link, new SyncOptions()).ToString();
        Assert.Equal(
            ["cache internal:", "cache external:", "traffic processed:", "TCP traffic (active device=sync0) "
                + "server=disconnected client=connected:", "message tracking:"],
            Blocks(text).Select(block => block[..block.IndexOf('\n', StringComparison.Ordinal)]),
            StringComparer.Ordinal);
        Assert.Contains("18446744073709551615 Bytes                         7 Pckts\n", text, StringComparison.Ordinal);
        Assert.EndsWith(
            "\n                   9 Malformed msgs                    9 Lost msgs\n\n", text, StringComparison.Ordinal);
    }

    [Theory]
    [InlineData(59, "0 min")]
    [InlineData(3599, "59 min")]
    [InlineData(3600, "1 h 0 min")]
    [InlineData(86_399, "23 h 59 min")]
    [InlineData(86_400, "1 day 0 min")]
    [InlineData(172_800 + 7260, "2 days 2 h 1 min")]
    public void The_uptime_has_days_and_hours_when_there_are_any(ulong seconds, string expected)
    {
        RuntimeStats stats = new() { UptimeSeconds = seconds };
        string text = new StringBuilder().AppendRuntime(in stats).ToString();
        Assert.StartsWith($"daemon uptime: {expected}\n\nnetlink stats:\n", text, StringComparison.Ordinal);
    }

    [Fact]
    public void A_control_element_of_the_resend_queue_tells_its_flags()
    {
        ResendQueueElement[] elements = [new(new Seq(5), true, 8), new(new Seq(uint.MaxValue), false, 8)];
        Assert.Equal(
            "resent queue (len=2)\ncontrol -> seq:5 flags:8\nobject -> seq:4294967295\n",
            new StringBuilder().AppendResendQueue(elements).ToString());
    }

    // Some blocks have empty lines inside.
    private static IEnumerable<string> Blocks(string text)
    {
        string[] blocks = text.Split("\n\n", StringSplitOptions.RemoveEmptyEntries);
        for (int i = 0; i < blocks.Length;)
        {
            int parts = blocks[i].Split(' ')[0] switch
            {
                "network" => 2,
                "daemon" => 3,
                "allocated" => blocks.Length - i,
                _ => 1,
            };
            yield return string.Join("\n\n", blocks[i..(i + parts)]);
            i += parts;
        }
    }

    private static void Reproduce(StringBuilder text, string block)
    {
        string first = block.Split('\n')[0];
        ulong[] numbers = [.. Numbers().Matches(block).Select(m => ulong.Parse(m.Value, CultureInfo.InvariantCulture))];
        uint[] small = [.. numbers.Select(number => (uint)number)];
        switch (first.Split([' ', ':'])[0])
        {
            case "cache" when first.StartsWith("cache ", StringComparison.Ordinal):
                CacheStats cache = new()
                {
                    Active = small[0],
                    Created = small[1],
                    CreateFailed = small[2],
                    Updated = small[3],
                    Destroyed = small[5],
                };
                text.AppendCache(first[6..^1], in cache);
                break;
            case "cache":
                CacheStats detail = new()
                {
                    Objects = small[0],
                    Active = small[1],
                    Total = small[2],
                    Created = small[3],
                    CreateFailed = small[4],
                    Updated = small[7],
                    Destroyed = small[10],
                };
                text.AppendCacheDetail(first.Split([':', '\t'])[1], in detail);
                break;
            case "internal": text.AppendBypass(new BypassStats(small[0], small[1], small[2])); break;
            case "external":
                text.AppendInject(new InjectStats(small[0], small[1], small[2], small[3], small[4], small[5]));
                break;
            case "traffic": text.AppendTraffic(numbers[0], numbers[1]); break;
            case "multicast" or "UDP" or "TCP": ReproduceLink(text, first, numbers); break;
            case "message": text.AppendMessages(new SyncStats { BadType = small[0], Lost = numbers[1] }); break;
            case "network": ReproduceNetwork(text, numbers); break;
            case "daemon": ReproduceRuntime(text, numbers); break;
            case "allocated":
                text.AppendQueues(small[0], [.. small.Skip(1).Chunk(3).Zip(
                    ["txqueue", "errorq", "rsqueue"], (q, name) => new QueueReport(name, q[0], q[1], q[2]))]);
                break;
            case "resent": ReproduceResendQueue(text, block); break;
            default:
                text.AppendProcesses([.. Numbers().Matches(block.Replace("PID=", " ", StringComparison.Ordinal))
                    .Select(m => new ProcessReport(int.Parse(m.Value, CultureInfo.InvariantCulture), "any"))]);
                break;
        }
    }

    private static void ReproduceLink(StringBuilder text, string first, ulong[] numbers)
    {
        LinkReport link = new(
            Enum.Parse<LinkKind>(first.Split(' ')[0], ignoreCase: true),
            Device().Match(first).Value,
            first.Contains("DOWN", StringComparison.Ordinal) ? LinkStatus.Down
                : first.Contains("NO-CARRIER", StringComparison.Ordinal) ? LinkStatus.NoCarrier : LinkStatus.Running,
            first.Contains("ACTIVE", StringComparison.Ordinal),
            new LinkStats
            {
                BytesSent = numbers[0],
                BytesReceived = numbers[1],
                PacketsSent = numbers[2],
                PacketsReceived = numbers[3],
                SendErrors = numbers[4],
                ReceiveErrors = numbers[5],
            },
            first.Contains("server=connected", StringComparison.Ordinal),
            first.Contains("client=connected", StringComparison.Ordinal));
        if (first.Contains("(active", StringComparison.Ordinal)) text.AppendActiveLink(in link);
        else text.AppendLink(in link);
    }

    private static void ReproduceNetwork(StringBuilder text, ulong[] numbers)
    {
        SyncStats stats = new()
        {
            WrongVersion = (uint)numbers[1],
            MalformedHeader = (uint)numbers[2],
            MalformedPayload = (uint)numbers[3],
            BadType = (uint)numbers[4],
            Truncated = (uint)numbers[5],
            BadSize = (uint)numbers[6],
            Lost = numbers[8],
            Before = numbers[9],
        };
        Assert.Equal(numbers[0], stats.Malformed);
        text.AppendNetwork(in stats);
    }

    private static void ReproduceRuntime(StringBuilder text, ulong[] numbers)
    {
        RuntimeStats stats = new()
        {
            UptimeSeconds = numbers[0] * 60,
            EventsReceived = numbers[1],
            EventsFiltered = numbers[2],
            EventsUnknown = (uint)numbers[3],
            EventErrors = (uint)numbers[4],
            DumpUnknown = (uint)numbers[5],
            Overruns = (uint)numbers[6],
            KernelFlushes = (uint)numbers[7],
            KernelResyncs = (uint)numbers[8],
            BufferSize = (uint)numbers[9],
            ChildrenFailed = (uint)numbers[10],
            ChildrenCrashed = (uint)numbers[11],
            ChildrenTerminated = (uint)numbers[12],
            PollErrors = (uint)numbers[13],
            WaitErrors = (uint)numbers[14],
            ControlReadErrors = (uint)numbers[15],
            ControlUnknown = (uint)numbers[16],
        };
        text.AppendRuntime(in stats);
    }

    private static void ReproduceResendQueue(StringBuilder text, string block)
    {
        List<ResendQueueElement> elements = [];
        foreach (Match line in Element().Matches(block))
        {
            bool isControl = line.Groups["flags"].Success;
            uint sequence = uint.Parse(line.Groups["seq"].Value, CultureInfo.InvariantCulture);
            byte flags = isControl ? byte.Parse(line.Groups["flags"].Value, CultureInfo.InvariantCulture) : (byte)0;
            elements.Add(new ResendQueueElement(new Seq(sequence), isControl, flags));
        }

        text.AppendResendQueue(elements);
    }

    [GeneratedRegex(@"(?<=[\s/])\d+", RegexOptions.None, 1000)]
    private static partial Regex Numbers();

    [GeneratedRegex(@"(?<=device=)\w+", RegexOptions.None, 1000)]
    private static partial Regex Device();

    [GeneratedRegex(@"-> seq:(?<seq>\d+)( flags:(?<flags>\d+))?", RegexOptions.ExplicitCapture, 1000)]
    private static partial Regex Element();
}
