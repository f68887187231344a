using System.Runtime.InteropServices;
using Xunit;

namespace Fuse4fs.Ext4.Tests.Directories;

/// <summary>The hash of e2fsprogs' own library, called directly: hundreds of thousands of names need no process
/// each.</summary>
internal static unsafe partial class LibExt2Fs
{
    private const string Library = "libext2fs.so.2";
    private const int CasefoldFlag = 0x40000000;
    private const int Utf8Encoding = 1;

    public static void SkipUnlessPresent() =>
        Assert.SkipUnless(NativeLibrary.TryLoad(Library, out _), $"{Library} is not installed");

    public static (uint Major, uint Minor) Hash(int version, uint[] seed, ReadOnlySpan<byte> name, bool isFolded)
    {
        nint table = isFolded ? LoadNlsTable(Utf8Encoding) : 0;
        fixed (uint* words = seed)
        fixed (byte* bytes = name)
        {
            uint major;
            uint minor;
            int error = (int)DirHash2(
                version, bytes, name.Length, table, isFolded ? CasefoldFlag : 0, words, &major, &minor);
            Assert.Equal(0, error);
            return (major, minor);
        }
    }

    [LibraryImport(Library, EntryPoint = "ext2fs_load_nls_table")]
    private static partial nint LoadNlsTable(int encoding);

    [LibraryImport(Library, EntryPoint = "ext2fs_dirhash2")]
    private static partial long DirHash2(
        int version, byte* name, int length, nint table, int flags, uint* seed, uint* major, uint* minor);
}
