using System.Text;
using Fuse4fs.Ext4.Format;
using Fuse4fs.Linux;
using Xunit;

namespace Fuse4fs.Ext4.Tests.Directories;

/// <summary>A tree in memory that knows what every operation on names must answer; random operations run on it and on a
/// volume.</summary>
internal sealed class NameModel(Volume volume, InodeNumber top, Random random, int nameKinds, FoldedNames? folded = null)
{
    private static readonly Caller s_root = new(0, 0);

    private readonly List<Node> _directories = [new Node(top, isDirectory: true, parent: null, folded is not null)];

    /// <summary>Casefolded directories refuse names that are not UTF-8.</summary>
    public bool IsStrict { get; init; }

    public int Done { get; private set; }

    /// <summary>A model of a new directory of its own.</summary>
    public static NameModel Begin(Volume volume, Random random, int nameKinds)
    {
        Assert.Equal(Errno.Ok, volume.MakeDirectory(
            InodeNumber.Root, "model"u8, 0x1ED, s_root, out InodeAttributes made));
        return new NameModel(volume, made.Number, random, nameKinds);
    }

    /// <summary>A model of a new casefolded directory of its own, in which others are or are not.</summary>
    public static NameModel BeginFolded(Volume volume, Random random, FoldedNames names, bool isStrict)
    {
        Assert.Equal(Errno.Ok, volume.MakeDirectory(
            InodeNumber.Root, "model"u8, 0x1ED, s_root, out InodeAttributes made));
        Assert.Equal(Errno.Ok, volume.SetFlags(made.Number, made.Flags | InodeFlags.Casefold));
        return new NameModel(volume, made.Number, random, 0, names) { IsStrict = isStrict };
    }

    /// <summary>One random operation, checked.</summary>
    public void Step()
    {
        Done++;
        Node directory = Pick();
        byte[] name = RandomName();
        switch (random.Next(10))
        {
            case 0 or 1:
                Create(directory, name);
                break;
            case 2:
                MakeDirectory(directory, name);
                break;
            case 3:
                Link(directory, name);
                break;
            case 4:
                Unlink(directory, name);
                break;
            case 5:
                RemoveDirectory(directory, name);
                break;
            case 6:
                Symlink(directory, name);
                break;
            case 7 when folded is not null:
                Fold(directory);
                break;
            default:
                Rename(directory, name);
                break;
        }
    }

    /// <summary>Everything the volume lists is in the model, and the other way round.</summary>
    public void AssertSame()
    {
        foreach (Node directory in _directories)
        {
            var listed = Listing.All(volume, directory.Number, 50).Where(entry => !entry.IsDot)
                .ToDictionary(entry => entry.Key, entry => entry.Inode);
            Assert.Equal(directory.Names.Values.Order(), listed.Keys.Order());
            foreach ((string key, Node child) in directory.Children)
            {
                Assert.Equal(child.Number, listed[directory.Names[key]]);
                Assert.Equal(Errno.Ok, volume.GetAttributes(child.Number, out InodeAttributes attributes));
                Assert.Equal((uint)child.Links, attributes.LinkCount);
            }
            Assert.Equal(Errno.Ok, volume.GetAttributes(directory.Number, out InodeAttributes own));
            Assert.Equal((uint)directory.Links, own.LinkCount);
            Assert.Equal(Errno.Ok, volume.Lookup(directory.Number, ".."u8, out InodeNumber parent));
            Assert.Equal(directory.Parent?.Number ?? InodeNumber.Root, parent);
        }
    }

    private void Create(Node directory, byte[] name)
    {
        Errno error = volume.Create(directory.Number, name, 0x1A4, s_root, out InodeAttributes made);
        Expect(directory.Has(name) ? Errno.Exists : Errno.Ok, error, directory, name);
        if (error == Errno.Ok)
        {
            directory.Add(name, new Node(made.Number, isDirectory: false, parent: null));
        }
    }

    private void Symlink(Node directory, byte[] name)
    {
        byte[] target = Encoding.ASCII.GetBytes(new string('t', random.Next(1, 200)));
        Errno error = volume.Symlink(directory.Number, name, target, s_root, out InodeAttributes made);
        Expect(directory.Has(name) ? Errno.Exists : Errno.Ok, error, directory, name);
        if (error == Errno.Ok)
        {
            directory.Add(name, new Node(made.Number, isDirectory: false, parent: null));
            byte[] read = new byte[4096];
            Assert.Equal(Errno.Ok, volume.ReadLink(made.Number, read, out int length));
            Assert.Equal(target, read[..length]);
        }
    }

