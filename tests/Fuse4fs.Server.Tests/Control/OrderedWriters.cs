using System.Globalization;
using Fuse4fs.Testing;

namespace Fuse4fs.Server.Tests.Control;

/// <summary>Programs that make and remove names in an order that can be seen in any moment's state, with other work in
/// between: writes without sync, renames over names, truncation.</summary>
internal sealed class OrderedWriters : IDisposable
{
    private const int Window = 50;

    private const string Script = """
        use strict; use Fcntl; use IO::Handle;
        my $dir = $ARGV[0]; mkdir $dir or die; my $stop = 0; $SIG{TERM} = sub { $stop = 1 };
        sysopen(my $log, "$dir/log", O_WRONLY|O_CREAT|O_APPEND) or die;
        for (my $i = 0; !$stop; $i++) {
            syswrite($log, "$i\n") or die; $log->sync or die;
            sysopen(my $name, "$dir/n.$i", O_WRONLY|O_CREAT|O_EXCL) or die; close $name;
            if ($i >= 50) { unlink "$dir/n." . ($i - 50) or die; }
            sysopen(my $new, "$dir/new", O_WRONLY|O_CREAT|O_TRUNC) or die;
            syswrite($new, "x" x (($i * 997) % 60000)); close $new or die;
            rename "$dir/new", "$dir/r." . ($i % 7) or die;
            truncate("$dir/r." . (($i + 3) % 7), ($i * 31) % 4000);
            unlink "$dir/r." . (($i + 5) % 7) if $i % 11 == 0;
        }
        """;

    private readonly string _directory;
    private readonly Background[] _writers;

    public OrderedWriters(string directory, int count)
    {
        _directory = directory;
        _writers = [.. Enumerable.Range(0, count).Select(index =>
            new Background("perl", "-e", Script, Path.Combine(directory, $"w{index}")))];
    }

    /// <summary>Waits until every writer has made at least so many names more.</summary>
    public void AwaitProgress()
    {
        const int steps = 10;
        int[] before = [.. Enumerable.Range(0, _writers.Length).Select(Last)];
        Assert.True(SpinWait.SpinUntil(() => Array.TrueForAll(_writers, static writer => !writer.HasEnded)
            && Enumerable.Range(0, _writers.Length).All(index => Last(index) >= before[index] + steps),
            TimeSpan.FromMinutes(3)), "the writers do not move on");
    }

    /// <summary>What a mount of a copy shows is a state behind some step of each.</summary>
    public void Check(string mountPoint)
    {
        for (int index = 0; index < _writers.Length; index++)
        {
            string directory = Path.Combine(mountPoint, $"w{index}");
            int[] names = [.. Directory.GetFiles(directory, "n.*")
                .Select(static name => int.Parse(Path.GetFileName(name)[2..], CultureInfo.InvariantCulture)).Order()];
            Assert.NotEmpty(names);
            Assert.Equal(Enumerable.Range(names[0], names.Length), names);
            Assert.True(names[0] == 0 ? names.Length <= Window + 1 : names.Length is Window or Window + 1,
                $"writer {index}: {names.Length} names from {names[0]} on");
            // Each number was durable before its name was made; the one behind it perhaps as well.
            int last = int.Parse(File.ReadAllLines(Path.Combine(directory, "log"))[^1], CultureInfo.InvariantCulture);
            Assert.InRange(last, names[^1], names[^1] + 1);
        }
    }

    /// <summary>They end, and none of them has met an error.</summary>
    public void Stop()
    {
        Array.ForEach(_writers, static writer => writer.Signal("-TERM"));
        Assert.All(_writers, static writer => Assert.Equal(0, writer.Finish().ExitCode));
    }

    public void Dispose() => Array.ForEach(_writers, static writer => writer.Dispose());

    private int Last(int index)
    {
        string log = Path.Combine(_directory, $"w{index}", "log");
        return File.Exists(log) ? File.ReadAllLines(log).Length : 0;
    }
}
