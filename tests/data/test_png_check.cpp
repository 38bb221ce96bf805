#include "data/png_check.h"

#include "core/check.h"
#include "data/image_io.h"
#include "tests/catch.h"
#include "tests/data/png_builder.h"

using namespace weft;
using png::File;

namespace {

PngInfo check(const File& file) { return check_png(file, "m.png", default_max_pixels); }

const File grey_rows{0, 1, 2, 0, 3, 4};  // 2 x 2 pixels of 8 bits
File grey_with(const std::vector<File>& before, const std::vector<File>& after = {}) {
  std::vector<File> chunks{png::header(2, 2, 8, 0)};
  chunks.insert(chunks.end(), before.begin(), before.end());
  chunks.push_back(png::data(grey_rows));
  chunks.insert(chunks.end(), after.begin(), after.end());
  chunks.push_back(png::end());
  return png::file(chunks);
}

}  // namespace

TEST_CASE("a PNG keeps only the chunks that make its picture", "[png]") {
  File file = grey_with({png::chunk("tEXt", {'a', 0, 'b'}), png::chunk("gAMA", {0, 0, 1, 1}),
                         png::chunk("iCCP", {'p', 0, 0, 1, 2})},
                        {png::chunk("tIME", File(7))});
  const PngInfo info = check(file);
  CHECK(info.width == 2);
  CHECK(info.colour == PngColour::grey);
  CHECK(info.chunks.size() == 3);
  file.insert(file.end(), {'j', 'u', 'n', 'k'});
  CHECK(check(file).chunks.size() == 3);
}

TEST_CASE("a PNG cut at any byte is refused", "[png]") {
  const File file = grey_with({png::chunk("tEXt", {'a', 0, 'b'})});
  for (std::size_t length = 0; length < file.size(); ++length) {
    CHECK_THROWS_AS(decode_image(Bytes(file).first(length), "m.png"), Error);
  }
  CHECK_THROWS_WITH(check(File(file.begin(), file.end() - 30)), Contains("m.png: truncated PNG"));
}

TEST_CASE("any damaged byte of a PNG gives a picture or an error", "[png]") {
  const File file = grey_with({png::chunk("tEXt", {'a', 0, 'b'})});
  for (std::size_t at = 0; at < file.size(); ++at) {
    for (const int change : {0x01, 0x20, 0x80, 0xFF}) {
      File damaged = file;
      damaged[at] = static_cast<std::uint8_t>(damaged[at] ^ change);
      try {
        const Image image = decode_image(damaged, "m.png");
        CHECK(image.pixels.size() == 12);
      } catch (const Error& error) {
        CHECK_THAT(error.what(), Contains("m.png: "));
      }
    }
  }
}

TEST_CASE("illegal PNG structure is refused", "[png]") {
  const auto refused = [](const File& file, const std::string& why) {
    CHECK_THROWS_WITH(check(file), Contains("m.png: ") && Contains(why));
  };
  const File idat = png::data(grey_rows), header = png::header(2, 2, 8, 0), end = png::end();

  refused(png::file({idat, end}), "it starts with chunk IDAT, expected IHDR");
  refused(png::file({png::chunk("IHDR", File(12)), idat, end}), "IHDR has 12 bytes");
  refused(png::file({png::header(0, 2, 8, 0), idat, end}), "its size is 0 x 2");
  refused(png::file({png::header(2, 2, 3, 0), idat, end}), "colour type 0 with 3 bits");
  refused(png::file({png::header(2, 2, 4, 2), idat, end}), "colour type 2 with 4 bits");
  refused(png::file({png::header(2, 2, 8, 5), idat, end}), "colour type 5");
  refused(png::file({png::header(2, 2, 8, 0, 2), idat, end}), "unknown compression, filter or interlace");
  refused(png::file({header, end}), "it has no picture data");
  refused(png::file({header, idat}), "truncated PNG: it ends at byte");
  refused(grey_with({header}), "second critical chunk IHDR");
  refused(grey_with({png::chunk("ABCD", {})}), "critical chunk ABCD");
  refused(grey_with({}, {png::chunk("tIME", File(7)), idat}), "IDAT chunks are not consecutive");
  refused(grey_with({png::chunk("PLTE", File(3))}), "a grey picture has a palette");
  refused(grey_with({png::chunk("tRNS", File(3))}), "tRNS has 3 bytes");
  refused(grey_with({}, {png::chunk("tRNS", File(2))}), "tRNS is doubled or comes after the data");

  const File indexed = png::header(2, 2, 1, 3), bits = png::data({0, 0x80, 0, 0x40});
  refused(png::file({indexed, bits, end}), "it has no palette");
  refused(png::file({indexed, png::chunk("PLTE", File(9)), bits, end}), "3 palette entries for 1-bit pixels");
  refused(png::file({indexed, png::chunk("PLTE", File(4)), bits, end}), "PLTE has 4 bytes");
  refused(png::file({indexed, bits, png::chunk("PLTE", File(6)), end}), "PLTE is doubled or comes after the data");

  File bad_crc = grey_with({});
  bad_crc[8 + 25 + 9] ^= 1;  // inside the IDAT chunk
  refused(bad_crc, "wrong CRC in chunk IDAT");
}

TEST_CASE("a PNG header that promises more than its data can hold is refused", "[png]") {
  CHECK_THROWS_WITH(check(png::file({png::header(60000, 60000, 8, 2), png::data({0}), png::end()})),
                    Contains("60000 x 60000 are 3600000000 pixels, the limit is 100000000"));
  CHECK_THROWS_WITH(check(png::file({png::header(10000, 10000, 8, 2), png::data({0}), png::end()})),
                    Contains("truncated PNG") && Contains("cannot hold 10000 x 10000 pixels"));
}

TEST_CASE("data that inflate to far more than the picture are not inflated", "[png]") {
  File rows = grey_rows;
  rows.resize(200'000'000);
  const File bomb = png::file({png::header(2, 2, 8, 0), png::data(rows), png::end()});
  CHECK(bomb.size() < 300'000);
  CHECK(decode_image(bomb, "m.png").pixels == std::vector<std::uint8_t>{1, 1, 1, 2, 2, 2, 3, 3, 3, 4, 4, 4});
}
