using Fuse4fs.Ext4.Format;

namespace Fuse4fs.Server.Iomap;

/// <summary>A request changes where a file's data is: from before it does so until its reply is out, nobody tells the
/// kernel of the file's map. Ended by <see cref="IomapVolume.Leave"/> behind the reply, or by whoever replies
/// later.</summary>
internal readonly struct IomapChange(IomapFile? file) : IDisposable
{
    /// <summary>Nothing is kept in the kernel by mappings.</summary>
    public static IomapChange None => default;

    public void Dispose() => file?.Uploads.LeaveChange();
}
