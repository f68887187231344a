using System.Text;

namespace Fuse4fs.Inspecting.Images;

/// <summary>The command line's bytes: paths in an image need not be UTF-8, and the runtime's strings lose the
/// rest.</summary>
internal static class RawArguments
{
    /// <summary>The bytes of the argument that the runtime shows as <paramref name="text"/>; its UTF-8 form when the
    /// command line cannot be read.</summary>
    public static byte[] BytesOf(string text)
    {
        byte[] line;
        try
        {
            line = File.ReadAllBytes("/proc/self/cmdline");
        }
        catch (IOException)
        {
            return Encoding.UTF8.GetBytes(text);
        }
        ReadOnlySpan<byte> rest = line;
        while (!rest.IsEmpty)
        {
            int end = rest.IndexOf((byte)0);
            ReadOnlySpan<byte> argument = end < 0 ? rest : rest[..end];
            if (Encoding.UTF8.GetString(argument) == text)
            {
                return argument.ToArray();
            }
            rest = end < 0 ? default : rest[(end + 1)..];
        }
        return Encoding.UTF8.GetBytes(text);
    }
}
