using TwinTrack.Daemon;

return Lifecycle.Run(args);
