using Fuse4fs.Testing;

namespace Fuse4fs.Ext4.Tests.Allocation;

/// <summary>What a disk may hold before mke2fs.</summary>
internal static class Rubbish
{
    /// <summary>Overwrites ranges of blocks.</summary>
    public static void Fill(TestImage image, IEnumerable<(ulong First, ulong End)> ranges, int blockSize)
    {
        byte[] rubbish = new byte[blockSize];
        Array.Fill(rubbish, (byte)0xA5);
        using FileStream file = File.OpenWrite(image.Path);
        foreach ((ulong first, ulong end) in ranges)
        {
            for (ulong block = first; block < end; block++)
            {
                file.Seek((long)block * blockSize, SeekOrigin.Begin);
                file.Write(rubbish);
            }
        }
    }
}
