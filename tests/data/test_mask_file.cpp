#include "data/mask_file.h"

#include "core/check.h"
#include "data/image_io.h"
#include "data/jpeg_codec.h"
#include "tests/catch.h"
#include "tests/data/png_builder.h"
#include "tests/temporary_folder.h"

using namespace weft;
using namespace weft::test;

namespace {

using Pixels = std::vector<std::uint8_t>;

Bytes bytes_of(const std::string& text) { return {reinterpret_cast<const std::uint8_t*>(text.data()), text.size()}; }

LabelMap painted_map() {
  return LabelMap::parse(R"({"name": "shop", "labels": [
    {"id": 0, "name": "ground", "clothing": false, "colour": "#000000"},
    {"id": 7, "name": "coat", "clothing": true, "colour": "#C08000"},
    {"id": 9, "name": "thread", "clothing": true}]})",
                         "shop.json");
}

Image row(int channels, Pixels pixels) {
  Image image(static_cast<int>(pixels.size()) / channels, 1, channels);
  image.pixels = std::move(pixels);
  return image;
}

}  // namespace

TEST_CASE("a painted mask is read by the label map's colours", "[mask_file]") {
  const TemporaryFolder folder;
  const LabelMap map = painted_map();
  const auto mask = folder / "m.png";
  const auto ids = [&](const Image& image) {
    save_png(mask, image);
    return load_mask(mask, map).pixels;
  };
  CHECK(ids(row(3, {192, 128, 0, 0, 0, 0, 192, 128, 0})) == Pixels{7, 0, 7});
  CHECK(ids(row(4, {192, 128, 0, 255, 0, 0, 0, 255})) == Pixels{7, 0});
  CHECK(ids(row(1, {0, 9, 7})) == Pixels{0, 9, 7});  // grey is ids

  save_png(mask, row(3, {0, 0, 0, 192, 128, 1}));
  CHECK_THROWS_WITH(load_mask(mask, map),
                    Contains("m.png: colour #c08001 (column 1, row 0) is not in label map 'shop'"));
  CHECK_THROWS_WITH(load_mask(mask, LabelMap::load("atr")),
                    Contains("m.png: a coloured mask, and label map 'atr' has no table of colours") &&
                        Contains("--mask-threshold 128"));

  // Black and white as painting programs save it.
  save_png(mask, row(3, {0, 0, 0, 255, 255, 255}));
  CHECK(load_mask(mask, LabelMap::load("binary")).pixels == Pixels{0, 255});
}

TEST_CASE("a palette's indices are ids, whatever its colours", "[mask_file]") {
  const auto file = png::file({png::header(3, 1, 8, 3), png::chunk("PLTE", {9, 9, 9, 192, 128, 0, 0, 0, 0}),
                               png::data({0, 0, 1, 0}), png::end()});
  CHECK(decode_mask(file, "m.png", painted_map()).pixels == Pixels{0, 1, 0});
}

TEST_CASE("a mask of black and white in any format is read with a threshold", "[mask_file]") {
  const LabelMap binary = LabelMap::load("binary");
  Image mask(32, 16, 3);
  for (int y = 0; y < 16; ++y) std::fill_n(mask.at(y, 16), 3 * 16, std::uint8_t{255});
  const std::string jpeg = encode_jpeg(mask, 80);
  const Image ids = decode_mask(bytes_of(jpeg), "m.jpg", binary, 128);
  for (int y = 0; y < 16; ++y) {
    for (int x = 0; x < 32; ++x) CHECK(*ids.at(y, x) == (x >= 16));
  }
  CHECK_THROWS_WITH(
      decode_mask(bytes_of(jpeg), "m.jpg", binary),
      Contains("m.jpg: a JPEG mask; its compression changes label ids") && Contains("--mask-threshold 128"));

  const TemporaryFolder folder;
  save_png(folder / "grey.png", row(1, {0, 127, 128, 255}));
  CHECK(load_mask(folder / "grey.png", binary, 128).pixels == Pixels{0, 0, 1, 1});
  CHECK(load_mask(folder / "grey.png", binary, 1).pixels == Pixels{0, 1, 1, 1});
  CHECK_THROWS_WITH(load_mask(folder / "grey.png", binary, 256), Contains("expected a threshold of 0 to 255"));
}
