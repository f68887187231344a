using Fuse4fs.Fuse;
using Serilog;

namespace Fuse4fs.Samples;

internal static class Program
{
    private const string Usage = """
        usage: hello|null|iomap MOUNTPOINT [-o OPTION[,OPTION...]] [options]
          --workers N           threads (default: CPUs, at least 2)
          --read-ahead KIB      set the kernel's read-ahead (root)
          --uring               serve over io_uring (kernel 6.14, fuse.enable_uring)
          --verbose             log every request
        null only:
          --dirs N --files N --size BYTES   start with N directories of N files of that size
          --data zeros|pread|mapping        how reads are answered
          --backing FILE                    what files read as, for pread and mapping
          --no-writeback                    every write(2) reaches the server
        iomap only:
          --device PATH         block device for the data, which is overwritten; needs a kernel with fuse-iomap
        """;

    private static int Main(string[] arguments)
    {
        if (arguments.Length < 2 || arguments[0] is not ("hello" or "null" or "iomap"))
        {
            Console.Error.WriteLine(Usage);
            return 1;
        }
        try
        {
            var settings = SampleSettings.Parse(arguments.AsSpan(1), subtype: arguments[0]);
            using var log = new LoggerConfiguration()
                .MinimumLevel.Is(settings.LogLevel)
                .WriteTo.Console()
                .CreateLogger();
            if (arguments[0] == "iomap")
            {
                using var tree = IomapFileSystem.Open(settings.Device, out IomapFileSystem mappings);
                SampleMount.Serve(settings, tree, NullFileSystem.Wanted, log, mappings);
            }
            else if (arguments[0] == "null")
            {
                using var tree = new NullFileSystem(settings.Null);
                SampleMount.Serve(settings, tree, NullFileSystem.Wanted, log);
            }
            else
            {
                SampleMount.Serve(settings, new HelloFileSystem(), HelloFileSystem.Wanted, log);
            }
            return 0;
        }
        catch (Exception problem) when (problem is FuseException or ArgumentException or IOException)
        {
            Console.Error.WriteLine(problem.Message);
            return 1;
        }
    }
}
