namespace TwinTrack.Conntrack;

/// <summary>Writes one JSON object into a line. Keys are ASCII; commas come by themselves.</summary>
public ref struct JsonText
{
    private bool _needsComma;

    /// <summary>Opens an object, as a member when it has a key.</summary>
    public void Open(ref LineWriter line, scoped ReadOnlySpan<byte> key = default)
    {
        if (key.IsEmpty) Separate(ref line);
        else Key(ref line, key);
        line.Write((byte)'{');
        _needsComma = false;
    }

    /// <summary>Closes an object.</summary>
    public void Close(ref LineWriter line)
    {
        line.Write((byte)'}');
        _needsComma = true;
    }

    /// <summary>Opens a list.</summary>
    public void OpenList(ref LineWriter line, scoped ReadOnlySpan<byte> key)
    {
        Key(ref line, key);
        line.Write((byte)'[');
        _needsComma = false;
    }

    /// <summary>Closes a list.</summary>
    public void CloseList(ref LineWriter line)
    {
        line.Write((byte)']');
        _needsComma = true;
    }

    /// <summary>Writes a number.</summary>
    public void PutNumber(ref LineWriter line, scoped ReadOnlySpan<byte> key, ulong value)
    {
        Key(ref line, key);
        line.WriteNumber(value);
    }

    /// <summary>Writes a number that may be negative.</summary>
    public void PutSigned(ref LineWriter line, scoped ReadOnlySpan<byte> key, long value)
    {
        Key(ref line, key);
        line.WriteSigned(value);
    }

    /// <summary>Writes a truth value.</summary>
    public void PutFlag(ref LineWriter line, scoped ReadOnlySpan<byte> key, bool value)
    {
        Key(ref line, key);
        line.Write(value ? "true"u8 : "false"u8);
    }

    /// <summary>Writes text.</summary>
    public void PutText(ref LineWriter line, scoped ReadOnlySpan<byte> key, scoped ReadOnlySpan<byte> value)
    {
        Key(ref line, key);
        Quote(ref line, value);
    }

    /// <summary>Writes an item of a list.</summary>
    public void PutItem(ref LineWriter line, scoped ReadOnlySpan<byte> value)
    {
        Separate(ref line);
        Quote(ref line, value);
    }

    /// <summary>Writes an address.</summary>
    public void PutAddress(ref LineWriter line, scoped ReadOnlySpan<byte> key, Address address, byte family)
    {
        Key(ref line, key);
        line.Write((byte)'"');
        line.WriteAddress(address, family);
        line.Write((byte)'"');
    }

    private void Key(ref LineWriter line, scoped ReadOnlySpan<byte> key)
    {
        Separate(ref line);
        line.Write((byte)'"');
        line.Write(key);
        line.Write("\":"u8);
    }

    private void Separate(ref LineWriter line)
    {
        if (_needsComma) line.Write((byte)',');
        _needsComma = true;
    }

    // Control characters and damaged UTF-8 are replaced by LineWriter.WriteName.
    private static void Quote(ref LineWriter line, scoped ReadOnlySpan<byte> text)
    {
        line.Write((byte)'"');
        while (!text.IsEmpty)
        {
            int special = text.IndexOfAny("\"\\"u8);
            if (special < 0)
            {
                line.WriteName(text);
                break;
            }

            line.WriteName(text[..special]);
            line.Write((byte)'\\');
            line.Write(text[special]);
            text = text[(special + 1)..];
        }

        line.Write((byte)'"');
    }
}
