using Fuse4fs.Ext4.Format;

namespace Fuse4fs.Inspecting.Output;

/// <summary>Modes and types in the form of ls(1).</summary>
internal static class ModeText
{
    private const int SetUserId = 0x800;
    private const int SetGroupId = 0x400;
    private const int Sticky = 0x200;

    /// <summary>Ten characters, as in "drwxr-xr-t".</summary>
    public static string Of(ushort mode)
    {
        Span<char> text = stackalloc char[10];
        text[0] = (FileKind)(mode & (int)FileKind.Mask) switch
        {
            FileKind.Directory => 'd',
            FileKind.Symlink => 'l',
            FileKind.CharacterDevice => 'c',
            FileKind.BlockDevice => 'b',
            FileKind.Fifo => 'p',
            FileKind.Socket => 's',
            _ => '-',
        };
        const string letters = "rwxrwxrwx";
        for (int i = 0; i < letters.Length; i++)
        {
            text[i + 1] = (mode & (1 << (8 - i))) != 0 ? letters[i] : '-';
        }
        text[3] = Special(text[3], (mode & SetUserId) != 0, 's');
        text[6] = Special(text[6], (mode & SetGroupId) != 0, 's');
        text[9] = Special(text[9], (mode & Sticky) != 0, 't');
        return new string(text);
    }

    /// <summary>The type as one word of JSON.</summary>
    public static string KindName(FileKind kind) => kind switch
    {
        FileKind.Regular => "file",
        FileKind.Directory => "directory",
        FileKind.Symlink => "symlink",
        FileKind.CharacterDevice => "character-device",
        FileKind.BlockDevice => "block-device",
        FileKind.Fifo => "fifo",
        FileKind.Socket => "socket",
        _ => "unknown",
    };

    private static char Special(char execute, bool isSet, char letter) =>
        !isSet ? execute : execute == 'x' ? letter : char.ToUpperInvariant(letter);
}
