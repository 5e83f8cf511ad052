using TwinTrack.Cli.Objects;

return NfctTool.Run(args);
