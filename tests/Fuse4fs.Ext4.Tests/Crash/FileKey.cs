using Fuse4fs.Ext4.Format;

namespace Fuse4fs.Ext4.Tests.Crash;

/// <summary>One file through all its names, and only as long as it lives: a number with its generation.</summary>
internal readonly record struct FileKey(InodeNumber Number, uint Generation)
{
    public static FileKey Of(in InodeAttributes attributes) => new(attributes.Number, attributes.Generation);
}
