using TwinTrack.Sim;

return Cli.Run(args);
