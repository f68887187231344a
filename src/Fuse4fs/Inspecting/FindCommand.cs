using System.CommandLine;
using System.Text;
using Fuse4fs.Ext4;
using Fuse4fs.Ext4.Directories;
using Fuse4fs.Ext4.Format;
using Fuse4fs.Inspecting.Images;
using Fuse4fs.Inspecting.Output;
using Fuse4fs.Linux;

namespace Fuse4fs.Inspecting;

/// <summary>fuse4fs find IMAGE [PATH]: every name below a directory.</summary>
internal static class FindCommand
{
    public static Command Create()
    {
        var command = new Command("find", "Lists every name below a directory.");
        var image = new ImageArguments();
        image.AddTo(command);
        var path = new ImagePath(command, isOptional: true);
        var details = new Option<bool>("--long", "-l") { Description = "with attributes, in the manner of ls -l" };
        var asJson = new Option<bool>("--json") { Description = "one JSON object with attributes per line" };
        var withZeros = new Option<bool>("--print0", "-0") { Description = "unescaped, each ended by a zero byte" };
        command.Options.Add(details);
        command.Options.Add(asJson);
        command.Options.Add(withZeros);
        command.SetAction(parsed => InspectingCommands.OnImage(image, parsed, opened =>
        {
            InodeAttributes start = path.Resolve(parsed, opened.Volume, followLast: true);
            byte[] prefix = path.Bytes(parsed).AsSpan().Trim((byte)'/').ToArray();
            using Stream output = RawOutput.OpenStandard();
            NameLine? line = parsed.GetValue(asJson) || parsed.GetValue(details)
                ? new NameLine(opened.Volume, output, parsed.GetValue(asJson))
                : null;
            if (start.Kind == FileKind.Directory)
            {
                Walk(opened, start.Number, prefix, (walk, mayBeDirectory) => line is not null
                    ? ListCommand.Show(opened, walk, line)
                    : ShowPath(opened, walk, mayBeDirectory, output, parsed.GetValue(withZeros)));
            }
            else if (line is not null)
            {
                line.Write(prefix, in start);
            }
            else
            {
                WritePath(prefix, output, parsed.GetValue(withZeros));
            }
        }));
        return command;
    }

    private static void Walk(
        OpenedImage image, InodeNumber start, byte[] prefix, Func<TreeWalk, bool, bool> isShownDirectory)
    {
        var walk = new TreeWalk(image.Volume, start, prefix, image.Problems);
        while (walk.MoveNext())
        {
            bool mayBeDirectory = walk.Type is DirectoryFileType.Directory or DirectoryFileType.Unknown;
            if (isShownDirectory(walk, mayBeDirectory))
            {
                walk.Enter();
            }
        }
    }

    private static void WritePath(ReadOnlySpan<byte> path, Stream output, bool withZeros)
    {
        if (withZeros)
        {
            output.Write(path);
            output.WriteByte(0);
        }
        else
        {
            output.Write(Encoding.UTF8.GetBytes(EscapedName.Of(path)));
            output.WriteByte((byte)'\n');
        }
    }

    private static bool ShowPath(OpenedImage image, TreeWalk walk, bool mayBeDirectory, Stream output, bool withZeros)
    {
        WritePath(walk.Path, output, withZeros);
        if (!mayBeDirectory)
        {
            return false;
        }
        try
        {
            Errno error = image.Volume.GetAttributes(walk.Inode, out InodeAttributes attributes);
            if (error != Errno.Ok)
            {
                image.Problems.Report(walk.Path, error);
            }
            return error == Errno.Ok && attributes.Kind == FileKind.Directory;
        }
        catch (Exception failure) when (Problems.IsOfImage(failure))
        {
            image.Problems.Report(walk.Path, failure);
            return false;
        }
    }
}
