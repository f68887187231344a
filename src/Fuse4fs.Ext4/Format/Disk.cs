using System.Runtime.CompilerServices;
using System.Runtime.InteropServices;

namespace Fuse4fs.Ext4.Format;

/// <summary>Views on-disk structures in place.</summary>
public static class Disk
{
    /// <summary>Views T in place, without a copy. The offset mostly comes from the image: it is checked here.</summary>
    /// <exception cref="Ext4CorruptException">T does not fit in the block.</exception>
    public static ref T At<T>(Span<byte> block, int offset) where T : unmanaged
    {
        if ((uint)offset > (uint)block.Length || block.Length - offset < Unsafe.SizeOf<T>())
        {
            Ext4CorruptException.Throw(Corruption.StructureOutOfBlock, typeof(T).Name);
        }
        return ref Unsafe.As<byte, T>(ref Unsafe.Add(ref MemoryMarshal.GetReference(block), offset));
    }

    /// <summary>As <see cref="At{T}(Span{byte},int)"/>, for reading.</summary>
    /// <exception cref="Ext4CorruptException">T does not fit in the block.</exception>
    public static ref readonly T At<T>(ReadOnlySpan<byte> block, int offset) where T : unmanaged
    {
        if ((uint)offset > (uint)block.Length || block.Length - offset < Unsafe.SizeOf<T>())
        {
            Ext4CorruptException.Throw(Corruption.StructureOutOfBlock, typeof(T).Name);
        }
        return ref Unsafe.As<byte, T>(ref Unsafe.Add(ref MemoryMarshal.GetReference(block), offset));
    }
}
