using Mono.Cecil;

namespace Fuse4fs.Instrument;

/// <summary>Rewrites an assembly so that it counts how often each of its basic blocks is entered: what a
/// coverage-guided fuzzer steers by. Used by scripts/fuzz on a copy of the build.</summary>
internal static class Program
{
    private static int Main(string[] arguments)
    {
        if (arguments.Length != 1)
        {
            Console.Error.WriteLine("usage: Fuse4fs.Instrument ASSEMBLY    (rewritten in place)");
            return 1;
        }
        string path = arguments[0];
        string rewritten = path + ".instrumented";
        int blocks;
        using (var resolver = new DefaultAssemblyResolver())
        {
            resolver.AddSearchDirectory(Path.GetDirectoryName(Path.GetFullPath(path)));
            var reading = new ReaderParameters { AssemblyResolver = resolver };
            using var assembly = AssemblyDefinition.ReadAssembly(path, reading);
            var map = new CoverageMap(assembly.MainModule);
            var counter = new BlockCounter(map);
            blocks = counter.InstrumentAll(assembly.MainModule);
            map.Finish(blocks);
            File.WriteAllLines(path + ".blocks", counter.Methods);
            assembly.Write(rewritten);
        }
        File.Move(rewritten, path, overwrite: true);
        Console.WriteLine($"{path}: {blocks} blocks");
        return 0;
    }
}
