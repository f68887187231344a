using System.Text;
using Fuse4fs.Ext4;
using Fuse4fs.Ext4.Files;
using Fuse4fs.Ext4.Format;
using Fuse4fs.Ext4.Storage;
using Fuse4fs.Ext4.Xattrs;
using Fuse4fs.Inspecting.Images;
using Fuse4fs.Inspecting.Output;
using Fuse4fs.Linux;

namespace Fuse4fs.Inspecting.Tests.Hostile;

/// <summary>Changes a damaged volume in every way there is. Damage is expected, also that it makes the volume read-only;
/// anything else that is thrown, and every error nobody documents, is a failure.</summary>
internal sealed class WritingWalk(Volume volume, Random random)
{
    private const int Operations = 120;
    private const int MostNames = 300;
    private const int MostRetained = 8;

    private static readonly Caller s_root = new(0, 0);

    private static readonly HashSet<Errno> s_documented =
    [
        Errno.Ok, Errno.NoEntry, Errno.Stale, Errno.NotDirectory, Errno.IsDirectory, Errno.Invalid, Errno.NoData,
        Errno.Range, Errno.NotSupported, Errno.NoKey, Errno.NameTooLong, Errno.Corrupted, Errno.ReadOnly,
        Errno.NoSpace, Errno.Exists, Errno.NotEmpty, Errno.NotPermitted, Errno.TooManyLinks, Errno.FileTooBig,
        Errno.Overflow, Errno.Busy, Errno.ArgumentListTooLong, Errno.InputOutput, Errno.NotTerminal, Errno.TextBusy,
        Errno.AccessDenied, Errno.QuotaExceeded, Errno.CrossDevice,
    ];

    private readonly List<InodeNumber> _directories = [InodeNumber.Root];
    private readonly List<InodeNumber> _others = [];
    private readonly List<byte[]> _names = [];
    private readonly List<InodeNumber> _retained = [];

    /// <summary>Operations that succeeded.</summary>
    public int Successes { get; private set; }

    /// <summary>Looks for names, then does so many random operations.</summary>
    public void Run()
    {
        Collect();
        for (int i = 0; i < Operations; i++)
        {
            Guard(Act);
        }
        _retained.ForEach(number => Guard(() => volume.Release(number)));
    }

    private void Collect()
    {
        var walk = new TreeWalk(volume, InodeNumber.Root, [], new Problems(TextWriter.Null));
        for (int names = 0; names < MostNames && walk.MoveNext(); names++)
        {
            ReadOnlySpan<byte> path = walk.Path;
            _names.Add(path[(path.LastIndexOf((byte)'/') + 1)..].ToArray());
            InodeNumber inode = walk.Inode;
            Guard(() =>
            {
                bool isThere = volume.GetAttributes(inode, out InodeAttributes attributes) == Errno.Ok;
                if (isThere && attributes.Kind == FileKind.Directory)
                {
                    _directories.Add(inode);
                    walk.Enter();
                }
                else if (isThere)
                {
                    _others.Add(inode);
                }
            });
        }
    }

    private void Act()
    {
        Errno error = random.Next(20) switch
        {
            0 or 1 => volume.Create(Directory(), Name(), 0x1A4, Caller(), out _),
            2 => volume.MakeDirectory(Directory(), Name(), 0x1ED, s_root, out _),
            3 => volume.Symlink(Directory(), Name(), new byte[random.Next(1, 400)], s_root, out _),
            4 => volume.Link(Inode(), Directory(), Name(), s_root, out _),
            5 or 6 => volume.Unlink(Directory(), Name()),
            7 => volume.RemoveDirectory(Directory(), Name()),
            8 or 9 => volume.Rename(Directory(), Name(), Directory(), Name(), (RenameFlags)random.Next(5), s_root),
            10 or 11 => volume.Write(Inode(), Offset(), new byte[random.Next(1, 20_000)], default, out _),
            12 => volume.Truncate(Inode(), Offset(), default),
            13 => volume.Allocate(Inode(), Mode(), Offset(), random.Next(1, 100_000), default),
            14 or 15 => ChangeXattr(),
            16 => ChangeAttributes(),
            17 => ChangeFlags(),
            18 => volume.CopyRange(Inode(), Offset(), Inode(), Offset(), random.Next(50_000), default, out _),
            _ => Sync(),
        };
        Successes += error == Errno.Ok ? 1 : 0;
        if (!s_documented.Contains(error))
        {
            throw new MutantFailedException($"undocumented error {error}");
        }
    }

