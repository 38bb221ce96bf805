#include "data/stb_codec.h"

#include "core/check.h"
#include "data/image_io.h"
#include "tests/catch.h"

using namespace weft;
using File = std::vector<std::uint8_t>;
using Pixels = std::vector<std::uint8_t>;

namespace {

File operator+(File a, const File& b) {
  a.insert(a.end(), b.begin(), b.end());
  return a;
}
File text(const std::string& characters) { return {characters.begin(), characters.end()}; }

/// Two pixels in one row: (1, 2, 3) and (4, 5, 6).
const File bmp =
    File{'B', 'M', 62, 0, 0, 0, 0, 0, 0, 0, 54, 0, 0, 0, 40, 0, 0, 0, 2, 0, 0, 0, 1, 0, 0, 0, 1, 0, 24, 0} + File(24) +
    File{3, 2, 1, 6, 5, 4, 0, 0};
const File tga = File{0, 0, 2, 0, 0, 0, 0, 0, 0, 0, 0, 0, 2, 0, 1, 0, 24, 0x20} + File{3, 2, 1, 6, 5, 4};
const File tga_runs = File{0, 0, 10, 0, 0, 0, 0, 0, 0, 0, 0, 0, 2, 0, 1, 0, 24, 0x20} + File{0, 3, 2, 1, 0x80, 6, 5, 4};
/// Palette of 2: (1, 2, 3), (4, 5, 6); the codes clear, 0, 1, end in three bits each.
const File gif = text("GIF89a") + File{2, 0, 1, 0, 0x80, 0, 0, 1, 2, 3, 4,    5,    6, ',', 0,
                                       0, 0, 0, 2, 0,    1, 0, 0, 2, 2, 0x44, 0x0A, 0, ';'};
/// Three channels of two pixels, one after the other.
const File psd = text("8BPS") + File{0, 1, 0, 0, 0, 0, 0, 0, 0, 3, 0, 0, 0, 1, 0, 0, 0, 2, 0, 8, 0, 3} + File(12) +
                 File{0, 0, 1, 4, 2, 5, 3, 6};

const std::vector<std::pair<const char*, File>> all{
    {"BMP", bmp}, {"TGA", tga}, {"TGA with runs", tga_runs}, {"GIF", gif}, {"PSD", psd}};

}  // namespace

TEST_CASE("BMP, TGA, GIF and PSD are read", "[stb]") {
  for (const auto& [name, file] : all) {
    INFO(name);
    const Image image = decode_image(file, "p");
    CHECK(image.width == 2);
    CHECK(image.height == 1);
    CHECK(image.pixels == Pixels{1, 2, 3, 4, 5, 6});
  }
}

TEST_CASE("a picture that ends before its last pixel is refused", "[stb]") {
  for (const auto& [name, file] : all) {
    for (std::size_t length = 1; length < file.size(); ++length) {
      INFO(name << " of " << length << " bytes");
      try {
        const Image image = decode_image(Bytes(file).first(length), "p");
        CHECK(image.pixels == Pixels{1, 2, 3, 4, 5, 6});  // BMP's padding, GIF's end
        CHECK(length + 4 >= file.size());
      } catch (const Error& error) {
        CHECK(std::string(error.what()).starts_with("p: "));
      }
    }
  }
  CHECK_THROWS_WITH(decode_image(Bytes(bmp).first(bmp.size() - 4), "p"), Contains("p: truncated picture"));
}

TEST_CASE("any damaged byte of these gives a picture or an error", "[stb]") {
  for (const auto& [name, file] : all) {
    for (std::size_t at = 0; at < file.size(); ++at) {
      for (const int change : {0x01, 0x80, 0xFF}) {
        File damaged = file;
        damaged[at] = static_cast<std::uint8_t>(damaged[at] ^ change);
        try {
          decode_image(damaged, "p", 1'000'000);
        } catch (const Error& error) {
          CHECK(std::string(error.what()).starts_with("p: "));
        }
      }
    }
  }
}

TEST_CASE("the clear colour of a GIF lies on white", "[stb]") {
  File clear = gif;
  const File control{'!', 0xF9, 4, 1, 0, 0, 1, 0};  // colour 1 is clear
  clear.insert(clear.begin() + 19, control.begin(), control.end());
  CHECK(decode_image(clear, "p").pixels == Pixels{1, 2, 3, 255, 255, 255});
}
