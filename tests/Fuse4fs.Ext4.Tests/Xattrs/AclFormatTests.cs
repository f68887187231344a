using Fuse4fs.Ext4.Xattrs;
using Fuse4fs.Linux;
using Xunit;

namespace Fuse4fs.Ext4.Tests.Xattrs;

public sealed class AclFormatTests
{
    /// <summary>user::rw- user:1000:r-- group::r-- mask::r-- other::---, as ext4 stores it.</summary>
    private static readonly byte[] Disk =
        Convert.FromHexString("01000000" + "01000600" + "02000400E8030000" + "04000400" + "10000400" + "20000000");

    /// <summary>The same as getfattr shows it.</summary>
    private static readonly byte[] Wire = Convert.FromHexString(
        "02000000" + "01000600FFFFFFFF" + "02000400E8030000" + "04000400FFFFFFFF" + "10000400FFFFFFFF" + "20000000FFFFFFFF");

    [Fact]
    public void An_acl_is_converted_to_the_wire()
    {
        byte[] wire = new byte[100];
        Assert.Equal(Errno.Ok, AclFormat.ToWire(Disk, wire, out int length));
        Assert.Equal(Wire, wire[..length]);
        Assert.Equal(Errno.Ok, AclFormat.ToWire(Disk, [], out length));
        Assert.Equal(Wire.Length, length);
        Assert.Equal(Errno.Range, AclFormat.ToWire(Disk, new byte[Wire.Length - 1], out _));
    }

    [Fact]
    public void Damaged_acls_are_invalid()
    {
        for (int length = 1; length < Disk.Length; length++)
        {
            byte[] wire = new byte[100];
            Errno error = AclFormat.ToWire(Disk.AsSpan(0, length), wire, out _);
            Assert.Equal(length switch { 4 => Errno.NoData, 8 or 16 or 20 or 24 => Errno.Ok, _ => Errno.Invalid }, error);
        }
        byte[] wrongVersion = (byte[])Disk.Clone();
        wrongVersion[0] = 2;
        Assert.Equal(Errno.Invalid, AclFormat.ToWire(wrongVersion, [], out _));
        byte[] wrongTag = (byte[])Disk.Clone();
        wrongTag[4] = 3;
        Assert.Equal(Errno.Invalid, AclFormat.ToWire(wrongTag, [], out _));
    }
}
