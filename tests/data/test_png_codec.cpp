#include "data/png_codec.h"

#include "core/check.h"
#include "data/colour.h"
#include "data/image_io.h"
#include "tests/catch.h"
#include "tests/data/jpeg_builder.h"
#include "tests/data/png_builder.h"

using namespace weft;
using png::File;
using Pixels = std::vector<std::uint8_t>;

namespace {
Pixels rgb(const std::vector<File>& chunks) { return decode_image(png::file(chunks), "m.png").pixels; }
Pixels ids(const std::vector<File>& chunks) { return decode_label_mask(png::file(chunks), "m.png").pixels; }
}  // namespace

TEST_CASE("each kind of PNG becomes RGB", "[png]") {
  const File end = png::end();
  SECTION("grey of 1, 2, 4, 8 and 16 bits") {
    CHECK(rgb({png::header(2, 1, 1, 0), png::data({0, 0x40}), end}) == Pixels{0, 0, 0, 255, 255, 255});
    CHECK(rgb({png::header(2, 1, 2, 0), png::data({0, 0x60}), end}) == Pixels{85, 85, 85, 170, 170, 170});
    CHECK(rgb({png::header(2, 1, 4, 0), png::data({0, 0x1F}), end}) == Pixels{17, 17, 17, 255, 255, 255});
    CHECK(rgb({png::header(1, 1, 8, 0), png::data({0, 99}), end}) == Pixels{99, 99, 99});
    CHECK(rgb({png::header(2, 1, 16, 0), png::data({0, 0x80, 0xFF, 0x00, 0x81}), end}) ==
          Pixels{128, 128, 128, 1, 1, 1});
  }
  SECTION("RGB of 8 and 16 bits") {
    CHECK(rgb({png::header(1, 1, 8, 2), png::data({0, 1, 2, 3}), end}) == Pixels{1, 2, 3});
    CHECK(rgb({png::header(1, 1, 16, 2), png::data({0, 0xFF, 0xFF, 0, 0, 0x7F, 0x7F}), end}) == Pixels{255, 0, 127});
  }
  SECTION("a palette") {
    const File palette = png::chunk("PLTE", {10, 20, 30, 40, 50, 60});
    CHECK(rgb({png::header(2, 1, 1, 3), palette, png::data({0, 0x40}), end}) == Pixels{10, 20, 30, 40, 50, 60});
  }
  SECTION("transparency lies on white") {
    CHECK(rgb({png::header(3, 1, 8, 6), png::data({0, 0, 0, 0, 0, 0, 0, 0, 255, 100, 0, 255, 51}), end}) ==
          Pixels{255, 255, 255, 0, 0, 0, 224, 204, 255});
    CHECK(rgb({png::header(2, 1, 8, 4), png::data({0, 0, 0, 7, 255}), end}) == Pixels{255, 255, 255, 7, 7, 7});
    const File palette = png::chunk("PLTE", {10, 20, 30, 40, 50, 60}), one_clear = png::chunk("tRNS", {0});
    CHECK(rgb({png::header(2, 1, 1, 3), palette, one_clear, png::data({0, 0x40}), end}) ==
          Pixels{255, 255, 255, 40, 50, 60});
    const File clear_grey = png::chunk("tRNS", {0, 9});
    CHECK(rgb({png::header(2, 1, 8, 0), clear_grey, png::data({0, 9, 8}), end}) == Pixels{255, 255, 255, 8, 8, 8});
  }
  SECTION("interlaced rows") {  // 2 x 2: pass 1 holds pixel (0,0), pass 6 (0,1), pass 7 the second row
    CHECK(rgb({png::header(2, 2, 8, 0, 1), png::data({0, 1, 0, 2, 0, 3, 4}), end}) ==
          Pixels{1, 1, 1, 2, 2, 2, 3, 3, 3, 4, 4, 4});
  }
}