    private void MakeDirectory(Node directory, byte[] name)
    {
        Errno error = volume.MakeDirectory(directory.Number, name, 0x1ED, s_root, out InodeAttributes made);
        Expect(directory.Has(name) ? Errno.Exists : Errno.Ok, error, directory, name);
        if (error == Errno.Ok)
        {
            var child = new Node(made.Number, isDirectory: true, directory, directory.IsFolded);
            directory.Add(name, child);
            _directories.Add(child);
        }
    }

    private void Link(Node directory, byte[] name)
    {
        Node from = Pick();
        Node? target = from.Children.Values.FirstOrDefault();
        if (target is null)
        {
            return;
        }
        Errno error = volume.Link(target.Number, directory.Number, name, s_root, out _);
        if (target.IsDirectory)
        {
            Expect(Errno.NotPermitted, error);
            return;
        }
        Expect(directory.Has(name) ? Errno.Exists : Errno.Ok, error, directory, name);
        if (error == Errno.Ok)
        {
            target.Links++;
            directory.Add(name, target);
        }
    }

    private void Unlink(Node directory, byte[] name)
    {
        Node? child = directory.Find(name);
        Errno error = volume.Unlink(directory.Number, name);
        Expect(child is null ? Errno.NoEntry : child.IsDirectory ? Errno.IsDirectory : Errno.Ok, error, directory, name);
        if (error == Errno.Ok)
        {
            Drop(directory, name);
        }
    }

    private void RemoveDirectory(Node directory, byte[] name)
    {
        Node? child = directory.Find(name);
        Errno error = volume.RemoveDirectory(directory.Number, name);
        Errno expected = child is null ? Errno.NoEntry : !child.IsDirectory ? Errno.NotDirectory
            : child.Children.Count > 0 ? Errno.NotEmpty : Errno.Ok;
        Expect(expected, error, directory, name);
        if (error == Errno.Ok)
        {
            Drop(directory, name);
        }
    }

    private void Rename(Node from, byte[] oldName)
    {
        Node to = random.Next(2) == 0 ? from : Pick();
        byte[] newName = RandomName();
        RenameFlags flags = random.Next(6) switch
        {
            0 => RenameFlags.Exchange,
            1 => RenameFlags.NoReplace,
            2 => RenameFlags.Whiteout,
            _ => RenameFlags.None,
        };
        if (random.Next(4) > 0 && from.Children.Count > 0)
        {
            oldName = Convert.FromHexString(from.Names.Values.ElementAt(random.Next(from.Children.Count)));
        }
        Node? moved = from.Find(oldName);
        Node? target = to.Find(newName);
        Errno error = volume.Rename(from.Number, oldName, to.Number, newName, flags, s_root);
        Errno expected = IsRefused(from, oldName) || (moved is not null && IsRefused(to, newName))
            ? Errno.Invalid
            : ExpectedOfRename(from, moved, to, target, flags);
        Expect(expected, error);
        if (error == Errno.Ok && moved != target)
        {
            Move(from, oldName, to, newName, flags);
        }
    }

    private static Errno ExpectedOfRename(Node from, Node? moved, Node to, Node? target, RenameFlags flags)
    {
        bool isExchange = flags == RenameFlags.Exchange;
        if (moved is null || (isExchange && target is null))
        {
            return Errno.NoEntry;
        }
        if (target is not null && flags == RenameFlags.NoReplace)
        {
            return Errno.Exists;
        }
        if (moved == target)
        {
            return Errno.Ok;
        }
        if (moved.IsAbove(to))
        {
            return Errno.Invalid;
        }
        if (target is not null && target.IsAbove(from))
        {
            return isExchange ? Errno.Invalid : Errno.NotEmpty;
        }
        if (target is null || isExchange)
        {
            return Errno.Ok;
        }
        if (moved.IsDirectory != target.IsDirectory)
        {
            return moved.IsDirectory ? Errno.NotDirectory : Errno.IsDirectory;
        }
        return target.Children.Count > 0 ? Errno.NotEmpty : Errno.Ok;
    }

