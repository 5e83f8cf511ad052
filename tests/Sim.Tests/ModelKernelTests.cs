using TwinTrack.Conntrack;
using TwinTrack.Conntrack.Kernel;
using TwinTrack.Netlink;
using TwinTrack.Replication;
using TwinTrack.Sim.Kernel;
using TwinTrack.Testing;
using Xunit;

namespace TwinTrack.Sim.Tests;

/// <summary>The model kernel against the real one: the same requests, answers, tables and events.</summary>
[Trait("needs", "root")]
public sealed class ModelKernelTests
{
    private const int RequestCount = 3000;
    private const int RequestsPerTable = 200;
    private const uint ToleranceSeconds = 3;

    private const FlowFields Compared =
        FlowFields.Original | FlowFields.Reply | FlowFields.Master | FlowFields.Status | FlowFields.Timeout
        | FlowFields.Mark | FlowFields.Zone | FlowFields.TcpState | FlowFields.TcpWindowScaleOriginal
        | FlowFields.TcpWindowScaleReply | FlowFields.TcpFlagsOriginal | FlowFields.TcpFlagsReply
        | FlowFields.SctpState | FlowFields.SctpTagOriginal | FlowFields.SctpTagReply | FlowFields.Helper
        | FlowFields.Labels | FlowFields.SequenceOriginal | FlowFields.SequenceReply | FlowFields.SynProxy;

    private const string LabelRules =
        """
        table inet labels {
            chain forward {
                type filter hook forward priority 0;
                ct label set 127
            }
        }

        """;

    [Theory]
    [InlineData(1, true)]
    [InlineData(2, true)]
    [InlineData(3, true)]
    [InlineData(4, false)]
    [InlineData(5, true)]
    [InlineData(6, true)]
    [InlineData(7, true)]
    [InlineData(8, false)]

    public void The_model_answers_holds_and_tells_what_the_real_kernel_does(ulong seed, bool hasLabels) =>
        PrivateNetwork.Run(() =>
        {
            if (hasLabels) PrivateNetwork.LoadRules(LabelRules);
            using var comparison = new Comparison(seed, hasLabels);
            comparison.Run();
        });

    private sealed class Comparison : IDisposable
    {
        private readonly RequestScript _script;
        private readonly ModelKernel _model;
        private readonly EventBuffer _modelEvents = new(int.MaxValue);
        private readonly NetlinkClient _requests = new(NetlinkProtocol.Netfilter);
        private readonly ConntrackClient _tables = new();
        private readonly EventStream _events = new(EventGroups.Flows, 8 << 20);
        private readonly long _started = Environment.TickCount64;
        private readonly List<string> _log = [];

        public Comparison(ulong seed, bool hasLabels)
        {
            _script = new RequestScript(seed);
            _model = new ModelKernel(new KernelOptions { HasLabels = hasLabels }, seed);
            _model.Subscribe(_modelEvents);
        }

        private Instant Now => new((Environment.TickCount64 - _started) * 1000);

        public void Run()
        {
            PackedFlow request = default;
            for (int number = 0; number < RequestCount; number++)
            {
                RequestKind kind = _script.Next(ref request);
                _log.Add($"#{number} {kind} {TupleKey.Of(in request)} {request.Fields} {request.Status} master {TupleKey.Of(in request.Master, 0)} tcp {request.TcpState}");
                Send(kind, in request);
                CompareEvents();
                if (number % RequestsPerTable == 0) CompareTables();
            }

            CompareTables();
        }

        public void Dispose()
        {
            _requests.Dispose();
            _tables.Dispose();
            _events.Dispose();
        }

        private void Send(RequestKind kind, in PackedFlow request)
        {
            PackedFlow modelled = default;
            uint port = _requests.Socket.PortId;
            int expected = kind switch
            {
                RequestKind.Create => _model.Create(Now, in request, exclusive: true, port),
                RequestKind.CreateOrUpdate => _model.Create(Now, in request, exclusive: false, port),
                RequestKind.Update => _model.Update(Now, in request, port),
                RequestKind.Delete => _model.Delete(Now, in request, port),
                RequestKind.Get => _model.Get(Now, in request, ref modelled),
                _ => Flush(request.Original.Family, port),
            };
            PackedFlow real = default;
            int errno = Ask(kind, in request, ref real);
            Check(errno == expected, $"errno {errno}, in the model {expected}");
            if (kind == RequestKind.Get && errno == 0) Compare(in real, in modelled);
        }

