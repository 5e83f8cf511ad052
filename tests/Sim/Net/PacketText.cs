using System.Text;
using TwinTrack.Replication;
using TwinTrack.Replication.Wire;

namespace TwinTrack.Sim.Net;

/// <summary>Datagrams as words of the trace.</summary>
internal static class PacketText
{
    /// <summary>Each message with its number; runs of the same type are drawn together.</summary>
    public static string Describe(ReadOnlySpan<byte> datagram)
    {
        var text = new StringBuilder();
        string last = "";
        while (datagram.Length >= PeerHeader.Size)
        {
            PeerHeader header = PeerHeader.Read(datagram);
            if (header.Length < PeerHeader.Size || header.Length > datagram.Length) return $"{text} damaged";
            string word = Word(in header, datagram);
            if (text.Length == 0) text.Append(header.Sequence.Value);
            if (word != last) text.Append(' ').Append(word);
            else if (text[^1] != '+') text.Append('+');
            last = word;
            datagram = datagram[header.Length..];
        }

        return text.ToString();
    }

    private static string Word(in PeerHeader header, ReadOnlySpan<byte> message)
    {
        string greetings = (header.Flags & PeerFlags.Greetings) switch
        {
            PeerFlags.Hello => "|HELLO",
            PeerFlags.HelloBack => "|HELLO_BACK",
            PeerFlags.Greetings => "|HELLO|HELLO_BACK",
            _ => "",
        };
        if (header.Type != PeerMessageType.Control) return $"{header.Type}{greetings}";
        if (!header.HasRange) return $"ALIVE{greetings}";

        (Seq from, Seq to) = PeerHeader.ReadRange(message);
        if ((header.Flags & PeerFlags.Ack) != 0) return $"ACK({from.Value}..{to.Value}){greetings}";
        return (header.Flags & PeerFlags.Nack) != 0
            ? $"NACK({from.Value}..{to.Value}){greetings}"
            : $"RESYNC{greetings}";
    }
}
