using System.Buffers.Binary;

namespace Fuse4fs.Inspecting.Tests.Hostile;

/// <summary>A small valid image that mutants are made of.</summary>
internal sealed class SeedImage
{
    private readonly List<List<Structure>> _groups;
    private readonly Dictionary<StructureKind, List<Structure>> _byKind;

    /// <summary>Maps the image.</summary>
    public SeedImage(string name, byte[] bytes)
    {
        Name = name;
        Bytes = bytes;
        Map = SeedMap.Build(bytes);
        _byKind = Map.Structures.GroupBy(s => s.Kind).ToDictionary(group => group.Key, group => group.ToList());
        _groups = [.. Map.Structures.GroupBy(s => (s.Kind, Class(s))).Select(group => group.ToList())];
    }

    public string Name { get; }

    /// <summary>Never changed: every worker has a copy.</summary>
    public byte[] Bytes { get; }

    public SeedMap Map { get; }

    /// <summary>All structures of a kind.</summary>
    public IReadOnlyList<Structure> OfKind(StructureKind kind) => _byKind[kind];

    /// <summary>Any structure: its group first, so that the one superblock and the few symbolic links are met as often
    /// as the many files.</summary>
    public Structure Pick(Random random)
    {
        List<Structure> group = _groups[random.Next(_groups.Count)];
        return group[random.Next(group.Count)];
    }

    /// <summary>Inodes apart by type and by how they keep their data; blocks apart by how deep they are.</summary>
    private uint Class(Structure structure)
    {
        ReadOnlySpan<byte> bytes = Bytes.AsSpan(structure.Offset);
        return structure.Kind switch
        {
            StructureKind.Inode => (BinaryPrimitives.ReadUInt16LittleEndian(bytes) & 0xF000u)
                | (BinaryPrimitives.ReadUInt32LittleEndian(bytes[0x20..]) & 0xF0FF0FFF)
                | (structure.Owner < 11 ? structure.Owner : 0),
            StructureKind.ExtentBlock => BinaryPrimitives.ReadUInt16LittleEndian(bytes[6..]),
            StructureKind.IndirectBlock => structure.Owner,
            StructureKind.DirectoryLeaf or StructureKind.DirectoryIndex => structure.Owner,
            _ => 0,
        };
    }
}
