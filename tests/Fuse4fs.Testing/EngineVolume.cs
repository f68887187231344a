using Fuse4fs.Ext4;
using Fuse4fs.Ext4.Storage;
using Fuse4fs.Linux;

namespace Fuse4fs.Testing;

/// <summary>Opens volumes of test images through the engine.</summary>
public static class EngineVolume
{
    /// <summary>Read-only.</summary>
    public static Volume OpenReadOnly(TestImage image, bool loadJournal = true)
    {
        ArgumentNullException.ThrowIfNull(image);
        return Volume.Open(Device(image.Path, isReadOnly: true), new VolumeOptions
        {
            ReadOnly = true,
            LoadJournal = loadJournal,
            JournalDevice = image.JournalPath is { } journal ? Device(journal, isReadOnly: true) : null,
        });
    }

    /// <summary>A file as a device.</summary>
    public static IBlockDevice Device(string path, bool isReadOnly)
    {
        Errno error = ImageFile.Open(path, isReadOnly, offsetBytes: 0, isExclusive: false, out ImageFile? file);
        return error == Errno.Ok ? file! : throw new OracleException($"{path}: {error}");
    }
}
