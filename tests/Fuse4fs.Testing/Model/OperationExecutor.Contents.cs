using System.Text;
using Fuse4fs.Testing.Images;
using Fuse4fs.Testing.Native;

namespace Fuse4fs.Testing.Model;

/// <summary>Operations on contents, attributes and open files.</summary>
public sealed partial class OperationExecutor
{
    private const uint GetFlags = 0x80086601;
    private const uint SetFlags = 0x40086602;

    private string ExecuteOnContents(Operation operation, HostPath path) => operation.Kind switch
    {
        OperationKind.Write => WithFile(path, OpenMode.Write, 0,
            file => Number(Posix.Write(file, Contents(operation), operation.Offset))),
        OperationKind.Append => WithFile(path, OpenMode.Write | OpenMode.Append, 0,
            file => Number(Posix.Append(file, Contents(operation)))),
        OperationKind.Read => WithFile(path, OpenMode.Read, 0, file => Read(file, operation)),
        OperationKind.Truncate => Number(Truncate(path, operation)),
        OperationKind.Allocate => WithFile(path, OpenMode.Write, 0,
            file => Number(Posix.Allocate(file, AllocateFlags(operation), operation.Offset, operation.Length + 1))),
        OperationKind.CopyRange => CopyRange(path, operation),
        OperationKind.ChangeMode => IsSymlink(path) ? "symlink" : Number(Posix.ChangeMode(path, operation.Number & 0xFFF)),
        OperationKind.ChangeOwner => Number(Posix.ChangeOwner(
            path, operation.Number % 5 * 70_000, operation.Number % 3 == 0 ? uint.MaxValue : operation.Number % 7)),
        OperationKind.ChangeTimes => Number(Posix.ChangeTimes(
            path, new HostTime(operation.Number, operation.Length), new HostTime(-(long)(operation.Number / 4), 5))),
        OperationKind.ChangeFlags => WithFile(path, OpenMode.Read, 0, file => ChangeFlags(file, operation)),
        OperationKind.OpenHandle => OpenHandle(path, operation),
        OperationKind.WriteHandle => OnHandle(operation.Handle,
            file => Number(Posix.Write(file, Contents(operation), operation.Offset))),
        OperationKind.ReadHandle => OnHandle(operation.Handle, file => Read(file, operation)),
        OperationKind.TruncateHandle => OnHandle(operation.Handle, file => Number(Posix.Truncate(file, operation.Offset))),
        OperationKind.SyncHandle => OnHandle(operation.Handle,
            file => Number(operation.Number % 2 == 0 ? Posix.Sync(file) : Posix.SyncData(file))),
        OperationKind.CloseHandle => CloseHandle(operation.Handle),
        _ => ExecuteOnXattrs(operation, path),
    };

    private string ExecuteOnXattrs(in Operation operation, HostPath path)
    {
        byte[] name = Encoding.ASCII.GetBytes(operation.Other);
        byte[] value = new byte[65_536];
        switch (operation.Kind)
        {
            case OperationKind.SetXattr:
                // Sizes that always fit, alone or together, whatever the block size. Large values are often equal;
                // of short symlinks e2fsck 1.47 does not understand them.
                bool isLarge = HasLargeValues && operation.Length % 3 == 0 && !IsSymlink(path);
                new PatternStream(isLarge ? operation.Number % 3 : operation.Number).Fill(value);
                int size = isLarge ? 200 + (operation.Length % 5 * 16_000) : operation.Length % 120;
                return Number(Posix.SetXattr(path, name, value.AsSpan(0, size), (int)(operation.Number % 3)));
            case OperationKind.GetXattr:
                int length = Posix.GetXattr(path, name, value);
                return length < 0 ? Number(length) : $"{length} {Hash(value.AsSpan(0, length))}";
            case OperationKind.RemoveXattr:
                return Number(Posix.RemoveXattr(path, name));
            case OperationKind.SetAccessList:
                ReadOnlySpan<byte> kind = operation.Number % 3 == 0
                    ? "system.posix_acl_default"u8
                    : "system.posix_acl_access"u8;
                return Number(Posix.SetXattr(path, kind, AccessList(operation)));
            default:
                int listed = Posix.ListXattr(path, value);
                string[] unordered = Encoding.ASCII.GetString(value, 0, Math.Max(0, listed)).Split('\0');
                IEnumerable<string> names = unordered.Order(StringComparer.Ordinal);
                return $"{listed} {string.Join(' ', names)}";
        }
    }