TEST_CASE("a label mask keeps its ids", "[png]") {
  const File end = png::end(), palette = png::chunk("PLTE", {200, 0, 0, 0, 200, 0, 0, 0, 200, 9, 9, 9});
  CHECK(ids({png::header(4, 1, 2, 3), palette, png::data({0, 0x1B}), end}) == Pixels{0, 1, 2, 3});
  CHECK(ids({png::header(2, 1, 8, 3), palette, png::chunk("tRNS", {0}), png::data({0, 3, 0}), end}) == Pixels{3, 0});
  CHECK(ids({png::header(2, 1, 8, 0), png::data({0, 255, 58}), end}) == Pixels{255, 58});
  // Few bits of grey stand for values of 8: what was 0, 17 and 255 comes back as that.
  CHECK(ids({png::header(2, 1, 1, 0), png::data({0, 0x40}), end}) == Pixels{0, 255});
  CHECK(ids({png::header(4, 1, 2, 0), png::data({0, 0x1B}), end}) == Pixels{0, 85, 170, 255});
  CHECK(ids({png::header(4, 1, 4, 0), png::data({0, 0x01, 0xF2}), end}) == Pixels{0, 17, 255, 34});
  // 16 bits: ids as they are, or spread over all values.
  CHECK(ids({png::header(2, 1, 16, 0), png::data({0, 0, 17, 0, 255}), end}) == Pixels{17, 255});
  CHECK(ids({png::header(2, 1, 16, 0), png::data({0, 17, 17, 0, 0}), end}) == Pixels{17, 0});
}

TEST_CASE("a mask without ids is refused by name", "[png]") {
  const File end = png::end();
  CHECK_THROWS_WITH(ids({png::header(1, 1, 8, 2), png::data({0, 1, 1, 1}), end}),
                    Contains("m.png: a coloured mask (RGB)"));
  CHECK_THROWS_WITH(ids({png::header(1, 1, 8, 6), png::data({0, 1, 1, 1, 1}), end}),
                    Contains("m.png: a coloured mask (RGBA)"));
  CHECK_THROWS_WITH(ids({png::header(1, 1, 8, 4), png::data({0, 1, 1}), end}), Contains("grey with alpha"));
  CHECK_THROWS_WITH(ids({png::header(2, 1, 16, 0), png::data({0, 1, 1, 0, 7}), end}),
                    Contains("m.png: a mask of 16 bits with values above 255"));
  CHECK_THROWS_WITH(decode_label_mask(jpeg::make(8, 8), "m.jpg"), Contains("m.jpg: a JPEG mask"));
}

TEST_CASE("ancillary chunks that are wrong or out of place are passed over", "[png]") {
  const File end = png::end(), grey = png::header(2, 1, 8, 0), grey_data = png::data({0, 9, 8});
  const File palette = png::chunk("PLTE", {10, 20, 30, 40, 50, 60}),
             long_palette = png::chunk("PLTE", File(3 * 200, 7));
  const File clear = png::chunk("tRNS", {0, 9}), data16 = png::data({0, 1, 2, 3, 100, 4, 5, 6, 255});
  const Pixels grey_pixels{9, 9, 9, 8, 8, 8};

  CHECK(rgb({grey, palette, grey_data, end}) == grey_pixels);                             // a palette in a grey picture
  CHECK(rgb({grey, grey_data, clear, png::chunk("tIME", File(7)), end}) == grey_pixels);  // chunks after the data
  CHECK(rgb({grey, png::chunk("tRNS", File(3)), grey_data, end}) == grey_pixels);
  CHECK(rgb({grey, png::chunk("iCCP", {'p', 0, 0, 1, 2}), png::chunk("gAMA", {0, 0, 1, 1}), grey_data, end}) ==
        grey_pixels);
  // Transparency where the picture has its own.
  CHECK(rgb({png::header(2, 1, 8, 6), png::chunk("tRNS", File(6)), data16, end}) ==
        rgb({png::header(2, 1, 8, 6), data16, end}));
  CHECK(rgb({png::header(2, 1, 8, 4), clear, png::data({0, 9, 255, 8, 255}), end}) == grey_pixels);
  // A palette of more entries than the depth has, transparency of more entries than the palette, or before it.
  const File indexed = png::header(2, 1, 4, 3), bits = png::data({0, 0x01});
  const Pixels colours{10, 20, 30, 40, 50, 60};
  CHECK(rgb({indexed, long_palette, bits, end}) == Pixels(6, 7));
  CHECK(rgb({indexed, palette, png::chunk("tRNS", File(9, 255)), bits, end}) == colours);
  CHECK(rgb({indexed, png::chunk("tRNS", {255, 255}), palette, bits, end}) == colours);
}

