#include "models/predict.h"

#include <algorithm>
#include <cmath>
#include <limits>

#include "tests/gradcheck.h"
#include "tests/noise_picture.h"

using namespace weft;
using weft::test::noise;

namespace {

const UNetConfig small{.arch = "resnet18", .decoder_channels = {16, 8, 8, 4, 4}};

struct Fixture {
  UNet network{small};
  ModelInfo info{.network = small, .height = 64, .width = 96};
  Fixture() {
    network.initialise(1);
    network.eval();
  }
};

Prediction predicted(const Fixture& f, const Image& picture, const PredictOptions& options = {}) {
  return predict(Predictor(f.network), prepare_input(f.info, picture, options), options.mirror);
}

}  // namespace

TEST_CASE("logits come back at the picture's own size, whatever that is", "[predict]") {
  Fixture f;
  for (auto [w, h] : {std::pair{96, 64}, {50, 70}, {1, 1}, {333, 4}}) {
    for (const char* fit : {"stretch", "letterbox", "area"}) {
      f.info.fit = fit;
      const Prediction p = predicted(f, noise(w, h));
      CHECK(p.logits.size() == static_cast<std::size_t>(w * h));
      CHECK(p.canvas_logits.shape() == Shape{1, p.placement.canvas_height, p.placement.canvas_width, 1});
      CHECK(p.placement.canvas_width % 32 == 0);
      CHECK(p.placement.canvas_width * p.placement.canvas_height <= 64 * 96);
      CHECK(p.probabilities().size() == p.logits.size());
    }
    const Prediction native = predicted(f, noise(w, h), {.is_native = true});
    CHECK(native.placement.canvas_width % 32 == 0);
    CHECK(native.logits.size() == static_cast<std::size_t>(w * h));
  }
}

TEST_CASE("a picture of the network's size is not resampled", "[predict]") {
  const Fixture f;
  const Prediction p = predicted(f, noise(96, 64));
  CHECK(std::ranges::equal(p.logits, p.canvas_logits.values<float>()));
  CHECK(predicted(f, noise(96, 64), {.is_native = true}).logits == p.logits);
  CHECK(predicted(f, noise(96, 64), {.size = {{64, 96}}}).logits == p.logits);
}

TEST_CASE("the mean with the mirror image is symmetric", "[predict]") {
  const Fixture f;
  Image picture = noise(96, 64), mirror = picture;
  for (int y = 0; y < 64; ++y) {
    for (int x = 0; x < 96; ++x) std::copy_n(picture.at(y, x), 3, mirror.at(y, 95 - x));
  }
  const auto a = predicted(f, picture, {.mirror = true}).logits, b = predicted(f, mirror, {.mirror = true}).logits;
  for (std::size_t y = 0; y < 64; ++y) {
    for (std::size_t x = 0; x < 96; ++x) REQUIRE(a[y * 96 + x] == b[y * 96 + 95 - x]);
  }
  CHECK(a != predicted(f, picture).logits);
}

TEST_CASE("a network that is being trained is refused", "[predict]") {
  Fixture f;
  f.network.train();
  CHECK_THROWS_WITH(predicted(f, noise(96, 64)), Contains("expected a network in evaluation mode"));
}

TEST_CASE("the threshold is inclusive", "[predict]") {
  CHECK(threshold_mask({0.4f, 0.5f, 0.6f}, 3, 1, 0.5).pixels == std::vector<std::uint8_t>{0, 1, 1});
  // The threshold is a double, which may lie between two floats.
  for (const double threshold : {0.0, 0.1, 0.3, 0.5, 0.7, 0.9, 1.0, 1e-300, -1.0, 2.0}) {
    const float near = static_cast<float>(threshold), up = std::nextafter(near, 9.0f),
                down = std::nextafter(near, -9.0f);
    const std::vector<float> p{down, near, up, std::numeric_limits<float>::quiet_NaN()};
    const Image mask = threshold_mask(p, 4, 1, threshold);
    for (std::size_t i = 0; i < p.size(); ++i) CHECK((mask.pixels[i] == 1) == (static_cast<double>(p[i]) >= threshold));
  }
}
