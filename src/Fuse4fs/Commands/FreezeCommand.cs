using System.CommandLine;
using System.ComponentModel;
using System.Diagnostics;
using Fuse4fs.Linux;
using Fuse4fs.Server.Control;

namespace Fuse4fs.Commands;

/// <summary>fuse4fs freeze MOUNTPOINT [COMMAND...]: changes wait, and the image is clean, until thaw, for the time of a
/// command, and never longer than the time that was given.</summary>
internal static class FreezeCommand
{
    private const int DefaultSeconds = 60;

    public static Command Create()
    {
        Argument<string> mountPoint = ControlCommand.MountPoint();
        var program = new Argument<string[]>("COMMAND")
        {
            Description = "run this meanwhile, then thaw", Arity = ArgumentArity.ZeroOrMore,
        };
        var timeout = new Option<int>("--timeout")
        {
            Description = "seconds after which it thaws in any case", DefaultValueFactory = static _ => DefaultSeconds,
        };
        var command = new Command("freeze", "Holds up all changes; the image is clean and consistent until it is thawed.")
        {
            mountPoint, program, timeout,
        };
        command.SetAction(result => Run(
            result.GetRequiredValue(mountPoint), result.GetValue(program) ?? [], result.GetValue(timeout)));
        return command;
    }

    /// <summary>Becomes the one who may freeze a mount, and has the kernel hand over its dirty pages: they belong into the image,
    /// and once it is frozen they have to wait.</summary>
    /// <returns>What went wrong, or null.</returns>
    public static string? Prepare(ControlClient client, string mountPoint) =>
        ControlCommand.FailureOf(mountPoint, client.Ask(new ControlRequest { Verb = ControlVerb.Prepare }))
            ?? MountControl.WriteBack(mountPoint);

    /// <summary>Tells of what is not as it should be although it was done.</summary>
    public static void Tell(string mountPoint, ControlReply reply)
    {
        if (reply.Message is { } message)
        {
            Console.Error.WriteLine($"fuse4fs: {mountPoint}: {message}");
        }
    }

    private static int Run(string mountPoint, string[] program, int seconds)
    {
        if (seconds is < 1 or > ControlRequest.LongestFreezeSeconds)
        {
            return ExitCodes.Report($"--timeout {seconds}: 1 to {ControlRequest.LongestFreezeSeconds} is expected",
                ExitCodes.Usage);
        }
        using ControlClient? client = ControlClient.Connect(mountPoint, out string failure);
        if (client is null)
        {
            return ControlCommand.Finish(failure);
        }
        if (Prepare(client, mountPoint) is { } refusal)
        {
            return ControlCommand.Finish(refusal);
        }
        ControlReply reply = client.Ask(new ControlRequest { Verb = ControlVerb.Freeze, Seconds = seconds });
        if (reply.Error != Errno.Ok)
        {
            return ControlCommand.Finish(ControlCommand.FailureOf(mountPoint, reply));
        }
        Tell(mountPoint, reply);
        // Until here the freeze ends with this process.
        return program.Length == 0
            ? ControlCommand.Finish(ControlCommand.FailureOf(
                mountPoint, client.Ask(new ControlRequest { Verb = ControlVerb.Keep })))
            : RunFrozen(client, mountPoint, program);
    }

    /// <summary>The program's exit code, if the mount was frozen to its end.</summary>
    private static int RunFrozen(ControlClient client, string mountPoint, string[] program)
    {
        int code;
        try
        {
            using var process = Process.Start(new ProcessStartInfo(program[0], program[1..]) { UseShellExecute = false })!;
            process.WaitForExit();
            code = process.ExitCode;
        }
        catch (Win32Exception unknown)
        {
            return ExitCodes.Report($"{program[0]}: {unknown.Message}", ExitCodes.MountFailed);
        }
        string? failure = ControlCommand.FailureOf(
            mountPoint, client.Ask(new ControlRequest { Verb = ControlVerb.Thaw }));
        return failure is null ? code : ControlCommand.Finish(failure);
    }
}