    private static byte[] AccessList(in Operation operation)
    {
        ushort rights = (ushort)(operation.Number >> 4 & 7);
        return XattrFiller.AccessList((1, 7, uint.MaxValue), (2, rights, operation.Number % 4 + 1000),
            (4, 5, uint.MaxValue), (16, rights, uint.MaxValue), (32, (ushort)(operation.Number >> 8 & 7), uint.MaxValue));
    }

    private static string Read(int file, in Operation operation)
    {
        byte[] buffer = new byte[operation.Length];
        long length = Posix.Read(file, buffer, operation.Offset / 2);
        return length < 0 ? Number(length) : $"{length} {Hash(buffer.AsSpan(0, (int)length))}";
    }

    /// <summary>truncate(2) follows links: not through one, its target may be outside.</summary>
    private static long Truncate(HostPath path, in Operation operation) =>
        IsSymlink(path) ? 0 : Posix.Truncate(path, operation.Number % 4 == 0 ? 0 : operation.Offset);

    private static bool IsSymlink(HostPath path) => Posix.Stat(path, out StatxRecord record) == 0 && (record.Mode & 0xF000) == 0xA000;

    private static AllocateMode AllocateFlags(in Operation operation) => (operation.Number % 6) switch
    {
        0 or 1 => AllocateMode.Plain,
        2 => AllocateMode.KeepSize,
        3 => AllocateMode.ZeroRange,
        4 => AllocateMode.ZeroRange | AllocateMode.KeepSize,
        _ => AllocateMode.PunchHole | AllocateMode.KeepSize,
    };

    private string CopyRange(HostPath path, Operation operation)
    {
        HostPath other = root.Child(operation.Other);
        return WithFile(path, OpenMode.Read, 0, from => WithFile(other, OpenMode.Write, 0,
            to => Number(Posix.CopyRange(from, operation.Offset / 2, to, operation.Offset, operation.Length))));
    }

    /// <summary>Immutable and append are taken back at once in most cases: they would end everything.</summary>
    private static string ChangeFlags(int file, in Operation operation)
    {
        long flags = 0;
        int outcome = Posix.Control(file, GetFlags, ref flags);
        if (outcome < 0)
        {
            return "get " + Number(outcome);
        }
        long changed = (operation.Number % 5) switch
        {
            0 => flags & ~0x30L,
            1 => flags ^ 0x40,
            2 => flags ^ 0x80,
            3 => flags | 0x10,
            _ => flags | 0x20,
        };
        outcome = Posix.Control(file, SetFlags, ref changed);
        if (operation.Number % 64 != 3)
        {
            changed &= ~0x30L;
            outcome += Posix.Control(file, SetFlags, ref changed);
        }
        // Index, extents and inline data: the last also depends on when the kernel writes back.
        return $"{flags & ~0x1008_1000:X} {outcome}";
    }

    private string OpenHandle(HostPath path, in Operation operation)
    {
        CloseHandle(operation.Handle);
        OpenMode mode = (operation.Number % 5) switch
        {
            0 => OpenMode.Read,
            1 => OpenMode.ReadWrite | OpenMode.Truncate,
            2 => OpenMode.ReadWrite | OpenMode.Append,
            3 => OpenMode.ReadWrite | OpenMode.Create,
            _ => OpenMode.ReadWrite,
        };
        int descriptor = Posix.Open(path, mode | OpenMode.NoFollow | OpenMode.NonBlocking, 0x1A4);
        _handles[operation.Handle] = descriptor;
        return descriptor < 0 ? Number(descriptor) : "opened";
    }

    private string OnHandle(int slot, Func<int, string> use) =>
        _handles[slot] < 0 ? Number(BadDescriptor) : use(_handles[slot]);

    private string CloseHandle(int slot)
    {
        int descriptor = _handles[slot];
        _handles[slot] = -1;
        return descriptor < 0 ? Number(BadDescriptor) : Number(Posix.Close(descriptor));
    }
}
