#include "data/pnm_codec.h"

#include "core/check.h"
#include "data/image_io.h"
#include "tests/catch.h"

using namespace weft;
using Pixels = std::vector<std::uint8_t>;

namespace {
Image read(const std::string& file) {
  return decode_image({reinterpret_cast<const std::uint8_t*>(file.data()), file.size()}, "p.ppm");
}
Pixels grey(const std::string& file) {
  Pixels result;
  const Image image = read(file);
  for (std::size_t i = 0; i < image.pixels.size(); i += 3) result.push_back(image.pixels[i]);
  return result;
}
std::string bytes(std::initializer_list<int> values) {
  std::string text;
  for (const int value : values) text += static_cast<char>(value);
  return text;
}
}  // namespace

TEST_CASE("P1 to P6 are read, with comments and any largest value", "[pnm]") {
  CHECK(read("P6\n# a comment\n2 1\n255\n" + bytes({1, 2, 3, 4, 5, 6})).pixels == Pixels{1, 2, 3, 4, 5, 6});
  CHECK(read("P3 2 1 255 1 2 3\n4 5 6").pixels == Pixels{1, 2, 3, 4, 5, 6});
  CHECK(grey("P5 2 1 100\n" + bytes({50, 100})) == Pixels{128, 255});
  CHECK(grey("P5 2 1 65535\n" + bytes({7, 7, 255, 255})) == Pixels{7, 255});
  CHECK(grey("P5 2 1 4095\n" + bytes({15, 255, 0, 16})) == Pixels{255, 1});
  CHECK(grey("P2 3 1 5 0 5 9") == Pixels{0, 255, 255});
  CHECK(grey("P1 3 1\n010") == Pixels{255, 0, 255});
  CHECK(grey("P4 9 2\n" + bytes({0x80, 0x80, 0x01, 0x00})) ==
        Pixels{0, 255, 255, 255, 255, 255, 255, 255, 0, 255, 255, 255, 255, 255, 255, 255, 0, 255});
}

TEST_CASE("a PNM that is cut short or makes no sense is refused", "[pnm]") {
  const std::string file = "P6\n2 1\n255\n" + bytes({1, 2, 3, 4, 5, 6});
  for (std::size_t length = 1; length < file.size(); ++length)
    CHECK_THROWS_WITH(read(file.substr(0, length)), Contains("p.ppm: "));
  CHECK_THROWS_WITH(read(file.substr(0, file.size() - 1)), Contains("p.ppm: truncated PNM"));
  CHECK_THROWS_WITH(read("P5 15000 15000 255\nabc"), Contains("p.ppm: "));
  CHECK_THROWS_WITH(read("P5 1 1 70000\nab"), Contains("its largest value is 70000"));
  CHECK_THROWS_WITH(read("P5 0 1 255\nab"), Contains("its size is 0 x 1"));
  CHECK_THROWS_WITH(read("P5 1 x"), Contains("no number at byte 5"));
  CHECK_THROWS_WITH(read("P5 99999999999 1 255\na"), Contains("no number"));
  CHECK_THROWS_WITH(read("P1 2 1\n02"), Contains("no 0 or 1 at byte"));
}
