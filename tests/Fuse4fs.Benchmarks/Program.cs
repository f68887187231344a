using BenchmarkDotNet.Running;
using Fuse4fs.Benchmarks.Iomap;

namespace Fuse4fs.Benchmarks;

/// <summary>Micro-benchmarks of the engine on an image in memory, and of the block-mapping protocol against C. What a
/// mount costs is measured by scripts/bench.
/// Run: dotnet run -c Release --project tests/Fuse4fs.Benchmarks -- --filter '*'; with "ratios" instead, only how what has a
/// twin in C compares with it.</summary>
internal static class Program
{
    private static void Main(string[] arguments)
    {
        if (arguments is ["ratios"])
        {
            Ratios.Print();
            return;
        }
        BenchmarkSwitcher.FromAssembly(typeof(Program).Assembly).Run(arguments);
    }
}
