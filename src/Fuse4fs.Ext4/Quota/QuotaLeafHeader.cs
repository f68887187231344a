using System.Runtime.InteropServices;
using Fuse4fs.Ext4.Format;

namespace Fuse4fs.Ext4.Quota;

/// <summary>Start of a block with records, or of an unused one: 16 bytes. Kernel: struct qt_disk_dqdbheader.</summary>
[StructLayout(LayoutKind.Sequential, Pack = 1)]
internal struct QuotaLeafHeader
{
    /// <summary>Bytes of the structure.</summary>
    public const int SizeBytes = 16;

    /// <summary>dqdh_next_free: next in the list of leaves with room, or of unused blocks; 0 at its end.</summary>
    public Le32 Next;

    /// <summary>dqdh_prev_free: the one before, in the list of leaves with room.</summary>
    public Le32 Previous;

    /// <summary>dqdh_entries: records in use.</summary>
    public Le16 EntryCount;
    private readonly Le16 _padding1;
    private readonly Le32 _padding2;
}
