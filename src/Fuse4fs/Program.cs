using Fuse4fs.Commands;
using Fuse4fs.Daemon;
using Fuse4fs.Fuse.Mounting.Service;
using Fuse4fs.Options;
using Fuse4fs.Server.Mounting;

namespace Fuse4fs;

/// <summary>Entry point: the server process, a mount service, a helper of mount(8), or the command line.</summary>
internal static class Program
{
    private static int Main(string[] arguments)
    {
        try
        {
            if (ServerArguments.IsServer(arguments))
            {
                return ServerProcess.RunDetached(arguments);
            }
            if (MountService.IsActivated)
            {
                return ServiceProcess.Run(arguments);
            }
            string name = MountHelper.OwnName();
            return MountHelper.IsMount(name) ? MountHelper.Mount(name, arguments)
                : MountHelper.IsUnmount(name) ? MountHelper.Unmount(arguments)
                : CommandTree.Run(StripeArguments.Rewrite(arguments));
        }
        catch (UsageException mistake)
        {
            return ExitCodes.Report(mistake.Message, ExitCodes.Usage);
        }
        catch (MountRefusedException refusal)
        {
            return ExitCodes.Report(refusal.Message, ExitCodes.MountFailed);
        }
    }
}
