using Fuse4fs.Ext4;
using Fuse4fs.Ext4.Format;
using Fuse4fs.Inspecting.Archives;
using Fuse4fs.Inspecting.Output;
using Fuse4fs.Linux;
using Fuse4fs.Testing;

namespace Fuse4fs.Inspecting.Tests.Hostile;

/// <summary>Opens one mutant, asks it everything, exports it, and holds it to its bounds.</summary>
internal static class MutantRun
{
    private const long MostAllocatedBytes = 256L << 20;
    private const long MostBytesReadPerImageByte = 400;

    /// <summary>One mutant of so many is changed, too.</summary>
    private const int WritingShare = 6;

    /// <summary>Runs one mutant on this thread.</summary>
    /// <param name="image">The mutant.</param>
    /// <param name="deviceBytes">How much of it there is.</param>
    /// <param name="random">Decides what is asked.</param>
    /// <param name="isWritten">A copy is changed, too; else of one in <see cref="WritingShare"/>.</param>
    /// <returns>Whether the volume could be opened.</returns>
    /// <exception cref="MutantFailedException">Something happened that must not.</exception>
    public static bool Run(byte[] image, int deviceBytes, Random random, bool isWritten = false)
    {
        long allocatedBefore = GC.GetAllocatedBytesForCurrentThread();
        var device = new BoundedDevice(image, deviceBytes);
        bool wasOpened = false;
        try
        {
            using Volume volume = Volume.Open(device, OptionsFor(random));
            wasOpened = true;
            new EngineWalk(volume, random).Run();
            Export(volume, image.Length);
        }
        catch (VolumeRefusedException)
        {
            // Refused with a sentence, as it should be.
        }
        catch (Exception failure) when (failure is not MutantFailedException)
        {
            throw new MutantFailedException($"{failure.GetType().Name}: {failure.Message}", failure);
        }
        if (wasOpened && (isWritten || random.Next(WritingShare) == 0))
        {
            Write(image.AsSpan(0, deviceBytes).ToArray(), random);
        }
        long allocated = GC.GetAllocatedBytesForCurrentThread() - allocatedBefore;
        if (allocated > MostAllocatedBytes)
        {
            throw new MutantFailedException($"{allocated >> 20} MiB were allocated");
        }
        if (device.BytesRead > MostBytesReadPerImageByte * image.Length)
        {
            throw new MutantFailedException($"{device.BytesRead >> 20} MiB were read of {image.Length >> 20}");
        }
        return wasOpened;
    }

    /// <summary>On a copy of its own.</summary>
    private static void Write(byte[] copy, Random random)
    {
        try
        {
            using Volume volume = Volume.Open(new MemoryDevice(copy), new VolumeOptions { CacheBytes = 1 << 20 });
            if (!volume.IsReadOnly)
            {
                new WritingWalk(volume, random).Run();
            }
        }
        catch (VolumeRefusedException)
        {
            // Read-only it was worth a try, writable it is not.
        }
        catch (Exception failure) when (failure is not MutantFailedException)
        {
            throw new MutantFailedException($"while written to: {failure.GetType().Name}: {failure.Message}", failure);
        }
    }

    private static VolumeOptions OptionsFor(Random random) => new()
    {
        ReadOnly = true,
        LoadJournal = random.Next(8) != 0,
        SuperblockNumber = random.Next(20) == 0 ? 8193u : null,
        CacheBytes = 1 << 20,
    };

    private static void Export(Volume volume, int imageBytes)
    {
        using var archive = new CountingStream(64L * imageBytes);
        var export = new TarExport(volume, archive, new Problems(TextWriter.Null), progress: null);
        if (volume.GetAttributes(InodeNumber.Root, out InodeAttributes root) == Errno.Ok)
        {
            export.Write(in root, default);
        }
    }
}
