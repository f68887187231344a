using System.Runtime.InteropServices;

namespace Fuse4fs.KernelTwin.Wire;

/// <summary>What stands at the front of every message.</summary>
public static class HeaderWire
{
    /// <summary>struct fuse_in_header, 40 bytes. Pid is 0 only for a few requests the kernel makes by itself.</summary>
    [StructLayout(LayoutKind.Sequential, Pack = 8)]
    public struct RequestHead
    {
        public uint Length;
        public uint Opcode;
        public ulong Unique;
        public ulong NodeId;
        public uint Uid;
        public uint Gid;
        public uint Pid;
        public ushort ExtensionLength;
        public ushort Padding;
    }

    /// <summary>struct fuse_out_header, 16 bytes. Error is 0 or a negative errno; positive with Unique 0: a
    /// notification's code.</summary>
    [StructLayout(LayoutKind.Sequential, Pack = 8)]
    public struct ReplyHead
    {
        public uint Length;
        public int Error;
        public ulong Unique;
    }
}
