namespace Fuse4fs.Ext4;

/// <summary>Who asks for something to be created or changed.</summary>
/// <param name="UserId">Owns what is created; 0 and the volume's reserved user may use the reserve.</param>
/// <param name="GroupId">Owns what is created, unless the directory passes its own group on.</param>
/// <param name="Umask">Permission bits taken from new files where the directory has no default ACL.</param>
/// <param name="Retains">What is found or created is retained as by Volume.Retain, before anybody else can
/// remove it.</param>
public readonly record struct Caller(uint UserId, uint GroupId, ushort Umask = 0, bool Retains = false);
