using System.Buffers.Binary;
using Fuse4fs.Ext4.Format;

namespace Fuse4fs.Inspecting.Tests.Hostile;

/// <summary>Turns a seed image into a mutant and back. Everything follows from one number, so that a mutant can be made
/// again.</summary>
internal sealed class Mutator(SeedImage seed, byte[] image)
{
    private const int MostChanges = 4;
    private const int MostFlips = 12;

    private readonly List<(int Offset, byte[] Bytes)> _undo = [];
    private readonly ChecksumRepair _repair = new(seed.Map, image);
    private Random _random = new(0);

    /// <summary>Bytes of the device that holds the mutant: sometimes it was cut short.</summary>
    public int DeviceBytes { get; private set; } = image.Length;

    /// <summary>Makes a mutant.</summary>
    public void Apply(int number)
    {
        _random = new Random(number);
        DeviceBytes = _random.Next(50) == 0 ? _random.Next(2048, image.Length) : image.Length;
        if (_random.Next(4) == 0)
        {
            FlipBits();
            return;
        }
        int changes = 1 + _random.Next(MostChanges);
        for (int i = 0; i < changes; i++)
        {
            Structure structure = seed.Pick(_random);
            if (_random.Next(12) == 0)
            {
                CopyOver(in structure);
            }
            else
            {
                Change(in structure);
            }
            if (_random.Next(8) != 0)
            {
                Remember(structure.Offset, structure.Length);
                _repair.Repair(in structure);
            }
        }
    }

    /// <summary>Makes the seed again.</summary>
    public void Undo()
    {
        for (int i = _undo.Count - 1; i >= 0; i--)
        {
            _undo[i].Bytes.CopyTo(image, _undo[i].Offset);
        }
        _undo.Clear();
    }

    private void Remember(int offset, int length) => _undo.Add((offset, image.AsSpan(offset, length).ToArray()));

    private void FlipBits()
    {
        bool inStructures = _random.Next(4) != 0;
        int flips = 1 + _random.Next(MostFlips);
        for (int i = 0; i < flips; i++)
        {
            Structure structure = seed.Pick(_random);
            int offset = inStructures
                ? structure.Offset + _random.Next(structure.Length)
                : _random.Next(image.Length);
            Remember(offset, 1);
            image[offset] ^= (byte)(1 << _random.Next(8));
        }
    }

    private void CopyOver(in Structure structure)
    {
        IReadOnlyList<Structure> all = seed.OfKind(structure.Kind);
        Structure other = all[_random.Next(all.Count)];
        Remember(structure.Offset, structure.Length);
        image.AsSpan(other.Offset, Math.Min(other.Length, structure.Length)).CopyTo(image.AsSpan(structure.Offset));
    }

    private void Change(in Structure structure)
    {
        Remember(structure.Offset, structure.Length);
        Span<byte> bytes = image.AsSpan(structure.Offset, structure.Length);
        (int at, int width) = FieldChooser.Choose(structure.Kind, bytes, _random);
        Span<byte> field = bytes.Slice(at, width);
        bool isBigEndian = structure.Kind is StructureKind.JournalBlock or StructureKind.JournalSuperblock;
        Write(field, NewValue(in structure, Read(field, isBigEndian), width), isBigEndian);
    }

    private ulong NewValue(in Structure structure, ulong old, int width)
    {
        ulong all = width == 8 ? ulong.MaxValue : (1ul << (width * 8)) - 1;
        ulong value = _random.Next(18) switch
        {
            0 => 0,
            1 => 1,
            2 => all,
            3 => all >> 1,
            4 => (all >> 1) + 1,
            5 => old + 1,
            6 => old - 1,
            7 => old << 1,
            8 => old ^ (1ul << _random.Next(width * 8)),
            9 => (ulong)_random.NextInt64(),
            10 => (ulong)_random.Next(256),
            11 => (ulong)_random.Next(seed.Map.Geometry.BlockSizeBytes + 16),
            12 => seed.Map.Geometry.BlockCount + (ulong)_random.Next(3) - 1,
            13 or 14 => BlockOf(seed.Pick(_random)),
            15 => BlockOf(in structure),
            16 => structure.Owner,
            _ => seed.Pick(_random).Owner,
        };
        return value & all;
    }

    private ulong BlockOf(in Structure structure) => (ulong)(structure.Offset / seed.Map.Geometry.BlockSizeBytes);

    private static ulong Read(ReadOnlySpan<byte> field, bool isBigEndian)
    {
        Span<byte> whole = stackalloc byte[8];
        if (isBigEndian)
        {
            field.CopyTo(whole[(8 - field.Length)..]);
            return BinaryPrimitives.ReadUInt64BigEndian(whole);
        }
        field.CopyTo(whole);
        return BinaryPrimitives.ReadUInt64LittleEndian(whole);
    }

    private static void Write(Span<byte> field, ulong value, bool isBigEndian)
    {
        Span<byte> whole = stackalloc byte[8];
        if (isBigEndian)
        {
            BinaryPrimitives.WriteUInt64BigEndian(whole, value);
            whole[(8 - field.Length)..].CopyTo(field);
        }
        else
        {
            BinaryPrimitives.WriteUInt64LittleEndian(whole, value);
            whole[..field.Length].CopyTo(field);
        }
    }
}
