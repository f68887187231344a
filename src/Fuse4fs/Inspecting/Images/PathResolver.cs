using Fuse4fs.Ext4;
using Fuse4fs.Ext4.Format;
using Fuse4fs.Linux;

namespace Fuse4fs.Inspecting.Images;

/// <summary>Follows a path inside an image from its root. Symbolic links stay inside the image.</summary>
internal sealed class PathResolver(Volume volume)
{
    private const int MaximumSymlinks = 40;

    /// <summary>Finds what a path names.</summary>
    /// <param name="path">With or without a leading slash.</param>
    /// <param name="followLast">Whether a symbolic link at the end is followed too.</param>
    /// <param name="number">Valid only with Ok.</param>
    /// <returns>NoEntry, NotDirectory, NameTooLong, TooManySymlinks, or Ok.</returns>
    public Errno Resolve(ReadOnlySpan<byte> path, bool followLast, out InodeNumber number)
    {
        var places = new List<InodeNumber> { InodeNumber.Root };
        byte[] rest = path.ToArray();
        int symlinks = 0;
        number = InodeNumber.Root;
        while (TakeName(ref rest, out ReadOnlySpan<byte> name, out bool isLast))
        {
            if (name.SequenceEqual("."u8))
            {
                continue;
            }
            if (name.SequenceEqual(".."u8))
            {
                places.RemoveRange(Math.Max(1, places.Count - 1), places.Count > 1 ? 1 : 0);
                continue;
            }
            Errno error = volume.Lookup(places[^1], name, out InodeNumber child);
            if (error != Errno.Ok || (error = volume.GetAttributes(child, out InodeAttributes attributes)) != Errno.Ok)
            {
                return error;
            }
            if (attributes.Kind != FileKind.Symlink || (isLast && !followLast))
            {
                places.Add(child);
                continue;
            }
            if (++symlinks > MaximumSymlinks)
            {
                return Errno.TooManySymlinks;
            }
            error = Splice(child, ref rest, places);
            if (error != Errno.Ok)
            {
                return error;
            }
        }
        number = places[^1];
        return Errno.Ok;
    }

    private static bool TakeName(ref byte[] rest, out ReadOnlySpan<byte> name, out bool isLast)
    {
        ReadOnlySpan<byte> trimmed = rest.AsSpan().TrimStart((byte)'/');
        int end = trimmed.IndexOf((byte)'/');
        name = end < 0 ? trimmed : trimmed[..end];
        // A slash behind the last name asks for what it leads to.
        isLast = end < 0;
        rest = end < 0 ? [] : trimmed[end..].ToArray();
        return !name.IsEmpty;
    }

    private Errno Splice(InodeNumber link, ref byte[] rest, List<InodeNumber> places)
    {
        byte[] target = new byte[Limits.MostTargetBytes];
        Errno error = volume.ReadLink(link, target, out int length);
        if (error != Errno.Ok)
        {
            return error;
        }
        if (length > 0 && target[0] == (byte)'/')
        {
            places.RemoveRange(1, places.Count - 1);
        }
        rest = [.. target.AsSpan(0, length), .. rest];
        return Errno.Ok;
    }
}
