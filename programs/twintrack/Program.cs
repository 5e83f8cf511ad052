using System.CommandLine;
using System.CommandLine.Parsing;
using TwinTrack.Programs;

ParseResult parsed = Verbs.Create().Parse(args);
if (parsed.Errors.Count == 0) return parsed.Invoke();

foreach (ParseError error in parsed.Errors) Console.Error.WriteLine($"twintrack: {error.Message}");
Console.Error.WriteLine("twintrack: --help lists what there is");
return LabCommand.CannotRun;
