using System.Globalization;
using Fuse4fs.Testing;

namespace Fuse4fs.Inspecting.Tests.Hostile;

/// <summary>A tree with one of everything that has a structure of its own on disk.</summary>
internal static class SeedTree
{
    private const int Names = 150;
    private const int Fragments = 400;

    /// <summary>Fills an empty directory.</summary>
    public static void Fill(string root)
    {
        string At(string name) => Path.Combine(root, name);
        File.WriteAllBytes(At("plain"), Pattern(5000));
        File.WriteAllBytes(At("tiny"), Pattern(40));
        File.WriteAllBytes(At("empty"), []);
        File.WriteAllBytes(At("blocks"), Pattern(300_000));
        Directory.CreateDirectory(At("plain-directory/inner/deepest"));
        File.WriteAllBytes(At("plain-directory/inner/deepest/leaf"), Pattern(100));
        Tool.Check("ln", At("plain"), At("plain-directory/hard"));
        Tool.Check("ln", "-s", "plain", At("fast"));
        Tool.Check("ln", "-s", new string('t', 200), At("slow"));
        Tool.Check("mkfifo", At("fifo"));
        Directory.CreateDirectory(At("many"));
        for (int i = 0; i < Names; i++)
        {
            string name = string.Create(CultureInfo.InvariantCulture, $"a-name-of-some-length-{i:000}");
            File.WriteAllBytes(At("many/" + name), i % 10 == 0 ? Pattern(100) : []);
        }
        Fragment(At("fragments"));
        Tool.Run("setfattr", "-n", "user.short", "-v", "value", At("plain"));
        Tool.Run("setfattr", "-n", "user.long", "-v", new string('v', 700), At("plain"));
        Tool.Run("setfattr", "-n", "user.other", "-v", new string('w', 300), At("plain-directory"));
        Tool.Run("setfacl", "-m", "u:1000:rw,g:1001:r", At("blocks"));
    }

    /// <summary>Bytes that are neither zeros nor all alike.</summary>
    public static byte[] Pattern(int length)
    {
        byte[] bytes = new byte[length];
        for (int i = 0; i < length; i++)
        {
            bytes[i] = (byte)((i * 7) + (i >> 8) + 1);
        }
        return bytes;
    }

    /// <summary>Data and holes by turns: as many extents as pieces, so that the map has a tree or indirect
    /// blocks.</summary>
    private static void Fragment(string path)
    {
        using FileStream file = File.Create(path);
        byte[] piece = Pattern(1024);
        for (int i = 0; i < Fragments; i++)
        {
            file.Position = (long)i * 8192;
            file.Write(piece);
        }
    }
}
