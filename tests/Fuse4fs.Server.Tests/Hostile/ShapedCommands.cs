using Fuse4fs.Fuse.Wire;

namespace Fuse4fs.Server.Tests.Hostile;

/// <summary>ioctl commands with what they carry in and room for what they carry out, mostly as declared.</summary>
internal sealed class ShapedCommands(Random random)
{
    /// <summary>Command, bytes in, bytes out: FS_IOC_GETFLAGS, SETFLAGS, FSGETXATTR, FSSETXATTR, GETVERSION, SETVERSION,
    /// those of ext4, labels, UUIDs, CHECKPOINT, RESIZE, MIGRATE, GETFSMAP, FITRIM, our own, and one that nobody knows.
    /// </summary>
    private static readonly (uint Command, int In, int Out)[] s_commands =
    [
        (0x80086601, 0, 8), (0x80046601, 0, 4), (0x40086602, 8, 0), (0x801c581f, 0, 28), (0x401c5820, 28, 0),
        (0x80087601, 0, 8), (0x40087602, 8, 0), (0x80086603, 0, 8), (0x40086604, 8, 0), (0x81009431, 0, 256),
        (0x41009432, 256, 0), (0x8008662c, 0, 8), (0x4008662c, 8, 0), (0x4004662b, 4, 0), (0x40086610, 8, 0),
        (0x6609, 0, 0), (0x6609, 0, 0), (0xc0c0583b, 192, 192), (0xc0c0583b, 192, 192), (0xc0185879, 24, 24),
        (0x9000f401, 0, 4096), (0xf402, 0, 0), (0x12345678, 16, 16),
    ];

    /// <summary>FS_*_FL that can be set: synchronous, immutable, append only, no dump, no atime, top of a hierarchy,
    /// directory synchronous, project inherited, casefolded; and some that cannot.</summary>
    private static readonly uint[] s_flags =
        [0x08, 0x10, 0x20, 0x40, 0x80, 0x10000, 0x20000, 0x20000000, 0x40000000, 0x4000, 0x80000, 0x10000000, 0x4];

    /// <summary>EXT4_IOC_SHUTDOWN is left out: little can be asked behind it.</summary>
    public RequestBody Make(ulong node)
    {
        (uint command, int size, int room) = s_commands[random.Next(s_commands.Length)];
        byte[] input = Input(command, size);
        uint carried = random.Next(24) == 0 ? (uint)random.Next(300) : (uint)input.Length;
        return new RequestBody { Node = random.Next(3) == 0 ? 1 : node }.Add(new IoControlIn
        {
            Command = command,
            Argument = (ulong)random.NextInt64(),
            InputSize = carried,
            OutputSize = random.Next(24) == 0 ? (uint)random.Next(300) : (uint)room,
        }).AddBytes(input);
    }

    private byte[] Input(uint command, int size)
    {
        byte[] input = new byte[size];
        switch (command)
        {
            case 0x40086602:
                // All files of this format have extents; whoever takes that flag away is refused.
                return new RequestBody().AddWord(AnyFlags() | (random.Next(4) == 0 ? 0 : 0x80000u)).AddWord(0).ToArray();
            case 0x401c5820:
                return new RequestBody().AddWord(AnyFlags()).AddLong(0).AddWord((uint)random.Next(5)).AddLong(0)
                    .AddWord(0).ToArray();
            case 0x41009432:
                random.NextBytes(input.AsSpan(0, random.Next(20)));
                return input;
            case 0x4004662b:
                return new RequestBody().AddWord((uint)random.Next(9)).ToArray();
            case 0xc0c0583b:
                return SpaceQuery();
            case 0xc0185879:
                return new RequestBody().AddLong((ulong)random.Next(8 << 20))
                    .AddLong(random.Next(2) == 0 ? ulong.MaxValue : (ulong)random.Next(8 << 20))
                    .AddLong((ulong)random.Next(4) << 12).ToArray();
            default:
                random.NextBytes(input);
                return input;
        }
    }

    private uint AnyFlags()
    {
        uint flags = 0;
        for (int i = random.Next(3); i > 0; i--)
        {
            flags |= s_flags[random.Next(s_flags.Length)];
        }
        return flags;
    }

    /// <summary>struct fsmap_head with both bounds. Counting only, or with room for records: those would go into the
    /// memory of a process that the request does not name.</summary>
    private byte[] SpaceQuery()
    {
        var query = new RequestBody();
        query.AddWord(0).AddWord(0).AddWord(random.Next(4) == 0 ? (uint)random.Next(100) : 0).AddWord(0);
        for (int i = 0; i < 6; i++)
        {
            query.AddLong(random.Next(60) == 0 ? 1u : 0);
        }
        AddBound(query, isHigh: false);
        AddBound(query, isHigh: true);
        return query.ToArray();
    }

    private void AddBound(RequestBody query, bool isHigh)
    {
        bool isOpen = random.Next(2) == 0;
        ulong end = isHigh ? ulong.MaxValue : 0;
        query.AddWord(isOpen ? (uint)(end & uint.MaxValue) : (uint)random.Next(3)).AddWord((uint)(end & uint.MaxValue))
            .AddLong(isOpen ? end : (ulong)random.Next(8 << 20)).AddLong(isOpen ? end : (ulong)random.Next(3)).AddLong(end)
            .AddLong(isHigh ? 0 : (ulong)random.Next(3) << 12).AddLong(0).AddLong(0).AddLong(0);
    }
}
