using System.Runtime.ExceptionServices;
using System.Runtime.InteropServices;
using TwinTrack.Lab;

namespace TwinTrack.Programs;

/// <summary>A lab run on a thread of its own, which signals stop in order.</summary>
internal sealed class LabSession : IDisposable
{
    private static readonly TimeSpan SignalDelay = TimeSpan.FromMilliseconds(100);

    private readonly CancellationTokenSource _cancellation = new();
    private readonly List<PosixSignalRegistration> _signals = [];
    private readonly Thread _thread;

    private readonly Action<CancellationToken> _execute;
    private ExceptionDispatchInfo? _failure;
    private volatile int _signal;
    private volatile bool _isFinished;

    /// <summary>Starts it.</summary>
    /// <param name="run">The run; it is disposed with this.</param>
    /// <param name="execute">Runs it to its end.</param>
    public LabSession(ILab run, Action<CancellationToken> execute)
    {
        Run = run;
        _execute = execute;
        Catch(PosixSignal.SIGINT, 2);
        Catch(PosixSignal.SIGTERM, 15);
        Catch(PosixSignal.SIGHUP, 1);
        _thread = new Thread(Execute) { Name = "lab" };
        _thread.Start();
    }

    /// <summary>The run.</summary>
    public ILab Run { get; }

    /// <summary>What a shell reports for a program that the signal ended.</summary>
    public int ExitCodeOfSignal => 128 + _signal;

    /// <summary>Waits for the end, at most so long.</summary>
    /// <returns>Whether it has ended.</returns>
    public bool Wait(TimeSpan timeout) => _thread.Join(timeout);

    /// <summary>Waits for the end.</summary>
    public void Wait() => _thread.Join();

    /// <summary>Whether it came to its end; else a signal stopped it.</summary>
    /// <exception cref="LabException">The run failed.</exception>
    public bool HasFinished()
    {
        _failure?.Throw();
        return _isFinished;
    }

    public void Dispose()
    {
        _cancellation.Cancel();
        _thread.Join();
        Run.Dispose();
        foreach (PosixSignalRegistration signal in _signals) signal.Dispose();
        _cancellation.Dispose();
    }

    private void Catch(PosixSignal signal, int number) => _signals.Add(PosixSignalRegistration.Create(signal, context =>
    {
        context.Cancel = true;
        _signal = number;
        _cancellation.Cancel();
    }));

    private void Execute()
    {
        try
        {
            _execute(_cancellation.Token);
            _isFinished = true;
        }
        catch (OperationCanceledException)
        {
            _isFinished = false;
        }
        catch (Exception e)
        {
            // Ctrl-C also ends the tools that run just now, perhaps before it is told to us: no failure of the lab.
            bool isInterrupted = _cancellation.Token.WaitHandle.WaitOne(SignalDelay);
            if (!isInterrupted) _failure = ExceptionDispatchInfo.Capture(e);
        }
    }
}
