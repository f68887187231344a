using Fuse4fs.Fuse;
using Fuse4fs.Linux;
using Serilog;

namespace Fuse4fs.Samples;

internal static class Program
{
    private const string Usage = """
        usage: hello|null|disk|iomap MOUNTPOINT [-o OPTION[,OPTION...]] [options]
          --workers N           threads (default: CPUs, at least 2)
          --read-ahead KIB      set the kernel's read-ahead (root)
          --uring               serve over io_uring (kernel 6.14, fuse.enable_uring)
          --verbose             log every request
        null only:
          --dirs N --files N --size BYTES   start with N directories of N files of that size
          --data zeros|pread|mapping        how reads are answered
          --backing FILE                    what files read as, for pread and mapping
          --no-writeback                    every write(2) reaches the server
        disk and iomap, which need a kernel with fuse-iomap:
          --device PATH         block device: disk shows it as a file, iomap puts the data of files there
        """;

    private static int Main(string[] arguments)
    {
        if (arguments.Length < 2 || arguments[0] is not ("hello" or "null" or "disk" or "iomap"))
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
            Serve(arguments[0], settings, log);
            return 0;
        }
        catch (Exception problem) when (problem is FuseException or ArgumentException or IOException)
        {
            Console.Error.WriteLine(problem.Message);
            return 1;
        }
    }

    private static void Serve(string sample, SampleSettings settings, ILogger log)
    {
        switch (sample)
        {
            case "disk":
                var disk = new DiskFileSystem(OpenDevice(settings.Device, out long diskBytes), diskBytes);
                SampleMount.Serve(settings, disk, DiskFileSystem.Wanted, log, disk);
                break;
            case "iomap":
                var mappings = new IomapFileSystem(OpenDevice(settings.Device, out long bytes), bytes);
                using (mappings.Tree)
                {
                    SampleMount.Serve(settings, mappings.Tree, NullFileSystem.Wanted, log, mappings);
                }
                break;
            case "null":
                using (var tree = new NullFileSystem(settings.Null))
                {
                    SampleMount.Serve(settings, tree, NullFileSystem.Wanted, log);
                }
                break;
            default:
                SampleMount.Serve(settings, new HelloFileSystem(), HelloFileSystem.Wanted, log);
                break;
        }
    }

    /// <exception cref="IOException">It cannot be opened.</exception>
    private static FileDescriptor OpenDevice(string path, out long bytes)
    {
        const int fromTheEnd = 2;
        FileDescriptor device = LibC.Open(path, OpenFlags.ReadWrite | OpenFlags.Exclusive | OpenFlags.CloseOnExec, 0);
        bytes = device.IsInvalid ? -1 : LibC.LSeek(device, 0, fromTheEnd);
        return bytes >= 0 ? device : throw new IOException($"{path}: {LibC.LastError}");
    }
}
