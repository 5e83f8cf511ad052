namespace TwinTrack.Bench;

/// <summary>One round of HTTP load: with nothing on the firewalls, with an idle listener, or with a pair.</summary>
internal sealed class HttpRound(BenchOptions options, int number, CancellationToken cancellation)
{
    private const int Comparisons = 3;
    private const int WarmUpSeconds = 2;
    private const string ClientPorts = "20000 27999";

    /// <summary>The load without any daemon.</summary>
    public RoundResult RunBare()
    {
        RoundResult result = new(Workloads.Http, Subjects.NoDaemon, number);
        using var bed = TestBed.Build();
        WarmUp(bed);
        Load(bed, result);
        return result;
    }

    /// <summary>The load with a listener on the primary.</summary>
    public RoundResult RunListener()
    {
        RoundResult result = new(Workloads.Http, Subjects.Listener, number);
        using var bed = TestBed.Build();
        int listener = Listener.Start(bed.Topology.Primary, bed.Directory, cancellation);
        WarmUp(bed);
        CpuTime before = ProcessCost.Cpu(listener);
        WebLoad load = Load(bed, result);
        CpuTime used = ProcessCost.Cpu(listener) - before;
        result.Add(Figures.HttpPrimary, used.Total.TotalMicroseconds / load.Requests);
        result.Add(Figures.HttpPrimaryKernel, used.Kernel.TotalMicroseconds / load.Requests);
        NamespaceCounters counters = NamespaceCounters.Read(bed.Topology.Primary.Namespace);
        if (counters.LostEvents > 0) result.Invalidate($"{counters.LostEvents} events lost");
        if (counters.Listeners == 0) result.Invalidate("the listener died");
        return result;
    }

    /// <summary>The load with a conntrackd on each firewall.</summary>
    public RoundResult RunPair(Contestant contestant)
    {
        RoundResult result = new(Workloads.Http, contestant.Subject, number);
        using var bed = TestBed.Build();
        using var pair = Pair.Start(contestant, bed.Topology, bed.Directory, cancellation);
        WarmUp(bed);
        pair.WaitUntilIdle();
        var primary = SideMeter.Start(bed.Topology.Primary, pair.Primary);
        var backup = SideMeter.Start(bed.Topology.Backup, pair.Backup);
        WebLoad load = Load(bed, result);
        pair.WaitUntilIdle();
        Add(result, load, primary.Stop(), Figures.HttpPrimary, Figures.HttpPrimaryKernel, Figures.HttpBytesPrimary,
            Figures.HttpPacketsPrimary);
        Add(result, load, backup.Stop(), Figures.HttpBackup, Figures.HttpBackupKernel, Figures.HttpBytesBackup,
            Figures.HttpPacketsBackup);
        result.Invalidate(Compare(pair));
        return result;
    }

    // The flows that wrk broke off expire after ten seconds: one may do so between the two listings.
    private static string? Compare(Pair pair)
    {
        string? difference = null;
        for (int i = 0; i < Comparisons; i++)
        {
            difference = FlowSets.CompareAnnounceable(pair.Primary, pair.Backup);
            if (difference is null) break;
        }

        return difference;
    }

    // A client that has used each of its ports once makes the kernel drop an old flow for each new one, so that every
    // connection measured runs through all its events, from new to destroy.
    private void WarmUp(TestBed bed)
    {
        bed.Topology.Client.WriteSetting("net/ipv4/ip_local_port_range", ClientPorts);
        if (options.EventRules is { } rules) bed.Topology.Primary.Namespace.Require(["nft", "-f", rules]);
        WebServer.Start(bed.Topology, bed.Directory, cancellation);
        WebClient.Run(bed.Topology, bed.Directory, WarmUpSeconds, cancellation);
    }

    private WebLoad Load(TestBed bed, RoundResult result)
    {
        WebLoad load = WebClient.Run(bed.Topology, bed.Directory, options.Seconds, cancellation);
        result.Add(Figures.Requests, load.RequestsPerSecond);
        result.Note = load.Errors;
        return load;
    }

    private static void Add(
        RoundResult result, WebLoad load, SideCost cost, Figure cpu, Figure kernel, Figure bytes, Figure datagrams)
    {
        result.Add(cpu, cost.Cpu.Total.TotalMicroseconds / load.Requests);
        result.Add(kernel, cost.Cpu.Kernel.TotalMicroseconds / load.Requests);
        result.Add(bytes, (double)cost.Counters.PayloadBytes / load.Requests);
        result.Add(datagrams, (double)cost.Counters.Datagrams / load.Requests);
        result.Invalidate(cost.Losses());
    }
}
