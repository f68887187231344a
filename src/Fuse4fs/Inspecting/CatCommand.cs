using System.CommandLine;
using Fuse4fs.Ext4;
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
            using Stream output = StandardOutput.Open();
            Copy(opened.Volume, in attributes, output);
        }));
        return command;
    }

    private static void Copy(Volume volume, in InodeAttributes attributes, Stream output)
    {
        byte[] buffer = new byte[(int)Math.Clamp(attributes.SizeBytes, 1, ChunkBytes)];
        for (long offset = 0; ; )
        {
            Errno error = volume.Read(attributes.Number, offset, buffer, out int count);
            if (error != Errno.Ok)
            {
                throw new InspectionException(ErrnoText.Of(error));
            }
            if (count == 0)
            {
                return;
            }
            output.Write(buffer, 0, count);
            offset += count;
        }
    }
}
