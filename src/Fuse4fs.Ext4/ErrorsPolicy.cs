namespace Fuse4fs.Ext4;

/// <summary>What happens to the volume after damage was found; the values are those of s_errors.</summary>
public enum ErrorsPolicy
{
    Continue = 1,
    RemountReadOnly = 2,
    Panic = 3,
}
