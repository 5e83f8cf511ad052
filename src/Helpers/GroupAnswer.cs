using TwinTrack.Conntrack;

namespace TwinTrack.Helpers;

/// <summary>Questions to a group whose answers come from the members' own addresses and a known port.</summary>
internal static class GroupAnswer
{
    /// <summary>Expects answers from any address and the port that was asked.</summary>
    public static void Expect(ref Inspection packet)
    {
        if (packet.IsReply) return;

        ref readonly FlowTuple asked = ref packet.Own;
        if (!Guard.IsGroup(asked.Destination, packet.Family))
        {
            packet.Refuse(HelperRefusal.Address); // else the asker would be open to everybody
            return;
        }

        // Answers go to the asker as the others see it.
        ref readonly FlowTuple seen = ref packet.Other;
        packet.Expect(new Expected(IpProtocol.Udp, seen.Destination, seen.DestinationPort)
        {
            SourcePort = asked.DestinationPort,
            IsReply = true,
            IsPermanent = true,
            IsTranslated = true,
            InnerPort = asked.SourcePort,
        });
    }
}
