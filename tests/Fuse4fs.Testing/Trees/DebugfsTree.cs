using System.Globalization;
using System.Text;
using System.Text.RegularExpressions;
using Fuse4fs.Testing.Native;

namespace Fuse4fs.Testing.Trees;

/// <summary>Captures a tree through debugfs, for images this kernel cannot mount. It knows fewer fields than a mount:
/// see <see cref="Unknown"/>.</summary>
public sealed partial class DebugfsTree
{
    /// <summary>Fields debugfs cannot tell as system calls do.</summary>
    public static readonly string[] Unknown =
        ["block-size", "attributes", "extended-flags", "entry-type", "readdir", "ranges"];

    private const long BiggestDumpBytes = 24 << 20;
    private const uint VisibleFlags = 0x705B_DFFF;
    private const int Batch = 200;

    private readonly string _image;
    private readonly TreeSnapshot _snapshot = new();
    private readonly TemporaryDirectory _dumps;

    private DebugfsTree(string image, TemporaryDirectory dumps)
    {
        _image = image;
        _dumps = dumps;
    }

    /// <summary>Everything in an image but the file system's figures.</summary>
    public static TreeSnapshot Capture(string image)
    {
        using var dumps = new TemporaryDirectory();
        var tree = new DebugfsTree(image, dumps);
        tree.Walk();
        return tree._snapshot;
    }

    private void Walk()
    {
        var seen = new Dictionary<long, NodeRecord>();
        var pending = new Queue<(string Name, long Inode)>([("/", 2)]);
        tree(2, "/", "40755");
        while (pending.TryDequeue(out (string Name, long Inode) directory))
        {
            string listing = Debugfs.Read(_image, $"ls -p <{directory.Inode}>");
            foreach ((long inode, string mode, string name) in ParseListing(listing))
            {
                string path = (directory.Name == "/" ? "" : directory.Name) + "/" + name;
                tree(inode, path, mode);
                _snapshot.At(path).Set("entry-inode", inode);
                if (mode.StartsWith("40", StringComparison.Ordinal))
                {
                    pending.Enqueue((path, inode));
                }
            }
        }
        foreach (KeyValuePair<long, NodeRecord>[] part in seen.Chunk(Batch))
        {
            FillIn(part);
        }
        foreach (NodeRecord node in _snapshot.Nodes.Values)
        {
            CopyShared(node, seen[long.Parse(node["inode"], CultureInfo.InvariantCulture)]);
        }

        void tree(long inode, string path, string mode)
        {
            NodeRecord node = _snapshot.At(path);
            node.Set("inode", inode);
            node["mode"] = mode;
            seen.TryAdd(inode, node);
        }
    }

    /// <summary>"/inode/mode/user/group/name/size/" and a line end; only names can hold line ends.</summary>
    private static IEnumerable<(long Inode, string Mode, string Name)> ParseListing(string listing)
    {
        string[] fields = listing[listing.IndexOf("\n/", StringComparison.Ordinal)..].Split('/');
        for (int first = 1; first + 6 < fields.Length; first += 7)
        {
            string name = fields[first + 4];
            bool isUnused = fields[first] == "0";
            if (!isUnused && name is not "." and not "..")
            {
                yield return (long.Parse(fields[first], CultureInfo.InvariantCulture), fields[first + 1].TrimStart('0'),
                    ByteText.Escape(Encoding.Latin1.GetBytes(name)));
            }
        }
    }

    private void FillIn(KeyValuePair<long, NodeRecord>[] nodes)
    {
        string[] answers = Ask(nodes.Select(node => $"stat <{node.Key}>"));
        for (int index = 0; index < nodes.Length; index++)
        {
            FillAttributes(nodes[index].Value, answers[index]);
        }
        string[] lists = Ask(nodes.Select(node => $"ea_list <{node.Key}>"));
        var wanted = new List<(NodeRecord Node, string Name, string File, string Request)>();
        for (int index = 0; index < nodes.Length; index++)
        {
            foreach (Match attribute in AttributeLine().Matches(lists[index]))
            {
                string name = attribute.Groups[1].Value;
                string file = _dumps.Combine($"value-{wanted.Count}");
                wanted.Add((nodes[index].Value, name, file, $"ea_get -f {file} <{nodes[index].Key}> {name}"));
            }
        }
        Ask(wanted.Select(request => request.Request));
        foreach ((NodeRecord node, string name, string file, _) in wanted)
        {
            byte[] value = File.ReadAllBytes(file);
            if (name.StartsWith("system.posix_acl", StringComparison.Ordinal))
            {
                ForgetUnusedIds(value);
            }
            node["xattr " + name] = $"{value.Length}={ContentHash.Describe(value)}";
        }
        FillContents(nodes);
    }

    /// <summary>Only entries for a named user (2) and a named group (8) have an id; the kernel answers -1 in others.
    /// </summary>
    private static void ForgetUnusedIds(Span<byte> list)
    {
        for (Span<byte> entry = list[4..]; !entry.IsEmpty; entry = entry[8..])
        {
            if (entry[0] is not 2 and not 8)
            {
                entry[4..8].Fill(0xFF);
            }
        }
    }

