using TwinTrack.Fuzz;

return Cli.Run(args);
