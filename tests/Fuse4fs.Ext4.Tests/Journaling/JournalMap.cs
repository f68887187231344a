using System.Runtime.InteropServices;
using Fuse4fs.Ext4.Format;
using Fuse4fs.Ext4.Journaling;
using Fuse4fs.Ext4.Storage;
using Fuse4fs.Testing;

namespace Fuse4fs.Ext4.Tests.Journaling;

/// <summary>Finds an image's journal without the engine's maps: by debugfs.</summary>
internal static class JournalMap
{
    public static Superblock ReadSuperblock(IBlockDevice device)
    {
        byte[] bytes = new byte[Superblock.SizeBytes];
        device.Read(Superblock.PrimaryOffsetBytes, bytes);
        return MemoryMarshal.Read<Superblock>(bytes);
    }

    public static Geometry ReadGeometry(IBlockDevice device) =>
        Geometry.Decode(ReadSuperblock(device), Superblock.PrimaryOffsetBytes, device.LengthBytes);

    /// <summary>The journal inode's blocks, as runs: "(0-11):8193-8204, (IND):8205, (12-267):8206-8461, ..."</summary>
    public static List<LogRun> RunsOf(string image)
    {
        var runs = new List<LogRun>();
        foreach (string word in Debugfs.Read(image, "stat <8>")
            .Split([',', ' ', '\n'], StringSplitOptions.RemoveEmptyEntries))
        {
            int colon = word.IndexOf(':', StringComparison.Ordinal);
            if (word[0] == '(' && colon > 2 && char.IsAsciiDigit(word[1]))
            {
                string[] logical = word[1..(colon - 1)].Split('-');
                string[] physical = word[(colon + 1)..].Split('-');
                runs.Add(new LogRun(
                    uint.Parse(logical[0]), new FsBlock(ulong.Parse(physical[0])),
                    uint.Parse(logical[^1]) - uint.Parse(logical[0]) + 1));
            }
        }
        return runs;
    }

    public static JournalSource Open(string image, IBlockDevice device) =>
        JournalSource.OpenInternal(device, ReadGeometry(device).BlockSizeBytes, RunsOf(image));
}
