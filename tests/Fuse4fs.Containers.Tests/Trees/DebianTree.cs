using Fuse4fs.Testing;

[assembly: AssemblyFixture(typeof(Fuse4fs.Containers.Tests.Trees.DebianTree))]

namespace Fuse4fs.Containers.Tests.Trees;

/// <summary>A small Debian, made by debootstrap once for all tests that ask for it. FUSE4FS_TEST_DEBIAN names a directory in
/// which one is kept between runs, FUSE4FS_TEST_MIRROR another mirror.</summary>
public sealed class DebianTree : IDisposable
{
    private readonly Lazy<(string? Path, string? Reason)> _tree;
    private readonly Lazy<string> _archive;
    private TemporaryDirectory? _directory;

    public DebianTree()
    {
        _tree = new(Make);
        _archive = new(() =>
        {
            string archive = System.IO.Path.Combine(Root, "..", "tree.tar");
            Tool.Check("tar", "-C", Root, "-cf", archive, ".");
            return System.IO.Path.GetFullPath(archive);
        });
    }

    /// <summary>Why there is none, or null.</summary>
    public string? Missing => _tree.Value.Reason;

    /// <summary>Its root. Not to be changed: to be copied, or covered by an overlay.</summary>
    public string Root => _tree.Value.Path ?? throw new InvalidOperationException(_tree.Value.Reason);

    /// <summary>The same as a tar archive.</summary>
    public string Archive => _archive.Value;

    public void Dispose() => _directory?.Dispose();

    private (string? Path, string? Reason) Make()
    {
        if (!Host.IsRoot)
        {
            return (null, "not root: no debootstrap");
        }
        string? kept = Environment.GetEnvironmentVariable("FUSE4FS_TEST_DEBIAN");
        if (kept is not null && File.Exists(System.IO.Path.Combine(kept, "etc/debian_version")))
        {
            return (kept, null);
        }
        if (Host.Without("debootstrap") is { } without)
        {
            return (null, without);
        }
        _directory = new TemporaryDirectory();
        string tree = kept ?? _directory.CreateSubdirectory("tree");
        string mirror = Environment.GetEnvironmentVariable("FUSE4FS_TEST_MIRROR") ?? "http://deb.debian.org/debian";
        ToolResult result = Tool.Run("debootstrap", "--variant=minbase", "bookworm", tree, mirror);
        return result.ExitCode == 0
            ? (tree, null)
            : (null, "debootstrap failed: " + result.Output.Trim().Split('\n')[^1]);
    }
}
