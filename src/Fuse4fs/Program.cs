namespace Fuse4fs;

internal static class Program
{
    private static int Main() => 1;
}
