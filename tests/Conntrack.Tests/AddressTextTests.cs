using System.Runtime.InteropServices;
using System.Text;
using Xunit;

namespace TwinTrack.Conntrack.Tests;

public sealed partial class AddressTextTests
{
    [Theory]
    [InlineData("::", "::")]
    [InlineData("::1", "::1")]
    [InlineData("::102:304", "::1.2.3.4")]
    [InlineData("::ffff:102:304", "::ffff:1.2.3.4")]
    [InlineData("::ffff:0:102:304", "::ffff:0:102:304")]
    [InlineData("2001:db8:0:0:1:0:0:1", "2001:db8::1:0:0:1")]
    [InlineData("2001:db8:0:1:1:1:1:1", "2001:db8:0:1:1:1:1:1")]
    [InlineData("fe80:0:0:0:0:0:0:0", "fe80::")]
    [InlineData("1:0:0:2:0:0:0:3", "1:0:0:2::3")]
    [InlineData("255.0.10.199", "255.0.10.199")]
    public void An_address_is_printed_the_short_way(string given, string expected)
    {
        Assert.True(Address.TryParse(given, out Address address, out byte family));
        Assert.Equal(expected, Text(in address, family));
    }

    [Fact]
    public void Random_addresses_read_as_the_C_library_prints_them()
    {
        Random random = new(1);
        Span<byte> bytes = stackalloc byte[16];
        for (int i = 0; i < 20_000; i++)
        {
            // Each group is zero, ffff, small or anything, so that runs and mapped prefixes occur.
            for (int group = 0; group < 8; group++)
            {
                int value = random.Next(5) switch
                {
                    0 or 1 => 0,
                    2 => 0xffff,
                    3 => random.Next(20),
                    _ => random.Next(0x10000),
                };
                (bytes[2 * group], bytes[(2 * group) + 1]) = ((byte)(value >> 8), (byte)value);
            }

            byte family = i % 4 == 0 ? AddressFamily.IPv4 : AddressFamily.IPv6;
            Address address = Address.Read(family == AddressFamily.IPv4 ? bytes[..4] : bytes);
            Assert.Equal(LibraryText(bytes, family), Text(in address, family));
        }
    }

    [Fact]
    public void A_text_that_does_not_fit_is_refused_whole()
    {
        Assert.True(Address.TryParse("255.255.255.255", out Address address, out byte family));
        Assert.False(AddressText.TryFormat(new byte[14], in address, family, out int written));
        Assert.Equal(0, written);
        Assert.True(AddressText.TryFormat(new byte[15], in address, family, out written));
        Assert.Equal(15, written);
    }

    [LibraryImport("libc", EntryPoint = "inet_ntop")]
    private static unsafe partial nint NetworkToText(int family, byte* address, byte* text, uint size);

    private static unsafe string LibraryText(ReadOnlySpan<byte> bytes, byte family)
    {
        byte* text = stackalloc byte[46];
        fixed (byte* address = bytes)
        {
            if (NetworkToText(family, address, text, 46) == 0) throw new InvalidOperationException("inet_ntop");
        }

        return Marshal.PtrToStringUTF8((nint)text)!;
    }

    private static string Text(in Address address, byte family)
    {
        Span<byte> text = stackalloc byte[AddressText.MaxLength];
        Assert.True(AddressText.TryFormat(text, in address, family, out int written));
        return Encoding.UTF8.GetString(text[..written]);
    }
}
