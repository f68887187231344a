using Fuse4fs.Ext4;
using Fuse4fs.Ext4.Format;
using Fuse4fs.Ext4.Storage;
using Fuse4fs.Inspecting.Output;
using Fuse4fs.Linux;

namespace Fuse4fs.Inspecting.Images;

/// <summary>A volume opened for looking: nothing is ever written, a dirty journal is replayed in memory. Other users
/// are not locked out, so an image that is being written may look inconsistent.</summary>
internal sealed class OpenedImage : IDisposable
{
    private OpenedImage(Volume volume, long offsetBytes, Problems problems)
    {
        Volume = volume;
        OffsetBytes = offsetBytes;
        Problems = problems;
    }

    /// <summary>The volume, read-only.</summary>
    public Volume Volume { get; }

    /// <summary>Where the file system starts in the image.</summary>
    public long OffsetBytes { get; }

    /// <summary>Where damage is reported, and whether there was any.</summary>
    public Problems Problems { get; }

    /// <summary>Opens.</summary>
    /// <exception cref="InspectionException">It cannot be read or is no ext2, ext3 or ext4.</exception>
    public static OpenedImage Open(ImageOptions options)
    {
        ImageFile image = OpenFile(options.Path, options.OffsetBytes);
        var problems = new Problems();
        try
        {
            var volume = Volume.Open(image, new VolumeOptions
            {
                ReadOnly = true,
                LoadJournal = options.LoadJournal,
                SuperblockNumber = options.SuperblockNumber,
                JournalDevice = options.JournalPath is string path ? OpenFile(path, 0) : null,
                Events = problems,
            });
            return new OpenedImage(volume, options.OffsetBytes, problems);
        }
        catch (VolumeRefusedException refusal)
        {
            throw new InspectionException($"{options.Path}: {refusal.Message}", refusal);
        }
    }

    /// <inheritdoc/>
    public void Dispose() => Volume.Dispose();

    private static ImageFile OpenFile(string path, long offsetBytes)
    {
        Errno error = ImageFile.Open(path, isReadOnly: true, offsetBytes, isExclusive: false, out ImageFile? image);
        return error switch
        {
            Errno.Ok => image!,
            Errno.Invalid => throw new InspectionException($"{path}: the offset lies beyond its end"),
            _ => throw new InspectionException($"{path}: {ErrnoText.Of(error)}"),
        };
    }
}
