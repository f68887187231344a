using System.Globalization;
using System.Text.RegularExpressions;
using Fuse4fs.Testing;
using Fuse4fs.Testing.Images;
using Xunit;

namespace Fuse4fs.Server.Tests.Crash;

/// <summary>PostgreSQL under pgbench, and kill -9 of our server in the middle: after the next mount it recovers by
/// itself, has every transaction that it acknowledged, and all of its tables agree. FUSE4FS_TEST_POSTGRES_ROUNDS: how
/// often (1).</summary>
public sealed partial class PostgresTests
{
    private const int Scale = 2;
    private const int Clients = 4;

    private static readonly int s_rounds = int.Parse(
        Environment.GetEnvironmentVariable("FUSE4FS_TEST_POSTGRES_ROUNDS") ?? "1", CultureInfo.InvariantCulture);

    [Fact]
    public void It_recovers_all_that_it_acknowledged()
    {
        string? reason = Host.NoKernelExt4 ?? Host.NoRootFuse ?? PostgresServer.Missing;
        Assert.SkipWhen(reason is not null, reason ?? "");
        using TestImage image = ImageMaker.Make(RecipeBook.All["ext4"] with { Fill = [], SizeBytes = 1L << 30 });
        Prepare(image);
        long least = 0;
        for (int round = 0; round < s_rounds; round++)
        {
            least += RunAndKill(image, TimeSpan.FromSeconds(2 + (round % 5)));
            using (var mount = new FuseMount(image.Path, "rw,allow_other"))
            {
                using (var postgres = new PostgresServer(mount.Combine("data")))
                {
                    least = Check(postgres, least);
                    postgres.Stop();
                }
                mount.Unmount();
            }
            image.AssertClean();
        }
        Assert.True(least > 0, "nothing was acknowledged");
    }

    private static void Prepare(TestImage image)
    {
        using var mount = new FuseMount(image.Path, "rw,allow_other");
        PostgresServer.Initialize(mount.Combine("data"));
        using (var postgres = new PostgresServer(mount.Combine("data")))
        {
            postgres.Bench("-i", "-q", "-s", $"{Scale}");
            postgres.Stop();
        }
        mount.Unmount();
    }

    /// <returns>Transactions that clients were told of.</returns>
    private static long RunAndKill(TestImage image, TimeSpan time)
    {
        using var mount = new FuseMount(image.Path, "rw,allow_other");
        using var postgres = new PostgresServer(mount.Combine("data"));
        var bench = Task.Run(() => postgres.Bench("-n", "-c", $"{Clients}", "-j", "2", "-T", "600"));
        Thread.Sleep(time);
        mount.KillServer();
        string said = bench.Result;
        return long.Parse(Processed().Match(said).Groups[1].Value, CultureInfo.InvariantCulture);
    }

    /// <returns>Transactions there are: all count from now on.</returns>
    private static long Check(PostgresServer postgres, long least)
    {
        long found = postgres.Query("select count(*) from pgbench_history");
        Assert.True(found >= least, $"{found} transactions of {least} acknowledged ones");
        long sum = postgres.Query("select coalesce(sum(delta), 0) from pgbench_history");
        Assert.Equal(sum, postgres.Query("select sum(abalance) from pgbench_accounts"));
        Assert.Equal(sum, postgres.Query("select sum(bbalance) from pgbench_branches"));
        Assert.Equal(sum, postgres.Query("select sum(tbalance) from pgbench_tellers"));
        Assert.Equal(Scale * 100_000L, postgres.Query("select count(*) from pgbench_accounts"));
        postgres.CheckAll();
        return found;
    }

    [GeneratedRegex(@"number of transactions actually processed: (\d+)")]
    private static partial Regex Processed();
}
