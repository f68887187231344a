using Fuse4fs.Fuse.Wire;

namespace Fuse4fs.Server.Tests.Hostile;

/// <summary>Bodies as a kernel makes them, of what it knows by now, with numbers from all corners: what gets past the
/// checks of a request's form, and to the code behind them.</summary>
internal sealed class ShapedRequests(KernelMemory memory, Random random)
{
    private const uint Directory = 0x4000, Regular = 0x8000, Symlink = 0xA000;

    private static readonly uint[] s_kinds = [0x1000, 0x2000, Directory, 0x6000, Regular, Regular, Symlink, 0xC000, 0];

    private static readonly ulong[] s_sizes =
        [0, 1, 59, 60, 61, 160, 1023, 1024, 1025, 4095, 4096, 4097, 12 << 10, 65_536, 70_000, 266 << 10, 1 << 20, 3 << 20,
            5 << 20, 64 << 20, uint.MaxValue, 1UL << 32, 1UL << 40, 1UL << 44, long.MaxValue, ulong.MaxValue];

    /// <summary>FALLOC_FL_*: what fallocate(2) knows, and combinations that it does not.</summary>
    private static readonly uint[] s_allocations = [0, 1, 3, 3, 0x10, 0x11, 0x08, 0x20, 0x40, 0x02, 0x80];

    private static readonly string[] s_names =
        ["a", "b", "c", "d", "file", "dir", "sparse", "link", "many", "folded", "lost+found", ".", "..", "new", "",
            "a/b", "Stra\u00C3\u009Fe", "STRASSE", "A\u00CC\u008A\u00CC\u00A3"];

    /// <summary>O_WRONLY, O_RDWR, O_CREAT, O_TRUNC, O_APPEND, O_DIRECT, O_SYNC.</summary>
    private static readonly uint[] s_openFlags = [1, 2, 2, 0x40, 0x200, 0x400, 0x4000, 0x101000];

    private readonly ShapedAttributes _attributes = new(random);

    /// <summary>The body of a request, and the node it is about.</summary>
    /// <returns>Null for opcodes that have no shape here.</returns>
    public RequestBody? TryMake(Opcode opcode) => opcode switch
    {
        Opcode.Lookup or Opcode.Unlink or Opcode.RemoveDirectory => AtName((body, name) => body.AddName(name)),
        Opcode.SymbolicLink or Opcode.MakeNode or Opcode.MakeDirectory or Opcode.Link or Opcode.Create
            or Opcode.TemporaryFile => Creating(opcode),
        Opcode.Rename or Opcode.Rename2 => Renaming(opcode),
        Opcode.Read or Opcode.Write or Opcode.Fallocate or Opcode.Seek or Opcode.CopyFileRange
            or Opcode.CopyFileRange64 or Opcode.Release or Opcode.Flush or Opcode.Fsync => OnFile(opcode),
        Opcode.ReadDirectory or Opcode.ReadDirectoryPlus or Opcode.FsyncDirectory or Opcode.OpenDirectory
            or Opcode.ReleaseDirectory => OnDirectory(opcode),
        Opcode.SetXattr => _attributes.Setting(memory.Node(random)),
        Opcode.GetXattr => _attributes.Getting(AnyNode()),
        Opcode.ListXattr => new RequestBody { Node = AnyNode() }.AddWord(Room()).AddWord(0),
        Opcode.RemoveXattr => new RequestBody { Node = AnyNode() }.AddName(_attributes.Name()),
        Opcode.IoControl => new ShapedCommands(random).Make(AnyNode()),
        Opcode.SetAttributes => SettingAttributes(),
        _ => OnNode(opcode),
    };

    private ulong AnyNode() => memory.Node(random).Id;

    private ulong AnySize()
    {
        ulong size = s_sizes[random.Next(s_sizes.Length)];
        return random.Next(4) == 0 ? unchecked(size + (ulong)random.Next(-2, 3)) : size;
    }

    /// <summary>Mostly of what fits on the volume.</summary>
    private ulong SmallSize() => random.Next(4) == 0 ? AnySize() : (ulong)random.Next(400) * (ulong)random.Next(1, 4097);

    private uint Room() => random.Next(3) switch { 0 => 0, 1 => (uint)random.Next(300), _ => 65_536 };

    private uint AnyMode() => s_kinds[random.Next(s_kinds.Length)] | (uint)random.Next(0x1000);

