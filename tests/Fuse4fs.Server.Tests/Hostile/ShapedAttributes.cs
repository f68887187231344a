using System.Buffers.Binary;
using Fuse4fs.Fuse.Wire;

namespace Fuse4fs.Server.Tests.Hostile;

/// <summary>Extended attributes and access control lists as a program would ask for them, mostly.</summary>
internal sealed class ShapedAttributes(Random random)
{
    private static readonly string[] s_names =
        ["user.a", "user.b", "user.c", "user.a-much-longer-name-that-needs-some-room", "trusted.t", "security.capability",
            "security.s", "system.posix_acl_access", "system.posix_acl_access", "system.posix_acl_default", "system.data",
            "user.", "nothing"];

    /// <summary>ACL_USER_OBJ, USER, GROUP_OBJ, GROUP, MASK, OTHER; and one that is none.</summary>
    private static readonly ushort[] s_tags = [0x01, 0x02, 0x04, 0x08, 0x10, 0x20, 0x40];

    /// <summary>Any of the names.</summary>
    public string Name() => s_names[random.Next(s_names.Length)];

    /// <summary>SETXATTR in its long form, as it was agreed. A short symlink gets no long values: e2fsck 1.47 takes the
    /// space of one in an inode of its own for that of the target (ext2fs_inode_has_valid_blocks2).</summary>
    public RequestBody Setting(KnownNode node)
    {
        const uint kindMask = 0xF000, symlink = 0xA000;
        string name = Name();
        byte[] value = name.StartsWith("system.posix_acl", StringComparison.Ordinal) ? AccessList()
            : (node.Mode & kindMask) == symlink ? new byte[random.Next(100)]
            : Value();
        uint size = random.Next(16) == 0 ? (uint)random.Next(70_000) : (uint)value.Length;
        return new RequestBody { Node = node.Id }
            .Add(new SetXattrIn { Size = size, Flags = (uint)random.Next(3), ExtendedFlags = (uint)random.Next(2) })
            .AddName(name).AddBytes(value);
    }

    /// <summary>GETXATTR.</summary>
    public RequestBody Getting(ulong node)
    {
        uint room = random.Next(3) switch { 0 => 0, 1 => (uint)random.Next(64), _ => 65_536 };
        return new RequestBody { Node = node }.Add(new GetXattrIn { Size = room }).AddName(Name());
    }

    private byte[] Value()
    {
        // Into the inode, into its block, into an inode of its own where that is possible, nowhere.
        byte[] value = new byte[random.Next(4) switch
        {
            0 => random.Next(40),
            1 => random.Next(900),
            2 => random.Next(4200),
            _ => random.Next(20) == 0 ? 65_536 : random.Next(12_000),
        }];
        // Few different ones: equal values are shared.
        value.AsSpan().Fill((byte)random.Next(3));
        return value;
    }

    /// <summary>A list that is in order most of the time.</summary>
    private byte[] AccessList()
    {
        var tags = new List<ushort> { 0x01, 0x04, 0x20 };
        if (random.Next(2) == 0)
        {
            tags.AddRange([0x02, 0x08, 0x10]);
        }
        if (random.Next(8) == 0)
        {
            tags.Add(s_tags[random.Next(s_tags.Length)]);
        }
        tags.Sort();
        byte[] list = new byte[4 + (8 * tags.Count) - (random.Next(30) == 0 ? 1 : 0)];
        BinaryPrimitives.WriteUInt32LittleEndian(list, random.Next(30) == 0 ? 1u : 2u);
        for (int i = 0; i < tags.Count && list.Length >= 12 + (8 * i); i++)
        {
            Span<byte> entry = list.AsSpan(4 + (8 * i), 8);
            BinaryPrimitives.WriteUInt16LittleEndian(entry, tags[i]);
            BinaryPrimitives.WriteUInt16LittleEndian(entry[2..], (ushort)random.Next(random.Next(20) == 0 ? 16 : 8));
            bool isNamed = tags[i] is 0x02 or 0x08;
            BinaryPrimitives.WriteUInt32LittleEndian(entry[4..], isNamed ? (uint)random.Next(2000) : uint.MaxValue);
        }
        return list;
    }
}
