using System.Runtime.InteropServices;
using Fuse4fs.Ext4.Format;

namespace Fuse4fs.Ext4.Quota;

/// <summary>Limits and usage of one user, group or project: 72 bytes. Kernel: struct v2r1_disk_dqblk.</summary>
[StructLayout(LayoutKind.Sequential, Pack = 1)]
internal struct QuotaRecord
{
    /// <summary>Bytes of the structure.</summary>
    public const int SizeBytes = 72;

    public Le32 Id;
    private readonly Le32 _padding;
    public Le64 InodeHardLimit;
    public Le64 InodeSoftLimit;
    public Le64 Inodes;

    /// <summary>In units of 1 KiB.</summary>
    public Le64 SpaceHardLimit;

    /// <summary>In units of 1 KiB.</summary>
    public Le64 SpaceSoftLimit;

    /// <summary>Bytes.</summary>
    public Le64 SpaceBytes;

    /// <summary>dqb_btime: when the soft limit of space becomes a hard one, seconds; 0 while below.</summary>
    public Le64 SpaceDeadline;

    /// <summary>dqb_itime: as <see cref="SpaceDeadline"/>, of inodes.</summary>
    public Le64 InodeDeadline;

    /// <summary>A record of nothing but zeros is an unused one; id 0 without anything is told from it by a deadline of
    /// 1.</summary>
    public const ulong NotUnused = 1;
}
