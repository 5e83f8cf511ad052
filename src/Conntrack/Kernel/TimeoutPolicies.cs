using TwinTrack.Netlink;

namespace TwinTrack.Conntrack.Kernel;

/// <summary>The timeout policies of a network namespace and the defaults of its protocols.</summary>
/// <remarks>Waits for each answer. A kernel without nfnetlink_cttimeout answers <see cref="Errno.Invalid"/>.</remarks>
public sealed class TimeoutPolicies : IDisposable
{
    private readonly NetlinkClient _client;

    /// <summary>Opens a socket in the thread's network namespace.</summary>
    /// <exception cref="NetlinkException">The kernel lacks nfnetlink.</exception>
    public TimeoutPolicies() => _client = new NetlinkClient(NetlinkProtocol.Netfilter);

    /// <summary>Creates a policy; states not given take the namespace's defaults.</summary>
    /// <param name="policy">Name, family, protocol, and states.</param>
    /// <param name="replace">Whether a policy of that name is rewritten, else <see cref="Errno.Exists"/>.</param>
    public NetlinkError Create(TimeoutPolicy policy, bool replace = false)
    {
        _client.Writer.Clear();
        TimeoutPolicyCodec.WriteCreate(_client.Writer, policy, _client.NextSequence, replace, MessageFlags.Ack);
        return _client.Transact();
    }

    /// <summary>Reads a policy by its name.</summary>
    public NetlinkError Get(string name, out TimeoutPolicy? policy)
    {
        _client.Writer.Clear();
        TimeoutPolicyCodec.WriteGet(_client.Writer, name, _client.NextSequence, MessageFlags.Ack);
        return ReadOne(out policy);
    }

    /// <summary>Reads all policies.</summary>
    public NetlinkError GetAll(out IReadOnlyList<TimeoutPolicy> policies)
    {
        List<TimeoutPolicy> list = [];
        policies = list;
        _client.Writer.Clear();
        TimeoutPolicyCodec.WriteGet(_client.Writer, name: null, _client.NextSequence);
        if (!_client.Start().IsSuccess) return _client.Result;

        while (_client.Wait() == ReplyState.Message)
        {
            if (TimeoutPolicyCodec.Read(_client.Message) is { } policy) list.Add(policy);
        }

        return _client.Result;
    }

    /// <summary>Deletes a policy; <see cref="Errno.Busy"/> if it is in use.</summary>
    public NetlinkError Delete(string name)
    {
        ArgumentNullException.ThrowIfNull(name);
        _client.Writer.Clear();
        TimeoutPolicyCodec.WriteDelete(_client.Writer, name, _client.NextSequence, MessageFlags.Ack);
        return _client.Transact();
    }

    /// <summary>Deletes all policies that are not in use.</summary>
    public NetlinkError DeleteUnused()
    {
        _client.Writer.Clear();
        TimeoutPolicyCodec.WriteDelete(_client.Writer, name: null, _client.NextSequence, MessageFlags.Ack);
        return _client.Transact();
    }

    /// <summary>Sets the namespace's defaults of a protocol, of the states given.</summary>
    public NetlinkError SetDefault(TimeoutPolicy policy)
    {
        _client.Writer.Clear();
        TimeoutPolicyCodec.WriteDefaultSet(_client.Writer, policy, _client.NextSequence, MessageFlags.Ack);
        return _client.Transact();
    }

    /// <summary>Reads the namespace's defaults of a protocol.</summary>
    public NetlinkError GetDefault(byte family, byte protocol, out TimeoutPolicy? policy)
    {
        _client.Writer.Clear();
        TimeoutPolicyCodec.WriteDefaultGet(_client.Writer, family, protocol, _client.NextSequence, MessageFlags.Ack);
        return ReadOne(out policy);
    }

    /// <summary>Closes the socket.</summary>
    public void Dispose() => _client.Dispose();

    private NetlinkError ReadOne(out TimeoutPolicy? policy)
    {
        policy = null;
        if (!_client.Start().IsSuccess) return _client.Result;

        while (_client.Wait() == ReplyState.Message) policy = TimeoutPolicyCodec.Read(_client.Message);
        return _client.Result.IsSuccess && policy is null ? new(Errno.BadMessage) : _client.Result;
    }
}