TEST_CASE("a PNG says what it misses: rows, not what would come after them", "[png]") {
  const File grey = png::header(2, 2, 8, 0), rows = png::data({0, 1, 2, 0, 3, 4});
  const File whole = png::file({grey, png::chunk("tEXt", {'a', 0, 'b'}), rows, png::end()});
  const Image expected = decode_image(whole, "m.png");
  int pictures = 0;
  for (std::size_t length = 0; length < whole.size(); ++length) {
    try {
      const Image picture = decode_image(Bytes(whole).first(length), "m.png");
      CHECK(picture == expected);
      ++pictures;
    } catch (const Error& error) {
      CHECK_THAT(error.what(), Contains("m.png: "));
    }
  }
  CHECK(pictures >= 12);          // the IEND chunk
  CHECK(pictures <= 12 + 4 + 4);  // and the sums over the data: zlib's and the chunk's
  CHECK_THROWS_WITH(decode_image(Bytes(whole).first(whole.size() - 30), "m.png"), Contains("m.png: truncated PNG"));
  File junk = whole;
  junk.insert(junk.end(), {'j', 'u', 'n', 'k'});
  CHECK(decode_image(junk, "m.png") == expected);

  File bad_crc = png::file({grey, rows, png::end()});
  bad_crc[8 + 25 + 9] ^= 1;  // inside the IDAT chunk
  CHECK_THROWS_WITH(decode_image(bad_crc, "m.png"), Contains("m.png: corrupt PNG: "));
}

TEST_CASE("any damaged byte of a PNG gives a picture or an error", "[png]") {
  const File file = png::file(
      {png::header(2, 2, 8, 0), png::chunk("tEXt", {'a', 0, 'b'}), png::data({0, 1, 2, 0, 3, 4}), png::end()});
  for (std::size_t at = 0; at < file.size(); ++at) {
    for (const int change : {0x01, 0x20, 0x80, 0xFF}) {
      File damaged = file;
      damaged[at] = static_cast<std::uint8_t>(damaged[at] ^ change);
      try {
        const Image picture = decode_image(damaged, "m.png", 1'000'000);
        CHECK(picture.pixels.size() % 3 == 0);
      } catch (const Error& error) {
        CHECK_THAT(error.what(), Contains("m.png: "));
      }
    }
  }
}

TEST_CASE("illegal PNG structure is refused", "[png]") {
  const auto refused = [](const File& file) {
    CHECK_THROWS_WITH(decode_image(file, "m.png"), Contains("m.png: ") && Contains(" PNG: "));
  };
  const File idat = png::data({0, 1, 2, 0, 3, 4}), header = png::header(2, 2, 8, 0), end = png::end();
  refused(png::file({idat, end}));
  refused(png::file({png::chunk("IHDR", File(12)), idat, end}));
  refused(png::file({png::header(0, 2, 8, 0), idat, end}));
  refused(png::file({png::header(2, 2, 3, 0), idat, end}));
  refused(png::file({png::header(2, 2, 4, 2), idat, end}));
  refused(png::file({png::header(2, 2, 8, 5), idat, end}));
  refused(png::file({header, end}));
  refused(png::file({header, header, idat, end}));
  refused(png::file({header, png::chunk("ABCD", {}), idat, end}));  // unknown, and critical by its capital
  refused(png::file({png::header(2, 2, 1, 3), png::data({0, 0x80, 0, 0x40}), end}));  // no palette
}

