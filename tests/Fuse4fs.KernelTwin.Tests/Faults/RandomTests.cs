using Fuse4fs.KernelTwin.Conformance;
using Fuse4fs.KernelTwin.Tests.Conformance;
using Fuse4fs.KernelTwin.Tests.Reference;
using Fuse4fs.KernelTwin.Wire;
using Xunit;

namespace Fuse4fs.KernelTwin.Tests.Faults;

/// <summary>Random operations in random order, with notifications that fail; more of them with FUSE4FS_TWIN_ROUNDS.
/// </summary>
public sealed class RandomTests
{
    private static readonly int s_rounds =
        int.TryParse(Environment.GetEnvironmentVariable("FUSE4FS_TWIN_ROUNDS"), out int rounds) ? rounds : 12;

    [Theory]
    [InlineData(true)]
    [InlineData(false)]
    public void Random_operations_in_random_order(bool isV8)
    {
        for (int round = 0; round < s_rounds; round++)
        {
            int seed = Seeds.Next();
            var choices = new Random(seed);
            RefPolicy policy = RefPolicy.Recorded with
            {
                BlockSize = 1024 << choices.Next(3),
                Delays = choices.Next(2) == 0,
                ConvertsWholeExtents = choices.Next(2) == 0,
                Upserts = choices.Next(2) == 0,
                Retries = choices.Next(2) == 0,
                IsInline = choices.Next(4) == 0,
                MostBlocks = choices.Next(2) == 0 ? int.MaxValue : 1 + choices.Next(8),
                MostAnsweredBlocks = choices.Next(2) == 0 ? int.MaxValue : 1 + choices.Next(8),
                CacheMaxBytes = choices.Next(2) == 0 ? 0u : 256,
            };
            TwinOptions options = (isV8 ? TwinOptions.V8 : TwinOptions.V9) with { Seed = seed };
            using Bench bench = ReferenceBench.Make(policy, options);
            bench.Kernel.Faults.OnNotification = (code, _) => code != NotifyCode.UpsertMappings ? Errno.Ok
                : choices.Next(6) switch { 0 => Errno.ENOMEM, 1 => Errno.ESTALE, _ => Errno.Ok };
            new RandomOperations(bench, seed, operations: 100).Run();
            bench.Finish();
        }
    }
}