        // As it stands, without the care that the library's client takes of a request.
        private int Ask(RequestKind kind, in PackedFlow request, ref PackedFlow found)
        {
            MessageFlags flags = MessageFlags.Request | MessageFlags.Ack | kind switch
            {
                RequestKind.Create => MessageFlags.Create | MessageFlags.Exclusive,
                RequestKind.CreateOrUpdate => MessageFlags.Create,
                _ => MessageFlags.None,
            };
            byte message = kind switch
            {
                RequestKind.Delete or RequestKind.Flush => ConntrackMessage.Delete,
                RequestKind.Get => ConntrackMessage.Get,
                _ => ConntrackMessage.New,
            };
            _requests.Writer.Clear();
            byte family = request.Original.Family;
            if (kind == RequestKind.Flush)
            {
                FlowCodec.WriteFlush(_requests.Writer, _requests.NextSequence, family, flags);
            }
            else
            {
                _requests.Writer.Begin(
                    NetfilterSubsystem.Conntrack, message, flags, _requests.NextSequence, family);
                FlowCodec.WriteAttributes(_requests.Writer, in request, (FlowFields)ulong.MaxValue);
                _requests.Writer.End();
            }

            _requests.Start();
            while (_requests.Wait() == ReplyState.Message) FlowCodec.TryRead(_requests.Message, ref found);
            return (int)_requests.Result.Code;
        }

        private int Flush(byte family, uint port)
        {
            _model.Flush(Now, family, port);
            return 0;
        }

        private void CompareTables()
        {
            var real = new Dictionary<TupleKey, PackedFlow>();
            _tables.Dump((in PackedFlow flow) => real.Add(TupleKey.Of(in flow), flow));
            ulong cursor = 0;
            PackedFlow modelled = default;
            int count = 0;
            while (_model.DumpNext(ref cursor, Now, ref modelled))
            {
                count++;
                TupleKey key = TupleKey.Of(in modelled);
                Check(real.TryGetValue(key, out PackedFlow flow), $"{key} is in the model only");
                Compare(in flow, in modelled);
            }

            Check(real.Count == count, $"{real.Count} flows, {count} in the model");
        }

        // A flush empties the table in an order of the kernel's own.
        private void CompareEvents()
        {
            var real = new Dictionary<TupleKey, (EventKind Kind, uint Port, PackedFlow Flow)>();
            PackedFlow flow = default;
            while (_events.Read(ref flow) == EventStatus.Flow)
                Check(real.TryAdd(TupleKey.Of(in flow), (_events.Kind, _events.Header.PortId, flow)), "event told twice");

            while (_modelEvents.Read() is { } told)
            {
                TupleKey key = TupleKey.Of(in told.Flow);
                Check(real.Remove(key, out var event_), $"{told.Change} of {key} is told by the model only");
                Check(event_.Kind == KindOf(told.Change), $"{event_.Kind}, in the model {told.Change}");
                Check(event_.Port == told.PortId, $"port id {event_.Port}, in the model {told.PortId}");
                Compare(in event_.Flow, in told.Flow);
                _modelEvents.Recycle(told);
            }

            Check(real.Count == 0, "an event is told by the kernel only");
        }

        private static EventKind KindOf(FlowChange change) => change switch
        {
            FlowChange.New => EventKind.New,
            FlowChange.Update => EventKind.Update,
            _ => EventKind.Destroy,
        };

        private void Compare(in PackedFlow real, in PackedFlow modelled)
        {
            string? difference = FlowDiff.Find(in real, in modelled, Compared, ToleranceSeconds);
            Check(difference is null, $"{TupleKey.Of(in real)}: {difference}");
        }

        private void Check(bool holds, string what)
        {
            if (!holds) Assert.Fail($"{what}\nafter\n{string.Join('\n', _log.TakeLast(5))}");
        }
    }
}