    private uint AnyOpenFlags()
    {
        uint flags = 0;
        for (int i = random.Next(4); i > 0; i--)
        {
            flags |= s_openFlags[random.Next(s_openFlags.Length)];
        }
        return flags;
    }

    private string NewName() => random.Next(6) switch
    {
        0 => s_names[random.Next(s_names.Length)],
        1 => $"new-{random.Next(20)}",
        // Long ones fill a block of 1 KiB by threes: directories get an index, and the index another level.
        2 => new string('x', 200 + random.Next(60)),
        3 => memory.Name(random)?.Name ?? "a",
        _ => $"{new string((char)('a' + random.Next(26)), 220)}{random.Next(500)}",
    };

    private RequestBody AtName(Func<RequestBody, string, RequestBody> add)
    {
        bool isKnown = random.Next(4) != 0;
        KnownName? known = isKnown ? memory.Name(random) : null;
        string name = known?.Name ?? (random.Next(3) == 0 ? $"a-rather-long-name-{random.Next(201)}" : NewName());
        ulong directory = known?.Directory ?? memory.Node(random, Directory).Id;
        return add(new RequestBody { Node = directory }, name);
    }

    private RequestBody Creating(Opcode opcode)
    {
        var body = new RequestBody { Node = memory.Node(random, Directory).Id };
        uint umask = random.Next(2) == 0 ? 0x12u : (uint)random.Next(0x200);
        return opcode switch
        {
            Opcode.SymbolicLink => body.AddName(NewName())
                .AddName(new string('t', random.Next(1, random.Next(3) == 0 ? 1100 : 80))),
            Opcode.MakeNode => body.Add(new MakeNodeIn
            {
                Mode = AnyMode(),
                DeviceNumber = (uint)random.Next(),
                Umask = umask,
            }).AddName(NewName()),
            Opcode.MakeDirectory => body.Add(new MakeDirectoryIn { Mode = (uint)random.Next(0x1000), Umask = umask })
                .AddName(NewName()),
            Opcode.Link => body.Add(new LinkIn { OldNodeId = AnyNode() }).AddName(NewName()),
            _ => body.Add(new CreateIn { Flags = AnyOpenFlags(), Mode = AnyMode(), Umask = umask }).AddName(NewName()),
        };
    }

    private RequestBody Renaming(Opcode opcode) => AtName((body, name) =>
    {
        KnownName? onto = random.Next(2) == 0 ? memory.Name(random) : null;
        ulong directory = onto?.Directory ?? memory.Node(random, Directory).Id;
        if (opcode == Opcode.Rename)
        {
            body.Add(new RenameIn { NewDirectory = directory });
        }
        else
        {
            body.Add(new Rename2In { NewDirectory = directory, Flags = (uint)random.Next(random.Next(4) == 0 ? 16 : 5) });
        }
        return body.AddName(name).AddName(onto?.Name ?? NewName());
    });

    private RequestBody OnFile(Opcode opcode)
    {
        KnownFile file = memory.File(random);
        if (random.Next(4) == 0)
        {
            file = file with { Node = memory.Node(random, Regular).Id };
        }
        var body = new RequestBody { Node = file.Node };
        return opcode switch
        {
            Opcode.Read => body.Add(new ReadIn
            {
                Handle = file.Handle,
                Offset = SmallSize(),
                Size = (uint)random.Next(300_000),
                ReadFlags = (uint)random.Next(4),
                Flags = file.Flags,
            }),
            Opcode.Write => Writing(body, file),
            Opcode.Fallocate => body.Add(new FallocateIn
            {
                Handle = file.Handle,
                Offset = SmallSize(),
                Length = SmallSize(),
                Mode = s_allocations[random.Next(s_allocations.Length)],
            }),
            Opcode.Seek => body.Add(new SeekIn
            {
                Handle = file.Handle,
                Offset = SmallSize(),
                Whence = (uint)random.Next(2, 6),
            }),
            Opcode.Release => body.Add(new ReleaseIn
            {
                Handle = file.Handle,
                Flags = file.Flags,
                ReleaseFlags = (uint)random.Next(4),
            }),
            Opcode.Flush => body.Add(new FlushIn { Handle = file.Handle }),
            Opcode.Fsync => body.Add(new FsyncIn { Handle = file.Handle, Flags = (uint)random.Next(2) }),
            _ => body.Add(new CopyFileRangeIn
            {
                HandleIn = file.Handle,
                OffsetIn = SmallSize(),
                NodeIdOut = memory.Node(random, Regular).Id,
                HandleOut = memory.File(random).Handle,
                OffsetOut = SmallSize(),
                Length = SmallSize(),
                Flags = random.Next(10) == 0 ? 1u : 0,
            }),
        };
    }

