using System.CommandLine;
using Fuse4fs.Ext4;
using Fuse4fs.Ext4.Format;
using Fuse4fs.Inspecting.Images;
using Fuse4fs.Inspecting.Output;
using Fuse4fs.Linux;

namespace Fuse4fs.Inspecting;

/// <summary>The PATH argument: a path inside the image, from its root.</summary>
internal sealed class ImagePath
{
    private readonly Argument<string> _path;

    /// <summary>Adds the argument to a command.</summary>
    /// <param name="command">Gets the argument.</param>
    /// <param name="isOptional">Without it the root is meant.</param>
    public ImagePath(Command command, bool isOptional)
    {
        _path = new Argument<string>("PATH") { Description = "path inside the image, from its root" };
        if (isOptional)
        {
            _path.Arity = ArgumentArity.ZeroOrOne;
            _path.DefaultValueFactory = _ => "/";
        }
        command.Arguments.Add(_path);
    }

    /// <summary>The bytes that were given.</summary>
    public byte[] Bytes(ParseResult parsed) => RawArguments.BytesOf(parsed.GetRequiredValue(_path));

    /// <summary>What is wrong with what the path names.</summary>
    public InspectionException Failure(ParseResult parsed, string what) => new($"{EscapedName.Of(Bytes(parsed))}: {what}");

    /// <summary>Finds what the path names, with its attributes.</summary>
    /// <exception cref="InspectionException">There is nothing.</exception>
    public InodeAttributes Resolve(ParseResult parsed, Volume volume, bool followLast)
    {
        byte[] path = Bytes(parsed);
        InodeAttributes attributes = default;
        Errno error = new PathResolver(volume).Resolve(path, followLast, out InodeNumber number);
        if (error == Errno.Ok)
        {
            error = volume.GetAttributes(number, out attributes);
        }
        return error == Errno.Ok
            ? attributes
            : throw Failure(parsed, ErrnoText.Of(error));
    }
}
