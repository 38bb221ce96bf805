#include "data/normalise.h"

#include "core/check.h"
#include "tests/catch.h"

using namespace weft;

TEST_CASE("normalise subtracts the mean and divides by the deviation of each channel", "[normalise]") {
  Image picture(2, 1, 3);
  picture.pixels = {0, 128, 255, 124, 116, 104};
  std::vector<float> out(6);
  normalise(picture, {}, out);
  CHECK(out[0] == Approx(-0.485 / 0.229));
  CHECK(out[1] == Approx((128.0 / 255 - 0.456) / 0.224));
  CHECK(out[2] == Approx((1 - 0.406) / 0.225));
  for (std::size_t i = 3; i < 6; ++i) CHECK(std::abs(out[i]) < 0.01);
  normalise(picture, {{0, 0, 0}, {1, 1, 0.5f}}, out);
  CHECK(out[2] == 2);
  CHECK_THROWS_WITH(normalise(Image(2, 1, 1), {}, out), Contains("expected 3 channels, got 1"));
  CHECK_THROWS_WITH(normalise(Image(3, 1, 3), {}, out), Contains("expected room for 9 values, got 6"));
}
