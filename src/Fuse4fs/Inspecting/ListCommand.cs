using System.CommandLine;
using System.Globalization;
using System.Text;
using System.Text.Json;
using Fuse4fs.Ext4;
using Fuse4fs.Ext4.Format;
using Fuse4fs.Inspecting.Images;
using Fuse4fs.Inspecting.Output;
using Fuse4fs.Linux;

namespace Fuse4fs.Inspecting;

/// <summary>fuse4fs ls IMAGE [PATH]: a directory's names with their attributes.</summary>
internal static class ListCommand
{
    public static Command Create()
    {
        var command = new Command("ls", "Lists a directory, or shows one file, in the manner of ls -l.");
        var image = new ImageArguments();
        image.AddTo(command);
        var path = new ImagePath(command, isOptional: true);
        var asJson = new Option<bool>("--json") { Description = "one JSON object per line" };
        command.Options.Add(asJson);
        command.SetAction(parsed => InspectingCommands.OnImage(image, parsed, opened =>
        {
            InodeAttributes attributes = path.Resolve(parsed, opened.Volume, followLast: true);
            using Stream output = RawOutput.OpenStandard();
            var line = new NameLine(opened.Volume, output, parsed.GetValue(asJson));
            if (attributes.Kind != FileKind.Directory)
            {
                line.Write(path.Bytes(parsed), in attributes);
                return;
            }
            var walk = new TreeWalk(opened.Volume, attributes.Number, [], opened.Problems);
            while (walk.MoveNext())
            {
                Show(opened, walk, line);
            }
        }));
        return command;
    }

    /// <summary>One name of a walk, or what is wrong with it.</summary>
    public static bool Show(OpenedImage image, TreeWalk walk, NameLine line)
    {
        try
        {
            Errno error = image.Volume.GetAttributes(walk.Inode, out InodeAttributes attributes);
            if (error == Errno.Ok)
            {
                line.Write(walk.Path, in attributes);
                return attributes.Kind == FileKind.Directory;
            }
            image.Problems.Report(walk.Path, error);
        }
        catch (Exception failure) when (Problems.IsOfImage(failure))
        {
            image.Problems.Report(walk.Path, failure);
        }
        return false;
    }
}
