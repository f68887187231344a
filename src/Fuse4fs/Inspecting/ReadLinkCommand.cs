using System.CommandLine;
using Fuse4fs.Ext4;
using Fuse4fs.Ext4.Format;
using Fuse4fs.Inspecting.Images;
using Fuse4fs.Inspecting.Output;
using Fuse4fs.Linux;

namespace Fuse4fs.Inspecting;

/// <summary>fuse4fs readlink IMAGE PATH: where a symbolic link leads.</summary>
internal static class ReadLinkCommand
{
    public static Command Create()
    {
        var command = new Command("readlink", "Writes a symbolic link's target.");
        var image = new ImageArguments();
        image.AddTo(command);
        var path = new ImagePath(command, isOptional: false);
        command.SetAction(parsed => InspectingCommands.OnImage(image, parsed, opened =>
        {
            InodeAttributes attributes = path.Resolve(parsed, opened.Volume, followLast: false);
            if (attributes.Kind != FileKind.Symlink)
            {
                throw path.Failure(parsed, "not a symbolic link");
            }
            byte[] target = new byte[Limits.MostTargetBytes];
            Errno error = opened.Volume.ReadLink(attributes.Number, target, out int length);
            if (error != Errno.Ok)
            {
                throw path.Failure(parsed, ErrnoText.Of(error));
            }
            using Stream output = RawOutput.OpenStandard();
            output.Write(target, 0, length);
            output.WriteByte((byte)'\n');
        }));
        return command;
    }
}
