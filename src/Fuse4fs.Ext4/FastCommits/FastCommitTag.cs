namespace Fuse4fs.Ext4.FastCommits;

/// <summary>fc_tag: what an entry of the fast-commit area says. Docs: ext4/journal, "Fast commits".</summary>
internal enum FastCommitTag : ushort
{
    AddRange = 1,
    DeleteRange = 2,
    Create = 3,
    Link = 4,
    Unlink = 5,
    Inode = 6,
    Padding = 7,
    Tail = 8,
    Head = 9,
}
