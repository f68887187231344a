using System.Globalization;
using System.Text;
using Fuse4fs.Ext4.Storage;
using Fuse4fs.Linux;
using Fuse4fs.Server.Mounting;

namespace Fuse4fs.Server.Sources;

/// <summary>Makes an image a block device.</summary>
internal static unsafe class LoopAttachment
{
    private const string ControlPath = "/dev/loop-control";

    /// <summary>How often a device that was free may have been taken by somebody else.</summary>
    private const int Attempts = 100;

    /// <summary>Attaches a loop device that goes when its last user has closed it, and opens it. It does its I/O past the
    /// page cache of the image where the image's file system can.</summary>
    /// <param name="image">The open image. The device keeps it open, with its locks, for as long as it is attached.
    /// </param>
    /// <param name="imagePath">Its name, for people.</param>
    /// <param name="blockSizeBytes">Of the file system: sectors may not be larger.</param>
    /// <exception cref="MountRefusedException">With a sentence for the user.</exception>
    public static DirectDevice Attach(ImageFile image, string imagePath, int blockSizeBytes)
    {
        using FileDescriptor control = LibC.Open(ControlPath, OpenFlags.ReadWrite | OpenFlags.CloseOnExec, 0);
        if (control.IsInvalid)
        {
            throw new MountRefusedException($"{imagePath}: no loop device to be had ({ControlPath}: {LibC.LastError})");
        }
        LoopConfiguration configuration = Describe(image, imagePath);
        DirectDevice device = Attach(control, imagePath, in configuration, image.IsReadOnly);
        if (device.SectorBytes <= blockSizeBytes)
        {
            return device;
        }
        // Of the size that direct I/O to the image needs. Do without, rather than tell half sectors to the kernel.
        device.Dispose();
        const uint smallestSector = 512;
        configuration.SectorBytes = smallestSector;
        configuration.Flags &= ~LoopConfiguration.DirectIo;
        return Attach(control, imagePath, in configuration, image.IsReadOnly);
    }

    private static LoopConfiguration Describe(ImageFile image, string imagePath)
    {
        var configuration = new LoopConfiguration
        {
            Descriptor = image.Descriptor.Number,
            OffsetBytes = (ulong)image.OffsetBytes,
            SizeLimitBytes = (ulong)image.LengthBytes,
            Flags = LoopConfiguration.AutoClear | LoopConfiguration.DirectIo
                | (image.IsReadOnly ? LoopConfiguration.ReadOnly : 0),
        };
        ReadOnlySpan<byte> name = Encoding.UTF8.GetBytes(imagePath);
        name[..Math.Min(name.Length, LoopConfiguration.NameBytes - 1)]
            .CopyTo(new Span<byte>(configuration.Name, LoopConfiguration.NameBytes));
        return configuration;
    }

    private static DirectDevice Attach(
        FileDescriptor control, string imagePath, in LoopConfiguration configuration, bool isReadOnly)
    {
        Errno error = Errno.Busy;
        for (int attempt = 0; attempt < Attempts && error == Errno.Busy; attempt++)
        {
            int number = LibC.IoControl(control, LoopRequest.GetFree, null);
            if (number < 0)
            {
                error = LibC.LastError;
                break;
            }
            string path = string.Create(CultureInfo.InvariantCulture, $"/dev/loop{number}");
            error = TryAttach(path, in configuration, isReadOnly, out DirectDevice? device);
            if (error == Errno.Ok)
            {
                return device!;
            }
        }
        throw new MountRefusedException($"{imagePath}: cannot be made a loop device: {error}");
    }

    private static Errno TryAttach(
        string path, in LoopConfiguration configuration, bool isReadOnly, out DirectDevice? device)
    {
        device = null;
        using FileDescriptor loop = LibC.Open(path, OpenFlags.CloseOnExec
            | (isReadOnly ? OpenFlags.ReadOnly : OpenFlags.ReadWrite), 0);
        if (loop.IsInvalid)
        {
            return LibC.LastError;
        }
        fixed (LoopConfiguration* argument = &configuration)
        {
            if (LibC.IoControl(loop, LoopRequest.Configure, argument) != 0)
            {
                return LibC.LastError;
            }
        }
        // Held open meanwhile: it would go with its last user.
        return DirectDevice.Open(path, isReadOnly, offsetBytes: 0, out device);
    }
}