    private void FillContents(KeyValuePair<long, NodeRecord>[] nodes)
    {
        KeyValuePair<long, NodeRecord>[] wanted = [.. nodes.Where(node => IsDumped(node.Value))];
        Ask(wanted.Select(node => $"dump <{node.Key}> {_dumps.Combine($"{node.Key}")}"));
        foreach ((long inode, NodeRecord node) in wanted)
        {
            // Of inline contents debugfs writes all 60 bytes of the inode.
            long size = long.Parse(node["size"], CultureInfo.InvariantCulture);
            byte[] contents = [.. File.ReadAllBytes(_dumps.Combine($"{inode}")).Take((int)size)];
            if (node["mode"].StartsWith("12", StringComparison.Ordinal))
            {
                node["target"] = ByteText.Escape(contents);
            }
            else
            {
                node["contents"] = ContentHash.Of(contents.Length, "", (buffer, offset) =>
                {
                    int length = (int)Math.Min(buffer.Length, contents.Length - offset);
                    contents.AsSpan((int)offset, length).CopyTo(buffer);
                    return length;
                });
            }
            File.Delete(_dumps.Combine($"{inode}"));
        }
    }

    /// <summary>Regular files of moderate size, and symlinks whose target is in a block.</summary>
    private static bool IsDumped(NodeRecord node)
    {
        bool isFile = node["mode"].StartsWith("10", StringComparison.Ordinal) && node["mode"].Length == 6;
        bool isSlowLink = node["mode"].StartsWith("12", StringComparison.Ordinal) && node["target"].Length == 0;
        return (isFile && long.Parse(node["size"], CultureInfo.InvariantCulture) <= BiggestDumpBytes) || isSlowLink;
    }

    private static void FillAttributes(NodeRecord node, string answer)
    {
        string Field(string name) => Regex.Match(answer, name + @":\s*(\S+)").Groups[1].Value;
        // Printed as signed numbers.
        node.Set("user", (uint)int.Parse(Field("User"), CultureInfo.InvariantCulture));
        node.Set("group", (uint)int.Parse(Field("Group"), CultureInfo.InvariantCulture));
        node["size"] = Field("Size");
        node["links"] = Field("Links");
        node["blocks"] = Field("Blockcount");
        Match device = Regex.Match(answer, @"major/minor number: (\d+):(\d+)");
        node["device"] = device.Success
            ? $"{int.Parse(device.Groups[1].Value, CultureInfo.InvariantCulture)}:"
                + $"{int.Parse(device.Groups[2].Value, CultureInfo.InvariantCulture)}"
            : "0:0";
        node["access-time"] = Time(answer, "atime");
        node["modification-time"] = Time(answer, "mtime");
        node["change-time"] = Time(answer, "ctime");
        node["birth-time"] = Time(answer, "crtime");
        bool isOpenable = node["mode"].StartsWith('4') || node["mode"].StartsWith("100", StringComparison.Ordinal)
            || (node["mode"].StartsWith("10", StringComparison.Ordinal) && node["mode"].Length == 6);
        if (isOpenable)
        {
            uint flags = uint.Parse(Field("Flags")[2..], NumberStyles.HexNumber, CultureInfo.InvariantCulture);
            node["flags"] = (flags & VisibleFlags).ToString("X", CultureInfo.InvariantCulture);
            node["generation"] = Field("Generation");
        }
        const string fast = "Fast link dest: \"";
        int start = answer.IndexOf(fast, StringComparison.Ordinal);
        if (start >= 0)
        {
            int length = int.Parse(node["size"], CultureInfo.InvariantCulture);
            node["target"] = ByteText.Escape(Encoding.Latin1.GetBytes(answer.Substring(start + fast.Length, length)));
        }
    }

    /// <summary>Seconds are signed 32 bits; of the extra word 2 bits extend them, 30 are nanoseconds. Docs: ext4,
    /// "Inode Timestamps".</summary>
    private static string Time(string answer, string name)
    {
        Match match = Regex.Match(answer, @"(?<![a-z])" + name + ": 0x([0-9a-f]{8})(?::([0-9a-f]{8}))?");
        if (!match.Success)
        {
            return "none";
        }
        long seconds = int.Parse(match.Groups[1].Value, NumberStyles.HexNumber, CultureInfo.InvariantCulture);
        uint extra = match.Groups[2].Success
            ? uint.Parse(match.Groups[2].Value, NumberStyles.HexNumber, CultureInfo.InvariantCulture)
            : 0;
        return new StatxTime(seconds + ((long)(extra & 3) << 32), extra >> 2).ToString();
    }

    /// <summary>One process for many requests; debugfs echoes each before its answer.</summary>
    private string[] Ask(IEnumerable<string> requests)
    {
        string[] all = [.. requests];
        if (all.Length == 0)
        {
            return [];
        }
        string output = Debugfs.Read(_image, all);
        string[] answers = new string[all.Length];
        int position = 0;
        for (int index = 0; index < all.Length; index++)
        {
            string echo = $"debugfs: {all[index]}\n";
            int start = output.IndexOf(echo, position, StringComparison.Ordinal) + echo.Length;
            int end = index + 1 < all.Length
                ? output.IndexOf($"debugfs: {all[index + 1]}\n", start, StringComparison.Ordinal)
                : output.Length;
            answers[index] = output[start..end];
            position = end;
        }
        return answers;
    }

    private static void CopyShared(NodeRecord node, NodeRecord source)
    {
        foreach ((string field, string value) in source.Fields.Where(_ => node != source))
        {
            if (field != "entry-inode")
            {
                node[field] = value;
            }
        }
    }

    /// <summary>system.data is the rest of inline contents.</summary>
    [GeneratedRegex(@"^  (?!system\.data)(\S+) \(\d+\)", RegexOptions.Multiline)]
    private static partial Regex AttributeLine();
}
