using TwinTrack.Conntrack;

namespace TwinTrack.Cli.Flows;

/// <summary>Whether a flow is translated as <c>-n</c>, <c>-g</c> and <c>-j</c> ask.</summary>
internal static class NatMatch
{
    /// <summary>Whether a flow fulfils the translation conditions of a request.</summary>
    public static bool Matches(Request request, in PackedFlow flow)
    {
        bool source = request.Has(OptionId.SourceNat);
        bool destination = request.Has(OptionId.DestinationNat);
        bool any = request.Has(OptionId.AnyNat);
        if (!source && !destination && !any) return true;
        if (any)
        {
            NatArgument wanted = request.AnyNat;
            return IsSourceTranslated(in flow, wanted) || IsDestinationTranslated(in flow, wanted);
        }

        return (!source || IsSourceTranslated(in flow, request.SourceNat))
            && (!destination || IsDestinationTranslated(in flow, request.DestinationNat));
    }

    private static bool IsSourceTranslated(in PackedFlow flow, NatArgument wanted)
    {
        bool address = NatState.IsSourceTranslated(in flow);
        bool port = NatState.IsSourcePortTranslated(in flow);
        if (!wanted.HasAddress) return address || port;
        return address && flow.Reply.Destination == wanted.Address
            && (!wanted.HasPort || (port && flow.Reply.DestinationPort == wanted.Port));
    }

    private static bool IsDestinationTranslated(in PackedFlow flow, NatArgument wanted)
    {
        bool address = NatState.IsDestinationTranslated(in flow);
        bool port = NatState.IsDestinationPortTranslated(in flow);
        if (!wanted.HasAddress) return address || port;
        return address && flow.Reply.Source == wanted.Address
            && (!wanted.HasPort || (port && flow.Reply.SourcePort == wanted.Port));
    }
}
