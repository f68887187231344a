using System.Text;
using Fuse4fs.Ext4.Format;
using Fuse4fs.Linux;

namespace Fuse4fs.Ext4.Journaling;

/// <summary>One failure as the superblock remembers it.</summary>
/// <param name="Error">EUCLEAN, EIO...</param>
/// <param name="Inode">The inode concerned, or none.</param>
/// <param name="Block">The block concerned, or 0.</param>
/// <param name="Where">Which check or operation; ASCII, cut at 31 characters.</param>
/// <param name="When">The time.</param>
/// <remarks>Docs: ext4/super, s_error_count and following. Kernel: save_error_info.</remarks>
public readonly record struct VolumeErrorRecord(
    Errno Error, InodeNumber Inode, FsBlock Block, string Where, DateTimeOffset When)
{
    private const byte CodeUnknown = 1;
    private const byte CodeInputOutput = 2;
    private const byte CodeCorrupted = 5;

    /// <summary>Enters the failure as the latest one, and as the first when there was none.</summary>
    internal void Store(ref Superblock super)
    {
        long seconds = When.ToUnixTimeSeconds();
        uint low = (uint)(seconds & uint.MaxValue);
        byte high = (byte)((seconds >> 32) & 0xFF);
        byte code = Error switch
        {
            Errno.InputOutput => CodeInputOutput,
            Errno.Corrupted => CodeCorrupted,
            _ => CodeUnknown,
        };
        super.State = (ushort)(super.State | (ushort)VolumeStates.Errors);
        super.LastErrorTimeLow = low;
        super.LastErrorTimeHigh = high;
        super.LastErrorInode = Inode.Value;
        super.LastErrorBlock = Block.Value;
        super.LastErrorLine = 0;
        super.LastErrorCode = code;
        StoreName(super.LastErrorFunction);
        if (super.FirstErrorTimeLow == 0 && super.FirstErrorTimeHigh == 0)
        {
            super.FirstErrorTimeLow = low;
            super.FirstErrorTimeHigh = high;
            super.FirstErrorInode = Inode.Value;
            super.FirstErrorBlock = Block.Value;
            super.FirstErrorLine = 0;
            super.FirstErrorCode = code;
            StoreName(super.FirstErrorFunction);
        }
        super.ErrorCount = super.ErrorCount == uint.MaxValue ? uint.MaxValue : super.ErrorCount + 1;
    }

    private void StoreName(Span<byte> field)
    {
        field.Clear();
        string name = Where.Length < field.Length ? Where : Where[..(field.Length - 1)];
        Encoding.ASCII.GetBytes(name, field);
    }
}
