using System.Globalization;
using System.Text;
using Fuse4fs.Ext4.Files;
using Fuse4fs.Ext4.Format;
using Fuse4fs.Ext4.Inodes;
using Fuse4fs.Ext4.Storage;
using Fuse4fs.Linux;
using Xunit;

namespace Fuse4fs.Ext4.Tests.Matrix;

/// <summary>Random operations of every kind on a volume, and what every file contains by them.</summary>
internal sealed class VolumeStorm(Volume volume, int seed)
{
    private const int MostFileBytes = 200_000;
    private const int NameKinds = 60;

    /// <summary>Answers that random operations may get.</summary>
    private static readonly HashSet<Errno> s_ordinary =
    [
        Errno.Ok, Errno.Exists, Errno.NoEntry, Errno.NotEmpty, Errno.IsDirectory, Errno.NotDirectory, Errno.Invalid,
        Errno.NotPermitted, Errno.NoSpace, Errno.NoData, Errno.NotSupported, Errno.Busy, Errno.TooManyLinks,
    ];

    private readonly Random _random = new(seed);
    private readonly Dictionary<InodeNumber, byte[]> _contents = [];
    private readonly List<InodeNumber> _directories = [InodeNumber.Root];
    private readonly WriteOptions _options = new() { MayUseReserve = true };

    public void Run(int operations)
    {
        for (int i = 0; i < operations; i++)
        {
            (string name, Errno error) = Step();
            Assert.True(s_ordinary.Contains(error), $"seed {seed}, operation {i}: {name}: {error}");
        }
        Check(volume);
    }

    /// <summary>Every file that is left contains what was written.</summary>
    public void Check(Volume reopened)
    {
        foreach ((InodeNumber number, byte[] expected) in _contents)
        {
            if (reopened.GetAttributes(number, out InodeAttributes attributes) != Errno.Ok)
            {
                continue;       // unlinked
            }
            Assert.Equal(expected.Length, attributes.SizeBytes);
            byte[] found = new byte[expected.Length];
            Assert.Equal(Errno.Ok, reopened.Read(number, 0, found, out int count));
            Assert.Equal(expected.Length, count);
            Assert.True(expected.AsSpan().SequenceEqual(found), $"seed {seed}: contents of inode {number}");
        }
    }

    private (string Name, Errno Error) Step() => _random.Next(20) switch
    {
        0 or 1 or 2 => ("create", Create()),
        3 => ("mkdir", MakeDirectory()),
        4 => ("symlink", volume.Symlink(PickDirectory(), RandomName(),
            Encoding.ASCII.GetBytes(new string('t', _random.Next(1, 300))), Somebody(), out _)),
        5 => ("link", volume.Link(PickFile(), PickDirectory(), RandomName(), Somebody(), out _)),
        6 or 7 => ("unlink", Unlink()),
        8 => ("rmdir", RemoveDirectory()),
        9 or 10 => ("rename", Rename()),
        11 or 12 or 13 => ("write", Write()),
        14 => ("truncate", Truncate()),
        15 or 16 => ("fallocate", Allocate()),
        17 => ("xattr", ChangeXattr()),
        18 => ("attributes", ChangeOwner()),
        _ => ("flags", ChangeFlags()),
    };

    private Errno Create()
    {
        Errno error = volume.Create(PickDirectory(), RandomName(), 0x1A4, Somebody(), out InodeAttributes made);
        if (error == Errno.Ok)
        {
            _contents[made.Number] = [];
        }
        return error;
    }

    private Errno MakeDirectory()
    {
        Errno error = volume.MakeDirectory(PickDirectory(), RandomName(), 0x1ED, Somebody(), out InodeAttributes made);
        if (error == Errno.Ok)
        {
            _directories.Add(made.Number);
            if (volume.Context.Geometry.Has(IncompatFeatures.Casefold) && _random.Next(2) == 0)
            {
                Assert.Equal(Errno.Ok, volume.SetFlags(made.Number, made.Flags | InodeFlags.Casefold));
            }
        }
        return error;
    }

    private Errno Unlink()
    {
        InodeNumber parent = PickDirectory();
        byte[] name = RandomName();
        bool isFound = volume.Lookup(parent, name, out InodeAttributes victim) == Errno.Ok;
        Errno error = volume.Unlink(parent, name);
        if (error == Errno.Ok && isFound && victim.LinkCount == 1)
        {
            _contents.Remove(victim.Number);
        }
        return error;
    }

    private Errno RemoveDirectory()
    {
        InodeNumber parent = PickDirectory();
        byte[] name = RandomName();
        volume.Lookup(parent, name, out InodeNumber victim);
        Errno error = volume.RemoveDirectory(parent, name);
        if (error == Errno.Ok)
        {
            _directories.Remove(victim);
        }
        return error;
    }

    private Errno Rename()
    {
        (InodeNumber from, InodeNumber to) = (PickDirectory(), PickDirectory());
        (byte[] oldName, byte[] newName) = (RandomName(), RandomName());
        bool isFound = volume.Lookup(to, newName, out InodeAttributes target) == Errno.Ok;
        volume.Lookup(from, oldName, out InodeNumber moved);
        RenameFlags flags = _random.Next(4) == 0 ? RenameFlags.Exchange : RenameFlags.None;
        Errno error = volume.Rename(from, oldName, to, newName, flags, Somebody());
        if (error == Errno.Ok && isFound && flags == RenameFlags.None && moved != target.Number)
        {
            _directories.Remove(target.Number);
            if (target.LinkCount == 1)
            {
                _contents.Remove(target.Number);
            }
        }
        return error;
    }

