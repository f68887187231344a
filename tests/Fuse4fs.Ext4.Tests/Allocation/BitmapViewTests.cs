using Fuse4fs.Ext4.Allocation;
using Xunit;

namespace Fuse4fs.Ext4.Tests.Allocation;

/// <summary>Bitmap operations against the same done bit by bit.</summary>
public sealed class BitmapViewTests
{
    [Fact]
    public void Operations_agree_with_an_array_of_bools()
    {
        int seed = Environment.TickCount;
        var random = new Random(seed);
        for (int round = 0; round < 300; round++)
        {
            int bits = 64 * random.Next(1, 12);
            byte[] bytes = new byte[bits / 8];
            bool[] model = new bool[bits];
            var view = new BitmapView(bytes);
            for (int step = 0; step < 40; step++)
            {
                int start = random.Next(bits);
                int length = random.Next(1, Math.Min(bits - start, 1 << random.Next(1, 9)) + 1);
                bool isSet = random.Next(2) == 0;
                if (isSet)
                {
                    view.Set(start, length);
                }
                else
                {
                    view.Clear(start, length);
                }
                Array.Fill(model, isSet, start, length);
                AssertSame(view, model, random, seed);
            }
        }
    }

    [Fact]
    public void An_image_bitmap_counts_bit_n_from_the_low_end_of_byte_n_over_8()
    {
        byte[] bytes = new byte[8];
        new BitmapView(bytes).Set(9, 3);
        Assert.Equal(0b0000_1110, bytes[1]);
    }

    private static void AssertSame(BitmapView view, bool[] model, Random random, int seed)
    {
        int from = random.Next(model.Length);
        int end = random.Next(from, model.Length + 1);
        string where = $"seed {seed}, {from} to {end}";
        Assert.True(Next(model, from, end, true) == view.NextSet(from, end), where);
        Assert.True(Next(model, from, end, false) == view.NextClear(from, end), where);
        Assert.True(Enumerable.Range(from, end - from).Count(i => !model[i]) == view.CountClear(from, end), where);
        Assert.True(view[from] == model[from], where);
        if (!model[from])
        {
            int start = from;
            while (start > 0 && !model[start - 1])
            {
                start--;
            }
            Assert.True(start == view.RunStart(from), where);
        }
    }

    private static int Next(bool[] model, int from, int end, bool wanted)
    {
        int found = Array.IndexOf(model, wanted, from, end - from);
        return found < 0 ? end : found;
    }
}
