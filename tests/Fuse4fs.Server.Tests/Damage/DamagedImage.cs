using System.Globalization;
using Fuse4fs.Testing;

namespace Fuse4fs.Server.Tests.Damage;

/// <summary>An image with a tree of which parts were damaged behind everybody's back.</summary>
internal sealed class DamagedImage : IDisposable
{
    private const int BlockBytes = 1024;

    /// <summary>Makes /d with files in it, /f and /g.</summary>
    public DamagedImage(string options = "")
    {
        using var tree = new TemporaryDirectory();
        string directory = tree.CreateSubdirectory("d");
        for (int i = 0; i < 20; i++)
        {
            File.WriteAllText(Path.Combine(directory, "file-with-a-name-" + i), "contents");
        }
        File.WriteAllText(tree.Combine("f"), "contents");
        File.WriteAllText(tree.Combine("g"), "contents");
        Image = new TestImage($"-t ext4 -b {BlockBytes} {options}".TrimEnd(), 32L << 20, tree.Path);
    }

    private DamagedImage(TestImage image) => Image = image;

    public TestImage Image { get; }

    public DamagedImage Copy() => new(Image.Copy());

    /// <summary>The block of a directory or file, by debugfs.</summary>
    public long BlockOf(string path) => long.Parse(
        Debugfs.Read(Image.Path, $"bmap {path} 0").Split('\n')[^2].Trim(), CultureInfo.InvariantCulture);

    /// <summary>The number of an inode, by debugfs.</summary>
    public long InodeOf(string path) => long.Parse(
        Debugfs.Read(Image.Path, $"stat {path}").Split("Inode: ")[1].Split(' ')[0], CultureInfo.InvariantCulture);

    /// <summary>Changes bytes in the middle of the block of a directory, whose checksum is wrong then.</summary>
    public void DamageDirectory(string path)
    {
        using FileStream stream = File.OpenWrite(Image.Path);
        stream.Position = (BlockOf(path) * BlockBytes) + 500;
        stream.Write([0x77, 0x77, 0x77]);
    }

    /// <summary>Changes an inode without renewing its checksum.</summary>
    public void DamageInode(string path)
    {
        string place = Debugfs.Read(Image.Path, $"imap {path}");   // located at block 67, offset 0x0500
        long block = long.Parse(place.Split("at block ")[1].Split(',')[0], CultureInfo.InvariantCulture);
        long offset = Convert.ToInt64(place.Split("offset 0x")[1].Trim(), 16);
        using FileStream stream = File.OpenWrite(Image.Path);
        stream.Position = (block * BlockBytes) + offset + 4;         // i_size
        stream.Write([0x99]);
    }

    /// <summary>What dumpe2fs says of a key.</summary>
    public string Header(string key) => Tool.Check("dumpe2fs", "-h", Image.Path).Split('\n')
        .FirstOrDefault(line => line.StartsWith(key + ":", StringComparison.Ordinal))?[(key.Length + 1)..].Trim() ?? "";

    public void Dispose() => Image.Dispose();
}