    private Errno Write()
    {
        if (!TryPickContents(out InodeNumber number, out byte[] before))
        {
            return Errno.Ok;
        }
        int length = _random.Next(3) == 0 ? _random.Next(1, 60_000) : _random.Next(1, 3000);
        int offset = _random.Next(3) == 0 ? 0 : _random.Next(MostFileBytes - length);
        byte[] data = new byte[length];
        _random.NextBytes(data);
        Errno error = volume.Write(number, offset, data, in _options, out int written);
        if (written > 0)
        {
            Array.Resize(ref before, Math.Max(before.Length, offset + written));
            data.AsSpan(0, written).CopyTo(before.AsSpan(offset));
            _contents[number] = before;
        }
        return error;
    }

    private Errno Truncate()
    {
        if (!TryPickContents(out InodeNumber number, out byte[] before))
        {
            return Errno.Ok;
        }
        int size = _random.Next(3) == 0 ? _random.Next(200) : _random.Next(MostFileBytes);
        Errno error = volume.Truncate(number, size, in _options);
        if (error == Errno.Ok)
        {
            Array.Resize(ref before, size);
            _contents[number] = before;
        }
        return error;
    }

    private Errno Allocate()
    {
        if (!TryPickContents(out InodeNumber number, out byte[] before))
        {
            return Errno.Ok;
        }
        int offset = _random.Next(MostFileBytes / 2);
        int length = _random.Next(1, MostFileBytes / 2);
        int kind = _random.Next(3);
        FallocateMode mode = kind switch
        {
            0 => FallocateMode.Allocate,
            1 => FallocateMode.ZeroRange | FallocateMode.KeepSize,
            _ => FallocateMode.PunchHole | FallocateMode.KeepSize,
        };
        Errno error = volume.Allocate(number, mode, offset, length, in _options);
        if (error == Errno.NoSpace)
        {
            Assert.Equal(Errno.Ok, volume.GetAttributes(number, out InodeAttributes attributes));
            Array.Resize(ref before, (int)attributes.SizeBytes);
        }
        else if (error == Errno.Ok && kind == 0)
        {
            Array.Resize(ref before, Math.Max(before.Length, offset + length));
        }
        else if (error == Errno.Ok && offset < before.Length)
        {
            before.AsSpan(offset, Math.Min(length, before.Length - offset)).Clear();
        }
        _contents[number] = before;
        return error;
    }

    /// <summary>As to symlinks, e2fsck 1.47 takes a short one for one with blocks when its i_blocks counts a value in an
    /// inode.</summary>
    private Errno ChangeXattr()
    {
        if (!TryPickContents(out InodeNumber number, out _))
        {
            number = PickDirectory();
        }
        byte[] name = Encoding.ASCII.GetBytes($"user.a{_random.Next(5)}");
        if (_random.Next(3) == 0)
        {
            return volume.RemoveXattr(number, name);
        }
        byte[] value = new byte[_random.Next(3) switch { 0 => 10, 1 => 500, _ => _random.Next(6000) }];
        return volume.SetXattr(number, name, value, XattrFlags.None, Somebody());
    }

    private Errno ChangeOwner()
    {
        InodeNumber number = PickFile();
        var change = new AttributeChange
        {
            UserId = (uint)_random.Next(5),
            GroupId = (uint)_random.Next(5),
            ModificationTime = TimeChange.To(new Timestamp(_random.Next(), (uint)_random.Next(1_000_000_000))),
        };
        Errno error = volume.SetAttributes(number, in change, out _);
        return error == Errno.Ok && volume.Context.Geometry.Has(RoCompatFeatures.Project)
            ? volume.SetProject(number, (uint)_random.Next(5))
            : error;
    }

    /// <summary>Between extents and block maps, where the volume has both.</summary>
    private Errno ChangeFlags()
    {
        if (!TryPickContents(out InodeNumber number, out _)
            || volume.GetAttributes(number, out InodeAttributes attributes) != Errno.Ok)
        {
            return Errno.Ok;
        }
        return volume.SetFlags(number, attributes.Flags
            ^ (_random.Next(2) == 0 ? InodeFlags.NoDump : InodeFlags.Extents));
    }

    private bool TryPickContents(out InodeNumber number, out byte[] contents)
    {
        number = PickFile();
        return _contents.TryGetValue(number, out contents!);
    }

    private InodeNumber PickDirectory() => _directories[_random.Next(_directories.Count)];

    private InodeNumber PickFile()
    {
        for (int i = 0; i < 8; i++)
        {
            if (volume.Lookup(PickDirectory(), RandomName(), out InodeNumber found) == Errno.Ok)
            {
                return found;
            }
        }
        return PickDirectory();
    }

    private Caller Somebody() => new((uint)_random.Next(3), (uint)_random.Next(3));

    /// <summary>Some of them so long that directories soon have more than one block.</summary>
    private byte[] RandomName()
    {
        int number = _random.Next(NameKinds);
        string name = string.Create(CultureInfo.InvariantCulture, $"{number}-");
        string tail = new(_random.Next(8) == 0 ? 'N' : 'n', number % 3 == 0 ? 230 : number);
        return Encoding.ASCII.GetBytes(name + tail);
    }
}
