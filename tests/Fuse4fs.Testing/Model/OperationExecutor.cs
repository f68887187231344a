using System.Globalization;
using System.Security.Cryptography;
using System.Text;
using Fuse4fs.Testing.Images;
using Fuse4fs.Testing.Native;
using Fuse4fs.Testing.Trees;

namespace Fuse4fs.Testing.Model;

/// <summary>Carries operations out below a root directory and says how each ended, as text that must be the same on
/// every file system. Times, inode numbers and block counts are not part of it.</summary>
public sealed partial class OperationExecutor(HostPath root) : IDisposable
{
    /// <summary>How many files it keeps open.</summary>
    public const int Handles = 4;

    private const int BadDescriptor = -9;

    /// <summary>Attributes may be as large as the system allows: their values have inodes of their own.</summary>
    public bool HasLargeValues { get; init; }

    private readonly int[] _handles = [.. Enumerable.Repeat(-1, Handles)];

    /// <summary>Carries one out.</summary>
    public string Execute(in Operation operation)
    {
        HostPath path = root.Child(operation.Path);
        return operation.Kind switch
        {
            OperationKind.CreateFile => WithFile(
                path, OpenMode.ReadWrite | OpenMode.Create, operation.Number & 0xFFF, static _ => "created"),
            OperationKind.CreateExclusive => WithFile(path, OpenMode.Write | OpenMode.Create | OpenMode.Exclusive,
                operation.Number & 0x1FF, static _ => "created"),
            OperationKind.MakeDirectory => Number(Posix.MakeDirectory(path, operation.Number & 0x3FF | 0x1C0)),
            OperationKind.MakeNode => MakeNode(path, operation),
            OperationKind.MakeSymlink => Number(Posix.MakeSymlink(Target(operation), path)),
            OperationKind.Link => Number(Posix.Link(path, root.Child(operation.Other))),
            OperationKind.Unlink => Number(Posix.Unlink(path)),
            OperationKind.RemoveDirectory => Number(Posix.RemoveDirectory(path)),
            OperationKind.Rename => Number(Posix.Rename(path, root.Child(operation.Other), RenameFlags(operation))),
            OperationKind.FillDirectory => FillDirectory(path, operation),
            OperationKind.EmptyDirectory => EmptyDirectory(path),
            OperationKind.List => List(path),
            OperationKind.Stat => Stat(path),
            OperationKind.ReadLink => ReadLink(path),
            _ => ExecuteOnContents(operation, path),
        };
    }

    /// <inheritdoc/>
    public void Dispose()
    {
        for (int slot = 0; slot < Handles; slot++)
        {
            CloseHandle(slot);
        }
    }

    private static string Number(long outcome) => outcome.ToString(CultureInfo.InvariantCulture);

    private static string WithFile(HostPath path, OpenMode mode, uint permissions, Func<int, string> use)
    {
        int descriptor = Posix.Open(path, mode | OpenMode.NoFollow | OpenMode.NonBlocking, permissions);
        if (descriptor < 0)
        {
            return "open " + Number(descriptor);
        }
        try
        {
            return use(descriptor);
        }
        finally
        {
            Posix.Close(descriptor);
        }
    }

    private static string MakeNode(HostPath path, in Operation operation)
    {
        uint type = (operation.Number >> 16 & 3) switch { 0 => 0x1000u, 1 => 0x2000u, 2 => 0x6000u, _ => 0xC000u };
        bool isDevice = type is 0x2000 or 0x6000;
        uint major = isDevice ? operation.Number >> 20 & 0x3FF : 0;
        uint minor = isDevice ? operation.Number >> 8 & 0xFFF : 0;
        return Number(Posix.MakeNode(path, type | operation.Number & 0x1FF, major, minor));
    }

    private static byte[] Target(in Operation operation)
    {
        byte[] target = new byte[1 + (operation.Length % 300)];
        target.AsSpan().Fill((byte)('a' + (operation.Number % 26)));
        return target;
    }

    private static RenameMode RenameFlags(in Operation operation) => (operation.Number % 8) switch
    {
        0 => RenameMode.NoReplace,
        1 => RenameMode.Exchange,
        2 => RenameMode.Whiteout,
        _ => RenameMode.Replace,
    };

    private static string FillDirectory(HostPath path, in Operation operation)
    {
        int made = 0;
        int padding = operation.Length % 120;
        for (int index = 0; index < 150; index++)
        {
            string name = string.Create(CultureInfo.InvariantCulture, $"fill{operation.Number % 3}-{index}");
            int descriptor = Posix.Open(path.Child(name.PadRight(12 + padding, 'f')), OpenMode.Write | OpenMode.Create, 0x180);
            if (descriptor < 0)
            {
                return $"{made} then {descriptor}";
            }
            Posix.Close(descriptor);
            made++;
        }
        return Number(made);
    }

    /// <summary>Removes the files FillDirectory made, those with an even number in their first name's digit too.</summary>
    private static string EmptyDirectory(HostPath path)
    {
        int outcome = DirectoryReader.Read(path, out List<ListedName> names);
        int removed = 0;
        foreach (ListedName entry in names.Where(entry => entry.Name.AsSpan().StartsWith("fill"u8)))
        {
            removed += Posix.Unlink(path.Child(entry.Name)) == 0 ? 1 : 0;
        }
        return $"{outcome} {removed}";
    }

    private static string List(HostPath path)
    {
        int outcome = DirectoryReader.Read(path, out List<ListedName> names);
        IEnumerable<string> lines = names.Select(entry => $"{ByteText.Escape(entry.Name)}:{entry.Type}").Order(StringComparer.Ordinal);
        return $"{outcome} {names.Count} {Hash(Encoding.ASCII.GetBytes(string.Join('\n', lines)))}";
    }

    private static string Stat(HostPath path)
    {
        int outcome = Posix.Stat(path, out StatxRecord record);
        if (outcome < 0)
        {
            return Number(outcome);
        }
        bool isDirectory = (record.Mode & 0xF000) == 0x4000;
        string size = isDirectory ? "" : $" size {record.SizeBytes}";
        return $"mode {Convert.ToString(record.Mode, 8)} links {record.LinkCount} owner {record.User}:{record.Group}"
            + $" device {record.DeviceMajor}:{record.DeviceMinor}{size}";
    }

    private static string ReadLink(HostPath path)
    {
        byte[] target = new byte[4096];
        int length = Posix.ReadLink(path, target);
        return length < 0 ? Number(length) : ByteText.Escape(target.AsSpan(0, length));
    }

    private static string Hash(ReadOnlySpan<byte> bytes) => Convert.ToHexString(SHA256.HashData(bytes).AsSpan(0, 8));

    private static byte[] Contents(in Operation operation)
    {
        byte[] contents = new byte[operation.Length];
        new PatternStream(operation.Number).Fill(contents);
        return contents;
    }
}
