using System.Runtime.InteropServices;

namespace Fuse4fs.Linux;

/// <summary>struct statx: 256 bytes, the same on every architecture.</summary>
[StructLayout(LayoutKind.Sequential, Size = 256)]
public struct FileStatus
{
    /// <summary>STATX_BASIC_STATS.</summary>
    public const uint BasicMask = 0x7ff;

    /// <summary>S_IFMT and the values under it.</summary>
    public const int TypeMask = 0xf000, Directory = 0x4000, BlockDevice = 0x6000, Regular = 0x8000;

    public uint Mask;
    public uint BlockSizeBytes;
    public ulong Attributes;
    public uint Links;
    public uint UserId;
    public uint GroupId;

    /// <summary>stx_mode: type and permission bits.</summary>
    public ushort Mode;
    private readonly ushort _spare0;
    public ulong Inode;
    public ulong SizeBytes;

    /// <summary>Units of 512 bytes.</summary>
    public ulong Blocks512;
    public ulong AttributesMask;
    public long AccessSeconds;
    public uint AccessNanoseconds;
    private readonly int _spare1;
    public long BirthSeconds;
    public uint BirthNanoseconds;
    private readonly int _spare2;
    public long ChangeSeconds;
    public uint ChangeNanoseconds;
    private readonly int _spare3;
    public long ModifySeconds;
    public uint ModifyNanoseconds;
    private readonly int _spare4;

    /// <summary>Of a device node: which device it stands for.</summary>
    public uint RawDeviceMajor;
    public uint RawDeviceMinor;

    /// <summary>The device of the file system that holds it.</summary>
    public uint DeviceMajor;
    public uint DeviceMinor;

    public readonly int FileType => Mode & TypeMask;

    /// <summary>The same file, whatever path led to it.</summary>
    public readonly bool IsSameFile(in FileStatus other) =>
        Inode == other.Inode && DeviceMajor == other.DeviceMajor && DeviceMinor == other.DeviceMinor;
}
