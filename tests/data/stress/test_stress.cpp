#include "data/stress/stress.h"

#include <algorithm>
#include <cmath>
#include <numeric>

#include "data/stress/backlight.h"
#include "data/stress/blur.h"
#include "data/stress/cut_in.h"
#include "data/stress/linear_light.h"
#include "data/stress/sensor.h"
#include "tests/catch.h"

using namespace weft;

namespace {

double mean_light(const Image& image) {
  const auto light = linear_light(image);
  return std::accumulate(light.begin(), light.end(), 0.0) / static_cast<double>(light.size());
}

double deviation_of_light(const Image& image) {
  const double mean = mean_light(image);
  double sum = 0;
  for (const float v : linear_light(image)) sum += (static_cast<double>(v) - mean) * (static_cast<double>(v) - mean);
  return std::sqrt(sum / static_cast<double>(image.pixels.size()));
}

Sample checkerboard() {
  Sample sample{Image(240, 320, 3), Image(240, 320, 1, 1), Image(240, 320, 1, 4)};
  for (int y = 0; y < 320; ++y) {
    for (int x = 0; x < 240; ++x) std::fill_n(sample.picture.at(y, x), 3, (x / 10 + y / 10) % 2 != 0 ? 200 : 40);
  }
  return sample;
}

double mean_difference(const Image& a, const Image& b) {
  double sum = 0;
  for (std::size_t i = 0; i < a.pixels.size(); ++i) sum += std::abs(a.pixels[i] - b.pixels[i]);
  return sum / static_cast<double>(a.pixels.size());
}

}  // namespace

TEST_CASE("values go to linear light and back", "[stress]") {
  for (int v = 0; v < 256; ++v) CHECK(srgb_value(linear_light(static_cast<std::uint8_t>(v))) == v);
  CHECK(linear_light(std::uint8_t{188}) == Approx(0.5).margin(0.005));  // sRGB's middle grey of light
  CHECK(srgb_value(-1) == 0);
  CHECK(srgb_value(2) == 255);
}

TEST_CASE("a sensor's noise has the deviation of its photons", "[stress]") {
  const Image grey(200, 200, 3, 188);
  Random random(1);
  const Image dark = expose(grey, {.exposure = 0.25, .electrons = 1000, .read_noise = 5}, random);
  CHECK(mean_light(dark) == Approx(0.125).epsilon(0.01));
  CHECK(deviation_of_light(dark) == Approx(std::sqrt(0.125 * 1000 + 25) / 1000).epsilon(0.03));
}

TEST_CASE("a backlight darkens what is far from it and takes contrast everywhere", "[stress]") {
  Image picture(100, 100, 3, 40);
  std::fill(picture.pixels.begin() + 15000, picture.pixels.end(), std::uint8_t{200});  // lower half
  const Image out = apply_backlight(picture, {0.5, 0.2, 0.5, 0});
  CHECK(out.at(0, 50)[0] > picture.at(0, 50)[0]);
  CHECK(out.at(99, 50)[0] < picture.at(99, 50)[0]);
  CHECK(out.at(0, 50)[0] > out.at(0, 0)[0]);  // nearer the light
  CHECK(apply_backlight(picture, {}) == picture);
}

TEST_CASE("blur spreads a point as its formula says, and keeps its light", "[stress]") {
  Image point(41, 41, 3);
  std::fill_n(point.at(20, 20), 3, 255);
  const Image soft = gaussian_blur(point, 1.5);
  const double peak = 1 / (2 * 3.14159265 * 1.5 * 1.5);
  CHECK(linear_light(soft.at(20, 20)[0]) == Approx(peak).epsilon(0.05));
  CHECK(mean_light(soft) == Approx(mean_light(point)).epsilon(0.05));
  CHECK(gaussian_blur(point, 0) == point);

  const Image moved = motion_blur(point, 4, 0);
  for (int x = 18; x <= 22; ++x) CHECK(linear_light(moved.at(20, x)[0]) == Approx(0.2).epsilon(0.02));
  CHECK(moved.at(20, 17)[0] == 0);
  CHECK(moved.at(19, 20)[0] == 0);
}

TEST_CASE("cut-ins cover the share that was asked for", "[stress]") {
  for (std::uint64_t seed = 0; seed < 8; ++seed) {
    Random random(seed);
    Image picture(150, 200, 3, 7);
    const Image cover = cut_in(picture, 0.2, random);
    const auto covered = static_cast<double>(std::count(cover.pixels.begin(), cover.pixels.end(), 1)) / 30000;
    CHECK(covered >= 0.2);
    CHECK(covered < 0.5);
    for (std::size_t i = 0; i < cover.pixels.size(); ++i) {
      if (cover.pixels[i] == 0) REQUIRE(picture.pixels[3 * i] == 7);
    }
  }
}

TEST_CASE("stresses grow with their strength, are repeatable, and only occlusion changes the truth", "[stress]") {
  const Sample clean = checkerboard();
  for (const std::string& name : stress_names()) {
    INFO(name);
    double last = 0;
    for (const int strength : {2, 5}) {
      const Sample sample = stressed(clean, "0001", name, strength, 3);
      CHECK(sample.picture == stressed(clean, "0001", name, strength, 3).picture);
      const double difference = mean_difference(sample.picture, clean.picture);
      CHECK(difference > last);
      last = difference;
      CHECK((sample.ids == clean.ids) == (name != "occlusion"));
      for (std::size_t i = 0; i < sample.ids.pixels.size(); ++i)
        REQUIRE((sample.ids.pixels[i] == 4) == (sample.clothing.pixels[i] == 1));
    }
    if (name != "jpeg") CHECK(stressed(clean, "0001", name, 3, 3).picture != stressed(clean, "0002", name, 3, 3).picture);
  }
  CHECK_THROWS_WITH(stressed(clean, "0001", "rain", 1, 0), Contains("unknown stress 'rain'"));
  CHECK_THROWS_WITH(stressed(clean, "0001", "blur", 6, 0), Contains("expected a strength of 1 to 5, got 6"));
}
