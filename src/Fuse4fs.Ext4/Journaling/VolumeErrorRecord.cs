using System.Text;
using Fuse4fs.Ext4.Format;
using Fuse4fs.Linux;

namespace Fuse4fs.Ext4.Journaling;

/// <summary>One failure as the superblock remembers it.</summary>
/// <param name="Error">EUCLEAN, EIO...</param>
/// <param name="Inode">The inode concerned, or none.</param>
/// <param name="Block">The block concerned, or 0.</param>
/// <param name="Function">Which function found it; ASCII, cut at 31 characters.</param>
/// <param name="Line">Its source line, or 0.</param>
/// <param name="When">The time.</param>
/// <remarks>Docs: ext4/super, s_error_count and following. Kernel: save_error_info, ext4_errno_to_code.</remarks>
public readonly record struct VolumeErrorRecord(
    Errno Error, InodeNumber Inode, FsBlock Block, string Function, int Line, DateTimeOffset When)
{
    private const byte CodeUnknown = 1;
    private const byte CodeInputOutput = 2;
    private const byte CodeNoMemory = 3;
    private const byte CodeBadChecksum = 4;
    private const byte CodeCorrupted = 5;
    private const byte CodeNoSpace = 6;
    private const byte CodeReadOnly = 8;

    private byte Code => Error switch
    {
        Errno.InputOutput => CodeInputOutput,
        Errno.NoMemory => CodeNoMemory,
        Errno.BadMessage => CodeBadChecksum,
        Errno.Corrupted => CodeCorrupted,
        Errno.NoSpace => CodeNoSpace,
        Errno.ReadOnly => CodeReadOnly,
        _ => CodeUnknown,
    };

    private (uint Low, byte High) Time
    {
        get
        {
            long seconds = When.ToUnixTimeSeconds();
            return ((uint)(seconds & uint.MaxValue), (byte)((seconds >> 32) & 0xFF));
        }
    }

    /// <summary>Enters the failure as the latest one.</summary>
    internal void StoreLast(ref Superblock super)
    {
        (super.LastErrorTimeLow, super.LastErrorTimeHigh) = Time;
        super.LastErrorInode = Inode.Value;
        super.LastErrorBlock = Block.Value;
        super.LastErrorLine = (uint)Line;
        super.LastErrorCode = Code;
        StoreName(super.LastErrorFunction);
    }

    /// <summary>Enters the failure as the first one, unless there was one before.</summary>
    internal void StoreFirst(ref Superblock super)
    {
        if (super.FirstErrorTimeLow != 0 || super.FirstErrorTimeHigh != 0)
        {
            return;
        }
        (super.FirstErrorTimeLow, super.FirstErrorTimeHigh) = Time;
        super.FirstErrorInode = Inode.Value;
        super.FirstErrorBlock = Block.Value;
        super.FirstErrorLine = (uint)Line;
        super.FirstErrorCode = Code;
        StoreName(super.FirstErrorFunction);
    }

    private void StoreName(Span<byte> field)
    {
        field.Clear();
        string name = Function.Length < field.Length ? Function : Function[..(field.Length - 1)];
        Encoding.ASCII.GetBytes(name, field);
    }
}
