using System.Text;

namespace TwinTrack.Router.Shell;

/// <summary>Reads a line from a terminal: cursor keys, former lines, Tab and <c>?</c>.</summary>
internal sealed class LineEditor(Func<string, IReadOnlyList<Candidate>> complete)
{
    private readonly List<string> _former = [];
    private readonly StringBuilder _line = new();
    private string _prompt = "";
    private int _cursor;

    /// <summary>Reads a line.</summary>
    /// <returns>Null at the end of input.</returns>
    public string? Read(string prompt)
    {
        _prompt = prompt;
        _line.Clear();
        _cursor = 0;
        int former = _former.Count;
        bool wasTab = false;
        Console.TreatControlCAsInput = true;
        Draw();
        while (true)
        {
            ConsoleKeyInfo key = Console.ReadKey(intercept: true);
            bool isTab = key.Key == ConsoleKey.Tab;
            bool isControl = (key.Modifiers & ConsoleModifiers.Control) != 0;
            switch (key.Key)
            {
                case ConsoleKey.Enter:
                    return Finish();
                case ConsoleKey.D when isControl && _line.Length == 0:
                    Console.WriteLine();
                    return null;
                case ConsoleKey.C when isControl:
                    Console.WriteLine("^C");
                    Replace("");
                    former = _former.Count;
                    break;
                case ConsoleKey.Backspace when _cursor > 0:
                    _line.Remove(--_cursor, 1);
                    break;
                case ConsoleKey.Delete when _cursor < _line.Length:
                    _line.Remove(_cursor, 1);
                    break;
                case ConsoleKey.LeftArrow when _cursor > 0: _cursor--; break;
                case ConsoleKey.RightArrow when _cursor < _line.Length: _cursor++; break;
                case ConsoleKey.Home or ConsoleKey.A when key.Key == ConsoleKey.Home || isControl: _cursor = 0; break;
                case ConsoleKey.End or ConsoleKey.E when key.Key == ConsoleKey.End || isControl:
                    _cursor = _line.Length;
                    break;
                case ConsoleKey.UpArrow when former > 0: Replace(_former[--former]); break;
                case ConsoleKey.DownArrow when former < _former.Count:
                    former++;
                    Replace(former < _former.Count ? _former[former] : "");
                    break;
                case ConsoleKey.Tab: Complete(isSecond: wasTab); break;
                default:
                    Type(key.KeyChar);
                    break;
            }

            wasTab = isTab;
            Draw();
        }
    }

    private void Type(char c)
    {
        if (c == '?') List(complete(_line.ToString(0, _cursor)));
        else if (!char.IsControl(c)) _line.Insert(_cursor++, c);
    }

    private string Finish()
    {
        Console.WriteLine();
        string line = _line.ToString();
        if (line.Trim().Length > 0) _former.Add(line);
        return line;
    }

    private void Replace(string line)
    {
        _line.Clear().Append(line);
        _cursor = line.Length;
    }

    private void Complete(bool isSecond)
    {
        string before = _line.ToString(0, _cursor);
        string begun = before.Length == 0 || char.IsWhiteSpace(before[^1]) ? "" : before.Split((char[])[' ', '\t'])[^1];
        IReadOnlyList<Candidate> candidates = complete(before);
        string more = Completer.Common(candidates, begun);
        if (candidates.Count == 1 && candidates[0].IsWord) more += " ";
        _line.Insert(_cursor, more);
        _cursor += more.Length;
        if (more.Length == 0 && isSecond) List(candidates);
    }

    // Two columns: the word with how it goes on, and what it is.
    private static void List(IReadOnlyList<Candidate> candidates)
    {
        Console.WriteLine();
        Console.WriteLine("Possible completions:");
        int width = candidates.Select(one => one.Word.Length).DefaultIfEmpty().Max() + 2;
        foreach (Candidate one in candidates)
            Console.WriteLine($" {one.Mark,-2} {one.Word.PadRight(width)}{one.Help}".TrimEnd());
    }

    private void Draw()
    {
        Console.Write($"\r\u001b[K{_prompt}{_line}"); // ECMA-48 EL
        if (_cursor < _line.Length) Console.Write($"\u001b[{_line.Length - _cursor}D"); // CUB
    }
}
