namespace Fuse4fs.Ext4.Directories;

/// <summary>Hash of a name. <paramref name="Major"/> is even: its low bit marks continuations in the index.
/// <paramref name="Minor"/> orders names of equal major hash; always 0 for the legacy hash.</summary>
internal readonly record struct NameHash(uint Major, uint Minor);
