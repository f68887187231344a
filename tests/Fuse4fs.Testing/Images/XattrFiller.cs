using System.Globalization;
using System.Text;
using Fuse4fs.Testing.Native;

namespace Fuse4fs.Testing.Images;

/// <summary>Extended attributes in every place they can be, and ACLs.</summary>
public static class XattrFiller
{
    private const int NoSpace = 28;
    private const int NotSupported = 95;

    public static void Fill(FillTarget target)
    {
        HostPath small = target.File("small", 100);
        Set(small, "user.a", 1);
        Set(small, "user.empty", 0);
        HostPath several = target.File("several", 100);
        for (int index = 0; index < 12; index++)
        {
            Set(several, string.Create(CultureInfo.InvariantCulture, $"user.name{index}"), index * 3);
        }
        int[] sizes = [40, 60, 90, 200, 500, 900, 1900, 3500, 3900, 4000];
        foreach (int size in sizes.Where(size => !target.IsStaging || size < target.BlockSizeBytes - 200))
        {
            HostPath path = target.File(string.Create(CultureInfo.InvariantCulture, $"value-{size}"), 10);
            Set(path, "user.value", size);
            Set(path, "trusted.other", size / 20);
        }
        HostPath names = target.File("long-name", 10);
        Set(names, "user." + new string('x', 250), 10);
        HostPath spaces = target.File("namespaces", 70);
        Set(spaces, "security.thing", 20);
        Set(spaces, "trusted.thing", 20);
        Set(spaces, "user.thing", 20);
        FillTarget directory = target.Subdirectory("directory");
        Set(directory.Root, "user.on-a-directory", 300);
        HostPath symlink = target.At("symlink");
        FillTarget.Require(Posix.MakeSymlink("small"u8, symlink), "symlink", symlink);
        Set(symlink, "trusted.on-a-symlink", 30);
        FillShared(target);
        FillAccessLists(target.Subdirectory("acl"));
    }

    /// <summary>Values too big for a block: ea_inode keeps them in inodes.</summary>
    public static void FillBig(FillTarget target)
    {
        foreach (int size in new[] { 5000, 20_000, 65_536 })
        {
            HostPath path = target.File(string.Create(CultureInfo.InvariantCulture, $"value-{size}"), 10);
            Set(path, "user.big", size);
            Set(path, "user.small", 30);
        }
        for (int copy = 0; copy < 3; copy++)
        {
            Set(target.File(string.Create(CultureInfo.InvariantCulture, $"same-{copy}"), 10), "user.same", 30_000);
        }
    }

    /// <summary>Equal sets that do not fit in the inode: the kernel keeps one block for all.</summary>
    private static void FillShared(FillTarget target)
    {
        for (int copy = 0; copy < 5; copy++)
        {
            HostPath path = target.File(string.Create(CultureInfo.InvariantCulture, $"shared-{copy}"), 10);
            Set(path, "user.shared", 700);
        }
    }

    private static void FillAccessLists(FillTarget target)
    {
        byte[] access = AccessList((1, 7, uint.MaxValue), (2, 5, 1000), (4, 5, uint.MaxValue), (8, 6, 70_000),
            (16, 7, uint.MaxValue), (32, 1, uint.MaxValue));
        byte[] basic = AccessList((1, 7, uint.MaxValue), (2, 6, 4242), (4, 5, uint.MaxValue), (16, 7, uint.MaxValue),
            (32, 0, uint.MaxValue));
        SetBytes(target.File("file", 10), "system.posix_acl_access"u8, access);
        FillTarget directory = target.Subdirectory("directory");
        SetBytes(directory.Root, "system.posix_acl_access"u8, basic);
        SetBytes(directory.Root, "system.posix_acl_default"u8, access);
        directory.File("heir", 10);
        directory.Subdirectory("heiress");
    }

    /// <summary>The kernel's wire form: version 2, then tag, permissions, id.</summary>
    public static byte[] AccessList(params (ushort Tag, ushort Rights, uint Id)[] entries)
    {
        using var bytes = new MemoryStream();
        using var writer = new BinaryWriter(bytes);
        writer.Write(2);
        foreach ((ushort tag, ushort rights, uint id) in entries)
        {
            writer.Write(tag);
            writer.Write(rights);
            writer.Write(id);
        }
        writer.Flush();
        return bytes.ToArray();
    }

    private static void Set(HostPath path, string name, int sizeBytes)
    {
        byte[] value = new byte[sizeBytes];
        new PatternStream((ulong)(sizeBytes + name.Length)).Fill(value);
        SetBytes(path, Encoding.ASCII.GetBytes(name), value);
    }

    private static void SetBytes(HostPath path, ReadOnlySpan<byte> name, ReadOnlySpan<byte> value) =>
        FillTarget.Require(Posix.SetXattr(path, name, value), "setxattr", path, NoSpace, NotSupported);
}
