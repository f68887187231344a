using System.Globalization;
using System.Text;
using Fuse4fs.Ext4;
using Fuse4fs.Ext4.Files;
using Fuse4fs.Ext4.Format;
using Fuse4fs.Linux;

namespace Fuse4fs.Inspecting.Archives;

/// <summary>Where a file has data, and how a PAX archive says so: GNU tar's sparse format 1.0, where the map stands in
/// front of the data. GNU tar manual, "PAX Format, Version 1.0".</summary>
internal sealed class SparseMap
{
    private SparseMap(IReadOnlyList<DataPart> parts, long sizeBytes)
    {
        Parts = parts;
        SizeBytes = sizeBytes;
        foreach (DataPart part in parts)
        {
            DataBytes += part.Length;
        }
    }

    /// <summary>In order; none when the file is one hole.</summary>
    public IReadOnlyList<DataPart> Parts { get; }

    /// <summary>Size of the file.</summary>
    public long SizeBytes { get; }

    /// <summary>Bytes that are not in holes.</summary>
    public long DataBytes { get; }

    /// <summary>The file has holes.</summary>
    public bool IsSparse => DataBytes < SizeBytes;

    /// <summary>Asks the volume for a file's data parts.</summary>
    /// <param name="volume">Open.</param>
    /// <param name="attributes">The file's.</param>
    /// <param name="mostDataBytes">What the volume has room for. A damaged map may claim any amount, block by block.
    /// </param>
    /// <exception cref="Ext4CorruptException">The file's map is damaged.</exception>
    /// <exception cref="InspectionException">The file cannot be asked, or has more data than it can have.</exception>
    public static SparseMap Read(Volume volume, in InodeAttributes attributes, long mostDataBytes)
    {
        long dataBytes = 0;
        var parts = new List<DataPart>();
        for (long at = 0; at < attributes.SizeBytes;)
        {
            Errno error = volume.Seek(attributes.Number, at, SeekKind.Data, out long data);
            if (error == Errno.NoDeviceAddress)
            {
                break;
            }
            long hole = 0;
            if (error == Errno.Ok)
            {
                error = volume.Seek(attributes.Number, data, SeekKind.Hole, out hole);
            }
            if (error != Errno.Ok || hole <= data)
            {
                throw new InspectionException(Output.ErrnoText.Of(error));
            }
            dataBytes += hole - data;
            if (dataBytes > mostDataBytes)
            {
                throw new InspectionException("more data than the volume has blocks: damaged, left out");
            }
            parts.Add(new DataPart(data, hole - data));
            at = hole;
        }
        return new SparseMap(parts, attributes.SizeBytes);
    }

    /// <summary>The map as it stands in front of the data: the number of parts, then offset and length of each, a
    /// number per line, filled up to a block. A last part of length 0 gives a trailing hole its end.</summary>
    public byte[] Render()
    {
        var text = new StringBuilder();
        bool endsInHole = Parts.Count == 0 || Parts[^1].Offset + Parts[^1].Length < SizeBytes;
        text.Append(CultureInfo.InvariantCulture, $"{Parts.Count + (endsInHole ? 1 : 0)}\n");
        foreach (DataPart part in Parts)
        {
            text.Append(CultureInfo.InvariantCulture, $"{part.Offset}\n{part.Length}\n");
        }
        if (endsInHole)
        {
            text.Append(CultureInfo.InvariantCulture, $"{SizeBytes}\n0\n");
        }
        int rest = text.Length % TarHeader.BlockBytes;
        text.Append('\0', rest == 0 ? 0 : TarHeader.BlockBytes - rest);
        return Encoding.ASCII.GetBytes(text.ToString());
    }
}
