using System.Text;
using Fuse4fs.Testing.Native;

namespace Fuse4fs.Testing.Images;

/// <summary>A directory being filled. Refusals that depend on the image's features are named at each call; any other
/// ends the filling.</summary>
public sealed class FillTarget(HostPath root)
{
    /// <summary>The directory.</summary>
    public HostPath Root { get; } = root;

    /// <summary>It is a directory of the host that mke2fs -d will copy: no flags that only ext4 has, nothing that
    /// cannot be deleted.</summary>
    public bool IsStaging { get; init; }

    /// <summary>The block size of the image.</summary>
    public required int BlockSizeBytes { get; init; }

    /// <summary>Something in this directory, whole path given.</summary>
    public HostPath At(string path) => Root.Child(path);

    /// <summary>A subdirectory, made.</summary>
    public FillTarget Subdirectory(string name, uint mode = 0x1ED)
    {
        HostPath path = At(name);
        Require(Posix.MakeDirectory(path, mode), "mkdir", path);
        return new FillTarget(path) { IsStaging = IsStaging, BlockSizeBytes = BlockSizeBytes };
    }

    /// <summary>A file with pseudo-random contents.</summary>
    public HostPath File(string name, int sizeBytes) => File(Encoding.UTF8.GetBytes(name), sizeBytes);

    /// <summary>A file with pseudo-random contents.</summary>
    public HostPath File(ReadOnlySpan<byte> name, int sizeBytes)
    {
        HostPath path = Root.Child(name);
        using var file = new OpenedFile(path);
        byte[] contents = new byte[sizeBytes];
        new PatternStream((ulong)sizeBytes + 1).Fill(contents);
        if (sizeBytes > 0)
        {
            file.Write(contents, 0);
        }
        return path;
    }

    /// <summary>Ends the filling when a call failed.</summary>
    /// <returns>The call's result.</returns>
    public static long Require(long outcome, string call, HostPath path, params int[] allowed) =>
        outcome >= 0 || allowed.Contains((int)-outcome)
            ? outcome
            : throw new OracleException($"{call} {path}: error {-outcome}");
}
