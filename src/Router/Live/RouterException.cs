namespace TwinTrack.Router.Live;

/// <summary>Something could not be done; the text says what, and is all the operator needs.</summary>
internal sealed class RouterException(string text) : Exception(text);
