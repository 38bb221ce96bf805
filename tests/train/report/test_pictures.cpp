#include "train/report/pictures.h"

#include "data/image_io.h"
#include "tests/catch.h"

using namespace weft;

namespace {

Image decoded(const std::string& jpeg) {
  return decode_image({reinterpret_cast<const std::uint8_t*>(jpeg.data()), jpeg.size()}, "jpeg");
}

/// Within what JPEG loses of a colour.
bool is_near(const std::uint8_t* pixel, int r, int g, int b) {
  return std::abs(pixel[0] - r) + std::abs(pixel[1] - g) + std::abs(pixel[2] - b) < 45;
}

}  // namespace

// RFC 4648, section 10.
TEST_CASE("base64 as its standard's examples have it", "[report]") {
  const std::string head = "data:image/jpeg;base64,";
  CHECK(data_uri("") == head);
  CHECK(data_uri("f") == head + "Zg==");
  CHECK(data_uri("fo") == head + "Zm8=");
  CHECK(data_uri("foobar") == head + "Zm9vYmFy");
  CHECK(data_uri("\xff\xfe\xfd") == head + "//79");
}

TEST_CASE("pictures keep their shape and stay small", "[report]") {
  const Image tall = decoded(photograph_jpeg(Image(300, 600, 3, 90), 200));
  CHECK(tall.width == 100);
  CHECK(tall.height == 200);
  const Image tiny = decoded(photograph_jpeg(Image(20, 10, 3, 90), 200));
  CHECK(tiny.width == 20);
  CHECK(decoded(photograph_jpeg(Image(2000, 1, 3, 90), 100)).height == 1);
}

TEST_CASE("mistakes are painted in the colours of the legend", "[report]") {
  const int side = 64;
  Image picture(side, side, 3, 128), truth(side, side, 1), prediction(side, side, 1);
  for (int y = 0; y < side; ++y) {
    for (int x = 0; x < side; ++x) {
      *truth.at(y, x) = x < side / 2;
      *prediction.at(y, x) = y < side / 2;
    }
  }
  const Image shown = decoded(mistakes_jpeg(picture, truth, prediction, side));
  const int right = shown.width - side;  // where the second picture begins
  CHECK(is_near(shown.at(48, 16), 128, 128, 128));
  CHECK(is_near(shown.at(48, right + 16), 215, 154, 19));   // missed: orange
  CHECK(is_near(shown.at(16, right + 48), 193, 122, 161));  // wrong: purple
  CHECK(is_near(shown.at(16, right + 16), 109, 151, 175));  // found: bluish
  CHECK(is_near(shown.at(48, right + 48), 128, 128, 128));  // rightly left out: as it was
}
