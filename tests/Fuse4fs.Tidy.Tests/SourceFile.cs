namespace Fuse4fs.Tidy.Tests;

/// <summary>One source file.</summary>
/// <param name="Path">From the repository's root.</param>
/// <param name="Text">All of it.</param>
/// <param name="Lines">Without line ends.</param>
internal sealed record SourceFile(string Path, string Text, string[] Lines)
{
    public static SourceFile Read(string path)
    {
        string text = File.ReadAllText(System.IO.Path.Combine(SourceTree.Root, path));
        return new SourceFile(path, text, text.Split('\n'));
    }

    /// <summary>Line numbers, from 1, of lines that match.</summary>
    public IEnumerable<string> Where(Func<string, bool> predicate, string complaint)
    {
        for (int index = 0; index < Lines.Length; index++)
        {
            if (predicate(Lines[index]))
            {
                yield return $"{Path}:{index + 1}: {complaint}";
            }
        }
    }
}
