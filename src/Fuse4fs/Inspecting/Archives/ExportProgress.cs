using System.Runtime.InteropServices;
using Spectre.Console;

namespace Fuse4fs.Inspecting.Archives;

/// <summary>A progress bar for a person: how much of the volume's used space was exported.</summary>
internal sealed class ExportProgress(ProgressTask task) : IExportProgress
{
    /// <inheritdoc/>
    public void Advanced(long dataBytes) => task.Increment(dataBytes);

    /// <summary>Runs an export under a bar on standard error, or without one where nobody watches.</summary>
    /// <param name="totalBytes">What all files together have at most.</param>
    /// <param name="export">Gets the progress to report to; null without a bar.</param>
    public static void Run(long totalBytes, Action<IExportProgress?> export)
    {
        if (Console.IsErrorRedirected)
        {
            export(null);
            return;
        }
        var settings = new AnsiConsoleSettings { Out = new AnsiConsoleOutput(Console.Error) };
        IAnsiConsole console = AnsiConsole.Create(settings);
        // Who interrupts an export finds his cursor again.
        void ShowCursor(PosixSignalContext signal) => console.Cursor.Show();
        using PosixSignalRegistration interrupt = PosixSignalRegistration.Create(PosixSignal.SIGINT, ShowCursor);
        using PosixSignalRegistration terminate = PosixSignalRegistration.Create(PosixSignal.SIGTERM, ShowCursor);
        console.Progress()
            .Columns(new ProgressBarColumn(), new PercentageColumn(), new DownloadedColumn(), new RemainingTimeColumn())
            .Start(progress =>
            {
                ProgressTask task = progress.AddTask("export", maxValue: Math.Max(1, totalBytes));
                export(new ExportProgress(task));
                task.Value = task.MaxValue;
            });
    }
}
