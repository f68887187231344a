using BenchmarkDotNet.Running;

namespace Fuse4fs.Benchmarks;

/// <summary>Micro-benchmarks of the engine on an image in memory, and of the block-mapping protocol against C. What a
/// mount costs is measured by scripts/bench.
/// Run: dotnet run -c Release --project tests/Fuse4fs.Benchmarks -- --filter '*'</summary>
internal static class Program
{
    private static void Main(string[] arguments) =>
        BenchmarkSwitcher.FromAssembly(typeof(Program).Assembly).Run(arguments);
}
