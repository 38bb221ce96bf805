#include "data/exif.h"

#include "core/check.h"
#include "tests/catch.h"

using namespace weft;

namespace {

int exif_orientation(Bytes block) { return read_exif(block).orientation; }

Image grey(int width, int height, std::vector<std::uint8_t> pixels) {
  Image image(width, height, 1);
  image.pixels = std::move(pixels);
  return image;
}

using File = std::vector<std::uint8_t>;

const File big{'M', 'M', 0, 42,   0,    0, 0, 8, 0, 2, 1, 0, 0, 3, 0, 0, 0, 1, 0,
               9,   0,   0, 0x01, 0x12, 0, 3, 0, 0, 0, 1, 0, 6, 0, 0, 0, 0, 0, 0};
const File little{'I', 'I', 42, 0, 8, 0, 0, 0, 1, 0, 0x12, 0x01, 3, 0, 1, 0, 0, 0, 8, 0, 0, 0, 0, 0, 0, 0};

File changed(File file, std::size_t at, std::vector<int> bytes) {
  for (std::size_t i = 0; i < bytes.size(); ++i) file.at(at + i) = static_cast<std::uint8_t>(bytes[i]);
  return file;
}

}  // namespace

TEST_CASE("EXIF orientation is read in both byte orders", "[exif]") {
  CHECK(exif_orientation(big) == 6);
  CHECK(exif_orientation(little) == 8);
}

TEST_CASE("EXIF orientation may be of any integer type", "[exif]") {
  for (const int type : {1, 3, 4, 6, 8, 9}) CHECK(exif_orientation(changed(little, 12, {type})) == 8);
  // Big-endian numbers of less than four bytes stand at the left of their four.
  const std::size_t type = 8 + 2 + 12 + 3, value = 8 + 2 + 12 + 8;
  CHECK(exif_orientation(changed(changed(big, type, {4}), value, {0, 0, 0, 6})) == 6);
  CHECK(exif_orientation(changed(changed(big, type, {1}), value, {6, 0, 0, 0})) == 6);
  CHECK(exif_orientation(changed(changed(big, type, {9}), value, {0, 0, 0, 3})) == 3);
}

TEST_CASE("EXIF says resolution and program, and what is written reads back", "[exif]") {
  for (const Exif& exif : {Exif{1, {11811, 5900}, "weft"}, Exif{1, {}, "abc"}, Exif{1, {300, 300}, ""}, Exif{}}) {
    const std::string block = write_exif(exif);
    for (const std::string& prefix : {std::string(), std::string("Exif\0\0", 6)}) {
      const std::string whole = prefix + block;
      const Exif read = read_exif({reinterpret_cast<const std::uint8_t*>(whole.data()), whole.size()});
      CHECK(read.density == exif.density);
      CHECK(read.software == exif.software);
      CHECK(read.orientation == 1);
    }
    for (std::size_t length = 0; length < block.size(); ++length) {
      read_exif({reinterpret_cast<const std::uint8_t*>(block.data()), length});
    }
  }
}

TEST_CASE("a damaged EXIF block means: as stored", "[exif]") {
  for (std::size_t length = 0; length < big.size(); ++length) {
    const int orientation = exif_orientation(Bytes(big).first(length));
    CHECK((orientation == 1 || orientation == 6));
  }
  CHECK(exif_orientation(changed(little, 0, {'X'})) == 1);
  CHECK(exif_orientation(changed(little, 2, {43})) == 1);
  CHECK(exif_orientation(changed(little, 4, {0xFF, 0xFF, 0xFF, 0xFF})) == 1);  // directory past the end
  CHECK(exif_orientation(changed(little, 8, {0xFF, 0xFF, 0, 0})) == 1);        // more entries than bytes
  CHECK(exif_orientation(changed(little, 12, {2})) == 1);                      // a text
  CHECK(exif_orientation(changed(little, 14, {0, 0, 0, 0})) == 1);             // no value
  CHECK(exif_orientation(changed(little, 18, {0})) == 1);
  CHECK(exif_orientation(changed(little, 18, {9})) == 1);
  CHECK(exif_orientation(changed(little, 22, {8, 0, 0, 0})) == 8);  // the next directory is this one: not followed
}

// The letter F, stored so that orientation k makes it upright (the picture of the EXIF specification).
TEST_CASE("each of the eight orientations comes out upright", "[exif]") {
  const Image upright = grey(3, 4,
                             {1, 1, 1,  //
                              1, 0, 0,  //
                              1, 1, 0,  //
                              1, 0, 0});
  CHECK(apply_orientation(upright, 1) == upright);
  CHECK(apply_orientation(grey(3, 4, {1, 1, 1, 0, 0, 1, 0, 1, 1, 0, 0, 1}), 2) == upright);
  CHECK(apply_orientation(grey(3, 4, {0, 0, 1, 0, 1, 1, 0, 0, 1, 1, 1, 1}), 3) == upright);
  CHECK(apply_orientation(grey(3, 4, {1, 0, 0, 1, 1, 0, 1, 0, 0, 1, 1, 1}), 4) == upright);
  CHECK(apply_orientation(grey(4, 3, {1, 1, 1, 1, 1, 0, 1, 0, 1, 0, 0, 0}), 5) == upright);
  CHECK(apply_orientation(grey(4, 3, {1, 0, 0, 0, 1, 0, 1, 0, 1, 1, 1, 1}), 6) == upright);
  CHECK(apply_orientation(grey(4, 3, {0, 0, 0, 1, 0, 1, 0, 1, 1, 1, 1, 1}), 7) == upright);
  CHECK(apply_orientation(grey(4, 3, {1, 1, 1, 1, 0, 1, 0, 1, 0, 0, 0, 1}), 8) == upright);
  CHECK_THROWS_WITH(apply_orientation(upright, 9), Contains("expected 1 to 8, got 9"));
}

TEST_CASE("orientation moves whole pixels", "[exif]") {
  Image stored(2, 1, 3);
  stored.pixels = {1, 2, 3, 4, 5, 6};
  const Image turned = apply_orientation(stored, 6);
  CHECK(turned.width == 1);
  CHECK(turned.height == 2);
  CHECK(turned.pixels == std::vector<std::uint8_t>{1, 2, 3, 4, 5, 6});
  CHECK(apply_orientation(stored, 2).pixels == std::vector<std::uint8_t>{4, 5, 6, 1, 2, 3});
}
