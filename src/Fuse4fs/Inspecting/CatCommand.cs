using System.CommandLine;
using Fuse4fs.Ext4;
using Fuse4fs.Ext4.Format;
using Fuse4fs.Inspecting.Images;
using Fuse4fs.Inspecting.Output;
using Fuse4fs.Linux;

namespace Fuse4fs.Inspecting;

/// <summary>fuse4fs cat IMAGE PATH: a file's contents.</summary>
internal static class CatCommand
{
    private const int ChunkBytes = 1 << 20;

    public static Command Create()
    {
        var command = new Command("cat", "Writes a file's contents to standard output.");
        var image = new ImageArguments();
        image.AddTo(command);
        var path = new ImagePath(command, isOptional: false);
        command.SetAction(parsed => InspectingCommands.OnImage(image, parsed, opened =>
        {
            InodeAttributes attributes = path.Resolve(parsed, opened.Volume, followLast: true);
            if (attributes.Kind != FileKind.Regular)
            {
                throw path.Failure(parsed, attributes.Kind == FileKind.Directory
                    ? ErrnoText.Of(Errno.IsDirectory)
                    : "not a regular file");
            }
            using Stream output = RawOutput.OpenStandard();
            Errno error = Copy(opened.Volume, in attributes, output);
            if (error != Errno.Ok)
            {
                throw path.Failure(parsed, ErrnoText.Of(error));
            }
        }));
        return command;
    }

    private static Errno Copy(Volume volume, in InodeAttributes attributes, Stream output)
    {
        byte[] buffer = new byte[(int)Math.Clamp(attributes.SizeBytes, 1, ChunkBytes)];
        for (long offset = 0; ; )
        {
            Errno error = volume.Read(attributes.Number, offset, buffer, out int count);
            if (error != Errno.Ok || count == 0)
            {
                return error;
            }
            output.Write(buffer, 0, count);
            offset += count;
        }
    }
}
