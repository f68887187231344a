using Fuse4fs.KernelTwin.Devices;

namespace Fuse4fs.Iomap.Tests.Volumes;

/// <summary>An image spread over several devices in memory, by the arithmetic of the ABI document's section 11.</summary>
internal sealed class StripedImage
{
    /// <summary>Length of a strip.</summary>
    public const int WidthBytes = 16 << 10;

    private StripedImage(LockedStorage[] members) => Members = members;

    public LockedStorage[] Members { get; }

    public static StripedImage Split(string path, int members)
    {
        byte[] image = File.ReadAllBytes(path);
        int rounds = (image.Length + (members * WidthBytes) - 1) / (members * WidthBytes);
        var storages = new MemoryStorage[members];
        for (int i = 0; i < members; i++)
        {
            storages[i] = new MemoryStorage((long)rounds * WidthBytes);
        }
        for (int strip = 0; strip * WidthBytes < image.Length; strip++)
        {
            int count = Math.Min(WidthBytes, image.Length - (strip * WidthBytes));
            storages[strip % members].Write((long)(strip / members) * WidthBytes, image.AsSpan(strip * WidthBytes, count));
        }
        return new StripedImage([.. storages.Select(storage => new LockedStorage(storage))]);
    }

    /// <summary>Makes one image of it again, as long as it was.</summary>
    public void JoinInto(string path)
    {
        byte[] image = new byte[new FileInfo(path).Length];
        for (int strip = 0; strip * WidthBytes < image.Length; strip++)
        {
            int count = Math.Min(WidthBytes, image.Length - (strip * WidthBytes));
            Members[strip % Members.Length].Read(
                (long)(strip / Members.Length) * WidthBytes, image.AsSpan(strip * WidthBytes, count));
        }
        File.WriteAllBytes(path, image);
    }
}
