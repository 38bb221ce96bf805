#include "data/png_codec.h"

#include "core/check.h"
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
  CHECK(ids({png::header(2, 1, 1, 0), png::data({0, 0x40}), end}) == Pixels{0, 1});
  CHECK(ids({png::header(2, 1, 4, 0), png::data({0, 0xC1}), end}) == Pixels{12, 1});
  CHECK(ids({png::header(2, 1, 8, 0), png::data({0, 255, 58}), end}) == Pixels{255, 58});
}

TEST_CASE("a mask without ids is refused by name", "[png]") {
  const File end = png::end();
  CHECK_THROWS_WITH(ids({png::header(1, 1, 8, 2), png::data({0, 1, 1, 1}), end}),
                    Contains("m.png: a coloured mask (RGB)"));
  CHECK_THROWS_WITH(ids({png::header(1, 1, 8, 6), png::data({0, 1, 1, 1, 1}), end}),
                    Contains("m.png: a coloured mask (RGBA)"));
  CHECK_THROWS_WITH(ids({png::header(1, 1, 8, 4), png::data({0, 1, 1}), end}), Contains("grey with alpha"));
  CHECK_THROWS_WITH(ids({png::header(1, 1, 16, 0), png::data({0, 1, 1}), end}), Contains("m.png: a mask of 16 bits"));
  CHECK_THROWS_WITH(decode_label_mask(jpeg::make(8, 8), "m.jpg"), Contains("m.jpg: a JPEG mask"));
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