TEST_CASE("data and texts that inflate to far more than the picture are not inflated", "[png]") {
  File rows{0, 1, 2, 0, 3, 4};
  rows.resize(200'000'000);
  const File bomb = png::file({png::header(2, 2, 8, 0), png::data(rows), png::end()});
  CHECK(bomb.size() < 300'000);
  CHECK(decode_image(bomb, "m.png").pixels == Pixels{1, 1, 1, 2, 2, 2, 3, 3, 3, 4, 4, 4});
  // zTXt: a key, the method, what png::data() packs.
  const File packed = png::data(File(200'000'000));
  File content{'a', 0, 0};
  content.insert(content.end(), packed.begin() + 8, packed.end() - 4);
  const File text = png::chunk("zTXt", content);
  std::vector<File> chunks{png::header(2, 2, 8, 0)};
  for (int i = 0; i < 40; ++i) chunks.push_back(text);
  chunks.insert(chunks.end(), {png::data({0, 1, 2, 0, 3, 4}), png::end()});
  CHECK(decode_image(png::file(chunks), "m.png").pixels.size() == 12);
}

TEST_CASE("a chunk that claims two gigabytes takes no memory", "[png]") {
  const auto header = png::header(2, 1, 8, 0), data = png::data({0, 1, 2});
  for (const char* name : {"eXIf", "tEXt", "iCCP", "zTXt", "sPLT", "PLTE"}) {
    png::File claim = png::chunk(name, {'M', 'M', 0, 42});
    claim[0] = 0x7B;
    INFO(name);
    CHECK_THROWS_WITH(decode_png(png::file({header, claim, data, png::end()}), "p.png", {.max_pixels = 100}),
                      Contains("p.png: "));
  }
}

TEST_CASE("a PNG tells its profile and resolution", "[png]") {
  const std::string profile = rgb_profile(display_p3_primaries);
  for (const int channels : {3, 4}) {
    const std::string text = encode_png(jpeg::test_picture(7, 5, channels), {profile, {11811, 5905}});
    const DecodedPicture picture =
        decode_png({reinterpret_cast<const std::uint8_t*>(text.data()), text.size()}, "m.png", {.max_pixels = 100});
    CHECK(picture.profile == profile);
    CHECK(picture.density == Density{11811, 5905});
    CHECK(picture.image == jpeg::test_picture(7, 5, channels));
  }
  // A profile that libpng finds fault with is left out; the picture is whole.
  const std::string text = encode_png(jpeg::test_picture(7, 5), {"no profile at all", {}});
  CHECK(decode_png({reinterpret_cast<const std::uint8_t*>(text.data()), text.size()}, "m.png", {.max_pixels = 100})
            .profile.empty());
}

TEST_CASE("a PNG is turned by eXIf before or after its data, and by ImageMagick's text", "[png]") {
  const File header = png::header(2, 1, 8, 0), data = png::data({0, 5, 6}), end = png::end();
  const File block = jpeg::exif_content(6);
  const File exif = png::chunk("eXIf", File(block.begin() + 6, block.end()));
  std::string hex =
      std::string("Raw profile type exif") + '\0' + "\nexif\n      " + std::to_string(block.size()) + "\n";
  for (std::size_t i = 0; i < block.size(); ++i) hex += fmt::format("{:02x}{}", block[i], i % 36 == 35 ? "\n" : "");
  const File text = png::chunk("tEXt", File(hex.begin(), hex.end()));
  for (const auto& chunks : std::vector<std::vector<File>>{{header, exif, data, end},
                                                           {header, data, exif, end},
                                                           {header, text, data, end},
                                                           {header, data, text, end}}) {
    CHECK(decode_image(png::file(chunks), "m.png").height == 2);
    CHECK(ids(chunks) == Pixels{5, 6});
  }
}

TEST_CASE("a PNG whose data end early is refused", "[png]") {
  CHECK_THROWS_WITH(rgb({png::header(2, 2, 8, 0), png::data({0, 1, 2}), png::end()}), Contains("m.png: corrupt PNG: "));
  CHECK_THROWS_WITH(rgb({png::header(1, 1, 8, 0), png::chunk("IDAT", {1, 2, 3}), png::end()}),
                    Contains("m.png: corrupt PNG: "));
}

TEST_CASE("what encode_png writes reads back the same", "[png]") {
  for (const int channels : {1, 3, 4}) {
    Image image = jpeg::test_picture(37, 19, channels);
    if (channels == 4) {
      for (std::size_t i = 3; i < image.pixels.size(); i += 4) image.pixels[i] = 255;
    }
    const std::string text = encode_png(image);
    const Bytes file(reinterpret_cast<const std::uint8_t*>(text.data()), text.size());
    if (channels == 1) {
      CHECK(decode_label_mask(file, "m.png") == image);
    } else {
      const Image read = decode_image(file, "m.png");
      for (int c = 0; c < 3; ++c) CHECK(read.at(11, 23)[c] == image.at(11, 23)[c]);
      if (channels == 3) CHECK(read == image);
    }
  }
  CHECK_THROWS_WITH(encode_png(Image(2, 2, 2)), Contains("[encode_png] expected 1, 3 or 4 channels, got 2"));
  CHECK_THROWS_WITH(encode_png(Image(0, 2, 3)), Contains("expected a picture, got 0 x 2"));
}