    private RequestBody Writing(RequestBody body, KnownFile file)
    {
        byte[] data = new byte[random.Next(4) == 0 ? random.Next(60_000) : random.Next(3000)];
        if (random.Next(4) != 0)
        {
            random.NextBytes(data);
        }
        return body.Add(new WriteIn
        {
            Handle = file.Handle,
            Offset = SmallSize(),
            Size = (uint)data.Length,
            WriteFlags = (WriteFlags)random.Next(8),
            Flags = file.Flags,
        }).AddBytes(data);
    }

    private RequestBody OnDirectory(Opcode opcode)
    {
        var body = new RequestBody { Node = memory.Node(random, Directory).Id };
        return opcode switch
        {
            Opcode.OpenDirectory => body.Add(new OpenIn { Flags = 0x10000 }),
            Opcode.ReleaseDirectory => body.Add(default(ReleaseIn)),
            Opcode.FsyncDirectory => body.Add(new FsyncIn { Flags = (uint)random.Next(2) }),
            _ => body.Add(new ReadIn
            {
                Offset = random.Next(3) == 0 ? 0 : memory.Cookie(random) + (ulong)(random.Next(8) == 0 ? 1 : 0),
                Size = (uint)random.Next(random.Next(4) == 0 ? 200 : 33_000),
            }),
        };
    }

    private RequestBody SettingAttributes()
    {
        KnownNode node = memory.Node(random);
        var valid = SetAttributesFlags.None;
        for (int i = random.Next(1, 4); i > 0; i--)
        {
            valid |= (SetAttributesFlags)(1u << random.Next(12));
        }
        return new RequestBody { Node = node.Id }.Add(new SetAttributesIn
        {
            Valid = valid,
            Handle = memory.File(random).Handle,
            Size = SmallSize(),
            AccessTime = AnySize(),
            ModifyTime = AnySize(),
            ChangeTime = AnySize(),
            AccessTimeNanoseconds = (uint)random.Next(1_000_000_002),
            ModifyTimeNanoseconds = (uint)random.Next(1_000_000_000),
            ChangeTimeNanoseconds = (uint)random.Next(1_000_000_000),
            Mode = (node.Mode & 0xF000) | (uint)random.Next(0x1000),
            Uid = AnyOwner(),
            Gid = AnyOwner(),
        });
    }

    private uint AnyOwner() => random.Next(4) switch { 0 => 0, 1 => 1000, 2 => (uint)random.Next(70_000), _ => uint.MaxValue };

    private RequestBody? OnNode(Opcode opcode)
    {
        var body = new RequestBody { Node = AnyNode() };
        switch (opcode)
        {
            case Opcode.GetAttributes:
                return body.Add(new GetAttributesIn { Flags = (uint)random.Next(2), Handle = memory.File(random).Handle });
            case Opcode.Statx:
                return body.Add(new StatxIn { Mask = (uint)random.Next(), Handle = memory.File(random).Handle });
            case Opcode.ReadLink:
                body.Node = memory.Node(random, Symlink).Id;
                return body;
            case Opcode.Open:
                body.Node = memory.Node(random, Regular).Id;
                return body.Add(new OpenIn { Flags = AnyOpenFlags(), OpenFlags = (uint)random.Next(2) });
            case Opcode.Access:
                return body.Add(new AccessIn { Mask = (uint)random.Next(8) });
            case Opcode.Bmap:
                return body.Add(new BmapIn { Block = SmallSize() >> 10, BlockSize = 512u << random.Next(5) });
            case Opcode.StatFs:
                return body;
            case Opcode.SyncFs:
                return body.Add(default(SyncFsIn));
            case Opcode.Forget:
                return body.Add(new ForgetIn { Lookups = (ulong)random.Next(3) });
            case Opcode.BatchForget:
                int count = random.Next(4);
                body.Add(new BatchForgetIn { Count = (uint)count });
                for (int i = 0; i < count; i++)
                {
                    body.Add(new ForgetOne { NodeId = AnyNode(), Lookups = (ulong)random.Next(3) });
                }
                return body;
            default:
                return null;
        }
    }
}