    private void Move(Node from, byte[] oldName, Node to, byte[] newName, RenameFlags flags)
    {
        Node moved = from.Find(oldName)!;
        Node? target = to.Find(newName);
        // What is replaced keeps the name it had.
        oldName = from.StoredName(oldName);
        newName = to.StoredName(newName);
        from.Remove(oldName);
        if (flags == RenameFlags.Exchange)
        {
            to.Remove(newName);
            from.Add(oldName, target!);
            to.Add(newName, moved);
            return;
        }
        if (target is not null)
        {
            Drop(to, newName);
        }
        to.Add(newName, moved);
        if (flags == RenameFlags.Whiteout)
        {
            Assert.Equal(Errno.Ok, volume.Lookup(from.Number, oldName, out InodeNumber whiteout));
            from.Add(oldName, new Node(whiteout, isDirectory: false, parent: null));
        }
    }

    private void Drop(Node directory, byte[] name)
    {
        Node child = directory.Find(name)!;
        directory.Remove(name);
        child.Links--;
        if (child.IsDirectory)
        {
            _directories.Remove(child);
        }
    }

    /// <summary>Makes a directory casefolded, or an ordinary one again.</summary>
    private void Fold(Node directory)
    {
        Assert.Equal(Errno.Ok, volume.GetAttributes(directory.Number, out InodeAttributes attributes));
        Errno error = volume.SetFlags(directory.Number, attributes.Flags ^ InodeFlags.Casefold);
        Expect(directory.Children.Count > 0 ? Errno.NotEmpty : Errno.Ok, error);
        directory.IsFolded ^= error == Errno.Ok;
    }

    private bool IsRefused(Node directory, byte[] name) =>
        IsStrict && directory.IsFolded && FoldedNames.IsInvalid(name);

    private void Expect(Errno expected, Errno found, Node directory, byte[] name) =>
        Expect(IsRefused(directory, name) ? Errno.Invalid : expected, found);

    private void Expect(Errno expected, Errno found) => Assert.True(expected == found, $"step {Done}: {found}, not {expected}");

    private Node Pick() => _directories[random.Next(_directories.Count)];

    /// <summary>Few enough that operations meet, of very different lengths.</summary>
    private byte[] RandomName()
    {
        if (folded is not null)
        {
            return folded.Next();
        }
        int number = random.Next(nameKinds);
        return Encoding.ASCII.GetBytes($"{number}-" + new string('n', number % 7 == 0 ? 200 : number % 40));
    }

    /// <summary>An inode, and its names when it is a directory.</summary>
    internal sealed class Node(InodeNumber number, bool isDirectory, Node? parent, bool isFolded = false)
    {
        public InodeNumber Number { get; } = number;

        public bool IsDirectory { get; } = isDirectory;

        public bool IsFolded { get; set; } = isFolded;

        public Node? Parent { get; private set; } = parent;

        public int Links { get; set; } = isDirectory ? 2 : 1;

        /// <summary>By what names that are the same have in common.</summary>
        public Dictionary<string, Node> Children { get; } = [];

        /// <summary>The names as they were given, in hexadecimal digits.</summary>
        public Dictionary<string, string> Names { get; } = [];

        public bool Has(byte[] name) => Children.ContainsKey(KeyOf(name));

        public Node? Find(byte[] name) => Children.GetValueOrDefault(KeyOf(name));

        public byte[] StoredName(byte[] name) =>
            Names.TryGetValue(KeyOf(name), out string? stored) ? Convert.FromHexString(stored) : name;

        public void Add(byte[] name, Node child)
        {
            Children.Add(KeyOf(name), child);
            Names.Add(KeyOf(name), Convert.ToHexString(name));
            Links += child.IsDirectory ? 1 : 0;
            child.Parent = child.IsDirectory ? this : null;
        }

        public void Remove(byte[] name)
        {
            Children.Remove(KeyOf(name), out Node? child);
            Names.Remove(KeyOf(name));
            Links -= child!.IsDirectory ? 1 : 0;
        }

        public bool IsAbove(Node other)
        {
            for (Node? at = other; at is not null; at = at.Parent)
            {
                if (at == this)
                {
                    return true;
                }
            }
            return false;
        }

        private string KeyOf(byte[] name) => IsFolded ? FoldedNames.KeyOf(name) : Convert.ToHexString(name);
    }
}
