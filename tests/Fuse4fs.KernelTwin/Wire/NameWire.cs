using System.Runtime.CompilerServices;
using System.Runtime.InteropServices;

namespace Fuse4fs.KernelTwin.Wire;

/// <summary>Requests about names, extended attributes and the file system as a whole.</summary>
public static class NameWire
{
    /// <summary>struct fuse_mknod_in, 16 bytes; then the name.</summary>
    [StructLayout(LayoutKind.Sequential, Pack = 8)]
    public struct MknodIn
    {
        public uint Mode;
        public uint Rdev;
        public uint Umask;
        public uint Padding;
    }

    /// <summary>struct fuse_mkdir_in, 8 bytes; then the name.</summary>
    [StructLayout(LayoutKind.Sequential, Pack = 8)]
    public struct MkdirIn
    {
        public uint Mode;
        public uint Umask;
    }

    /// <summary>struct fuse_rename2_in, 16 bytes; then two names. RENAME has the first word only.</summary>
    [StructLayout(LayoutKind.Sequential, Pack = 8)]
    public struct Rename2In
    {
        public ulong NewDirectory;
        public uint Flags;
        public uint Padding;
    }

    /// <summary>struct fuse_setxattr_in, 16 bytes with INIT bit 29, else the first 8; then name and value.</summary>
    [StructLayout(LayoutKind.Sequential, Pack = 8)]
    public struct SetxattrIn
    {
        public uint Size;
        public uint Flags;
        public uint SetxattrFlags;
        public uint Padding;
    }

    /// <summary>struct fuse_getxattr_in and _out, 8 bytes.</summary>
    [StructLayout(LayoutKind.Sequential, Pack = 8)]
    public struct XattrSize
    {
        public uint Size;
        public uint Padding;
    }

    /// <summary>struct fuse_dirent, 24 bytes; then the name, padded to a multiple of 8.</summary>
    [StructLayout(LayoutKind.Sequential, Pack = 8)]
    public struct Dirent
    {
        public ulong Ino;
        public ulong Offset;
        public uint NameLength;
        public uint Type;
    }

    /// <summary>struct fuse_kstatfs, 80 bytes.</summary>
    [StructLayout(LayoutKind.Sequential, Pack = 8)]
    public struct Statfs
    {
        public ulong Blocks;
        public ulong FreeBlocks;
        public ulong AvailableBlocks;
        public ulong Files;
        public ulong FreeFiles;
        public uint BlockSize;
        public uint NameLength;
        public uint FragmentSize;
        public uint Padding;
        public SixWords Spare;
    }

    /// <summary>Unused words.</summary>
    [InlineArray(6)]
    public struct SixWords
    {
        private uint _first;
    }
}
