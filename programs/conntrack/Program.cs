using TwinTrack.Cli.Flows;

return ConntrackTool.Run(args);
