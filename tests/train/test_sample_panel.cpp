#include "train/sample_panel.h"

#include "core/check.h"
#include "tests/catch.h"

using namespace weft;

TEST_CASE("photograph, truth and prediction side by side", "[train]") {
  Image picture(2, 1, 3, 50), truth(2, 1, 1), prediction(2, 1, 1);
  *truth.at(0, 0) = 1;
  *prediction.at(0, 1) = 1;
  const Image panel = sample_panel(picture, truth, prediction);
  CHECK(panel.width == 6);
  CHECK(panel.pixels ==
        std::vector<std::uint8_t>{50, 50, 50, 50, 50, 50, 255, 255, 255, 0, 0, 0, 0, 0, 0, 255, 255, 255});

  *truth.at(0, 1) = 255;  // ignored: grey
  CHECK(*sample_panel(picture, truth, prediction).at(0, 3) == 128);

  const Image large = sample_panel(Image(600, 1024, 3), Image(600, 1024, 1), Image(600, 1024, 1));
  CHECK(large.height == 512);
  CHECK(large.width == 900);
  CHECK_THROWS_WITH(sample_panel(picture, Image(1, 1, 1), prediction), Contains("masks of 2 x 1, got 1 x 1"));
}
