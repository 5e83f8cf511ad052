using BenchmarkDotNet.Attributes;
using TwinTrack.Conntrack;
using TwinTrack.Netlink;
using TwinTrack.Replication;
using TwinTrack.Replication.Wire;
using TwinTrack.Tests;

namespace TwinTrack.Bench.Micro;

/// <summary>One flow between bytes and memory, in the format of the kernel and in that of peers.</summary>
public class CodecBenchmarks
{
    private readonly byte[] _event = ReadHex("netlink/tcp-event-update2.hex");
    private readonly NetlinkWriter _writer = new(4096);
    private readonly SyncOptions _options = new();
    private readonly byte[] _message = new byte[FlowMessage.MaxSize];
    private readonly int _messageLength;
    private PackedFlow _flow = MadeUpFlows.Tcp(1);
    private PackedFlow _read;

    public CodecBenchmarks() => _messageLength = FlowMessage.Write(in _flow, _options, _message);

    [Benchmark]
    public bool ReadKernelEvent() => FlowCodec.TryRead(_event, ref _read);

    [Benchmark]
    public int WriteKernelRequest()
    {
        _writer.Clear();
        FlowCodec.WriteCreate(_writer, in _flow, sequence: 1, exclusive: true);
        return _writer.Written.Length;
    }

    [Benchmark]
    public int WritePeerMessage() => FlowMessage.Write(in _flow, _options, _message);

    [Benchmark]
    public bool ReadPeerMessage() => FlowMessage.TryRead(_message.AsSpan(0, _messageLength), _options, ref _read);

    private static byte[] ReadHex(string path) =>
        Convert.FromHexString(string.Concat(GoldenFiles.Read(path).Where(char.IsAsciiHexDigit)));
}
