using System.Globalization;
using Fuse4fs.Testing.Native;

namespace Fuse4fs.Testing.Images;

/// <summary>What goes into images, by the names the recipes use.</summary>
public static class Fillers
{
    private const int NoSpace = 28;

    /// <summary>Fills a mounted tree, or one that mke2fs -d will copy.</summary>
    public static void Fill(string name, FillTarget target)
    {
        ArgumentNullException.ThrowIfNull(target);
        switch (name)
        {
            case "tree":
                FileFiller.Fill(target.Subdirectory("files"));
                SparseFiller.Fill(target.Subdirectory("sparse"));
                NameFiller.Fill(target.Subdirectory("names"));
                AttributeFiller.Fill(target.Subdirectory("attributes"));
                XattrFiller.Fill(target.Subdirectory("xattrs"));
                DirectoryFiller.Fill(target.Subdirectory("directories"));
                break;
            case "many":
                DirectoryFiller.FillMany(target.Subdirectory("many"), 10_000);
                break;
            case "links":
                DirectoryFiller.FillWithLinks(target.Subdirectory("links"), 2000, nameBytes: 200);
                break;
            case "deep-index":
                DirectoryFiller.FillWithLinks(target.Subdirectory("deep"), 48_000, nameBytes: 250);
                break;
            case "big-xattrs":
                XattrFiller.FillBig(target.Subdirectory("big-xattrs"));
                break;
            case "encrypted":
                FillEncrypted(target.Subdirectory("encrypted"));
                break;
            case "project" or "verity" or "casefold":
                OfflineFiller.Stage(name, target);
                break;
            default:
                throw new OracleException($"images/recipes.ini names an unknown filler: {name}");
        }
    }

    /// <summary>The second part of fillers that need debugfs.</summary>
    public static void FillOffline(string name, string image)
    {
        if (name is "project" or "verity" or "casefold")
        {
            OfflineFiller.Finish(name, image);
        }
    }

    /// <summary>Mounted with test_dummy_encryption: whatever is new gets encrypted.</summary>
    private static void FillEncrypted(FillTarget target)
    {
        for (int index = 0; index < 50; index++)
        {
            string name = string.Create(CultureInfo.InvariantCulture, $"{index}-{new string('e', index * 4)}");
            target.File(name, index * 300);
        }
        byte[] destination = new byte[200];
        destination.AsSpan().Fill((byte)'t');
        FillTarget.Require(Posix.MakeSymlink(destination, target.At("long-link")), "symlink", target.Root, NoSpace);
        FillTarget.Require(Posix.MakeSymlink("short"u8, target.At("short-link")), "symlink", target.Root);
        target.Subdirectory("inner").File("file", 5000);
    }
}