    private Errno ChangeXattr()
    {
        byte[] name = Encoding.ASCII.GetBytes(random.Next(4) == 0 ? "security.capability" : $"user.a{random.Next(4)}");
        int length = random.Next(3) switch { 0 => 10, 1 => 600, _ => 3000 };
        return random.Next(3) == 0
            ? volume.RemoveXattr(Inode(), name)
            : volume.SetXattr(Inode(), name, new byte[length], XattrFlags.None, s_root);
    }

    private Errno ChangeAttributes()
    {
        var change = new AttributeChange
        {
            Permissions = (ushort)random.Next(0x1000),
            UserId = random.Next(2) == 0 ? (uint)random.Next(5) : null,
            SizeBytes = random.Next(3) == 0 ? Offset() : null,
        };
        return volume.SetAttributes(Inode(), in change, out _);
    }

    private Errno ChangeFlags()
    {
        InodeNumber inode = Inode();
        return random.Next(3) switch
        {
            0 => volume.Migrate(inode),
            1 => volume.SetProject(inode, (uint)random.Next(3)),
            _ => volume.GetAttributes(inode, out InodeAttributes attributes) is var error && error != Errno.Ok
                ? error
                : volume.SetFlags(inode, attributes.Flags ^ (random.Next(2) == 0 ? InodeFlags.Extents : InodeFlags.NoDump)),
        };
    }

    private Errno Sync()
    {
        switch (random.Next(4))
        {
            case 0 when _retained.Count > 0:
                InodeNumber forgotten = _retained[^1];
                _retained.RemoveAt(_retained.Count - 1);
                volume.Release(forgotten);
                return Errno.Ok;
            case 1:
                return volume.Trim(0, ulong.MaxValue, 0, out _, CancellationToken.None);
            case 2:
                return volume.TemporaryFile(Directory(), 0x180, s_root, out _);
            default:
                return volume.SyncAll();
        }
    }

    private Caller Caller() => new(0, 0, Retains: random.Next(8) == 0);

    private InodeNumber Directory() => _directories[random.Next(_directories.Count)];

    /// <summary>Something in the tree, or any number.</summary>
    private InodeNumber Inode()
    {
        InodeNumber number = random.Next(10) == 0 || _others.Count == 0
            ? new InodeNumber((uint)random.Next(1, 300))
            : _others[random.Next(_others.Count)];
        if (random.Next(16) == 0 && _retained.Count < MostRetained)
        {
            volume.Retain(number);
            _retained.Add(number);
        }
        return number;
    }

    private byte[] Name() => _names.Count == 0 || random.Next(4) == 0
        ? Encoding.ASCII.GetBytes($"new-{random.Next(40)}" + new string('n', random.Next(3) == 0 ? 200 : 0))
        : _names[random.Next(_names.Count)];

    private long Offset() => random.Next(6) switch
    {
        0 => 0,
        1 => random.NextInt64(1L << 33),
        2 => random.NextInt64(1L << 44),
        _ => random.Next(300_000),
    };

    private FallocateMode Mode() => random.Next(6) switch
    {
        0 => FallocateMode.Allocate,
        1 => FallocateMode.KeepSize,
        2 => FallocateMode.ZeroRange,
        3 => FallocateMode.CollapseRange,
        4 => FallocateMode.InsertRange,
        _ => FallocateMode.PunchHole | FallocateMode.KeepSize,
    };

    private static void Guard(Action change)
    {
        try
        {
            change();
        }
        catch (Exception expected) when (expected is Ext4CorruptException or DeviceException or InspectionException)
        {
            // Refused, as it should be.
        }
    }
}
