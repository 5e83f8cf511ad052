using TwinTrack.Netlink;

namespace TwinTrack.Conntrack.Kernel;

/// <summary>The user-space helpers a network namespace knows.</summary>
/// <remarks>Waits for each answer. A kernel without nfnetlink_cthelper answers <see cref="Errno.Invalid"/>.</remarks>
public sealed class Helpers : IDisposable
{
    private readonly NetlinkClient _client;

    /// <summary>Opens a socket in the thread's network namespace.</summary>
    /// <exception cref="NetlinkException">The kernel lacks nfnetlink.</exception>
    public Helpers() => _client = new NetlinkClient(NetlinkProtocol.Netfilter);

    /// <summary>Creates a helper.</summary>
    /// <param name="helper">Complete, with at least one policy.</param>
    /// <param name="exclusive">Whether an existing one is an error, else its queue, status and policies change.</param>
    public NetlinkError Create(HelperDefinition helper, bool exclusive = true)
    {
        _client.Writer.Clear();
        HelperCodec.WriteCreate(_client.Writer, helper, _client.NextSequence, exclusive, MessageFlags.Ack);
        return _client.Transact();
    }

    /// <summary>Lets no more packets go to a helper's queue; it stays registered.</summary>
    /// <param name="name">Its name.</param>
    /// <param name="family">2 or 10.</param>
    /// <param name="protocol">IP protocol number.</param>
    /// <returns><see cref="Errno.Invalid"/> when there is no such helper.</returns>
    public NetlinkError Disable(string name, byte family, byte protocol)
    {
        _client.Writer.Clear();
        HelperCodec.WriteDisable(_client.Writer, name, family, protocol, _client.NextSequence, MessageFlags.Ack);
        return _client.Transact();
    }

    /// <summary>Reads helpers.</summary>
    /// <param name="name">One of this name; null for all.</param>
    /// <param name="helpers">What was found; with a family, the kernel calls it no error when that is nothing.</param>
    /// <param name="family">2 or 10 for one of several of that name; 0 for the first.</param>
    /// <param name="protocol">IP protocol number; counts only with a family.</param>
    public NetlinkError Get(
        string? name,
        out IReadOnlyList<HelperDefinition> helpers,
        byte family = AddressFamily.Unspecified,
        byte protocol = 0)
    {
        List<HelperDefinition> list = [];
        helpers = list;
        _client.Writer.Clear();
        MessageFlags flags = name is null ? MessageFlags.None : MessageFlags.Ack;
        HelperCodec.WriteGet(_client.Writer, name, _client.NextSequence, family, protocol, flags);
        if (!_client.Start().IsSuccess) return _client.Result;

        while (_client.Wait() == ReplyState.Message)
        {
            if (HelperCodec.Read(_client.Message) is { } helper) list.Add(helper);
        }

        return _client.Result;
    }

    /// <summary>Deletes helpers.</summary>
    /// <param name="name">Those of this name; null for all.</param>
    /// <param name="family">2 or 10 for one of several of that name; 0 for all of them.</param>
    /// <param name="protocol">IP protocol number; counts only with a family.</param>
    public NetlinkError Delete(string? name, byte family = AddressFamily.Unspecified, byte protocol = 0)
    {
        _client.Writer.Clear();
        HelperCodec.WriteDelete(_client.Writer, name, _client.NextSequence, family, protocol, MessageFlags.Ack);
        return _client.Transact();
    }

    /// <summary>Closes the socket.</summary>
    public void Dispose() => _client.Dispose();
}
