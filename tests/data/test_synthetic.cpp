#include <array>
#include <set>

#include "core/check.h"
#include "data/synthetic/synthetic.h"
#include "tests/catch.h"

using namespace weft;

namespace {

constexpr int labels = 18;

bool is_clothing(int label) { return label != 0 && label != 2 && label != 11 && !(label >= 12 && label <= 15); }

}  // namespace

TEST_CASE("a synthetic picture depends on its seed and index alone", "[data][synthetic]") {
  const SyntheticSample third = draw_synthetic(7, 3, 64);
  draw_synthetic(7, 2, 64);  // drawing another one between leaves no trace
  const SyntheticSample again = draw_synthetic(7, 3, 64);
  CHECK(third.picture == again.picture);
  CHECK(third.labels == again.labels);
  CHECK_FALSE(third.picture == draw_synthetic(7, 4, 64).picture);
  CHECK_FALSE(third.picture == draw_synthetic(8, 3, 64).picture);
}

TEST_CASE("picture and mask have the size asked for", "[data][synthetic]") {
  const SyntheticSample sample = draw_synthetic(0, 0, {96, 48});
  CHECK(sample.picture.width == 96);
  CHECK(sample.picture.height == 48);
  CHECK(sample.picture.channels == 3);
  CHECK(sample.labels.width == 96);
  CHECK(sample.labels.height == 48);
  CHECK(sample.labels.channels == 1);
  CHECK_NOTHROW(draw_synthetic(0, 0, {32, 128}));
}

TEST_CASE("sizes out of range are refused", "[data][synthetic]") {
  CHECK_THROWS_WITH(draw_synthetic(0, 0, 31), Contains("32 to 4096 pixels, got 31x31"));
  CHECK_THROWS_WITH(draw_synthetic(0, 0, {64, 4097}), Contains("got 64x4097"));
  CHECK_THROWS_WITH(draw_synthetic(0, 0, -1), Contains("got -1x-1"));
}

TEST_CASE("200 pictures hold every label, and clothing covers a tenth to a third of them", "[data][synthetic]") {
  std::array<long, labels> pixels{};
  std::array<int, labels> pictures{};
  long total = 0, clothing = 0;
  int without_clothing = 0;
  for (std::uint64_t i = 0; i < 200; ++i) {
    const SyntheticSample sample = draw_synthetic(0, i, 64);
    std::array<long, labels> here{};
    for (std::uint8_t label : sample.labels.pixels) {
      REQUIRE(label < labels);
      ++here[label];
    }
    long dressed = 0;
    for (int k = 0; k < labels; ++k) {
      pixels[k] += here[k];
      pictures[k] += here[k] > 0;
      if (is_clothing(k)) dressed += here[k];
    }
    total += static_cast<long>(sample.labels.pixels.size());
    clothing += dressed;
    without_clothing += dressed < 100;
  }
  for (int k = 0; k < labels; ++k) {
    INFO("label " << k << " has " << pixels[k] << " pixels in " << pictures[k] << " pictures");
    CHECK(pictures[k] >= 10);
  }
  CHECK(without_clothing == 0);
  CHECK(static_cast<double>(clothing) / static_cast<double>(total) > 0.1);
  CHECK(static_cast<double>(clothing) / static_cast<double>(total) < 0.33);
}

TEST_CASE("left and right are the person's own", "[data][synthetic]") {
  // Most people face the viewer: their left arm and leg lie to the right in the picture.
  double left_minus_right = 0;
  for (std::uint64_t i = 0; i < 40; ++i) {
    const SyntheticSample sample = draw_synthetic(1, i, 64);
    std::array<double, labels> sum{}, count{};
    for (int y = 0; y < 64; ++y)
      for (int x = 0; x < 64; ++x) {
        sum[*sample.labels.at(y, x)] += x;
        count[*sample.labels.at(y, x)] += 1;
      }
    for (int left : {9, 12, 14}) {
      const int right = left + 1;
      if (count[left] > 0 && count[right] > 0)
        left_minus_right += sum[left] / count[left] > sum[right] / count[right] ? 1 : -1;
    }
  }
  CHECK(left_minus_right > 30);
}

TEST_CASE("the mask lies where the person is in the picture", "[data][synthetic]") {
  // Across the border between person and background the picture changes more than elsewhere.
  double at_border = 0, elsewhere = 0;
  long border_count = 0, other_count = 0;
  for (std::uint64_t i = 0; i < 20; ++i) {
    const SyntheticSample sample = draw_synthetic(2, i, 128);
    for (int y = 0; y < 128; ++y)
      for (int x = 0; x + 1 < 128; ++x) {
        const std::uint8_t *a = sample.picture.at(y, x), *b = sample.picture.at(y, x + 1);
        const double change = std::abs(a[0] - b[0]) + std::abs(a[1] - b[1]) + std::abs(a[2] - b[2]);
        const bool border = (*sample.labels.at(y, x) == 0) != (*sample.labels.at(y, x + 1) == 0);
        (border ? at_border : elsewhere) += change;
        ++(border ? border_count : other_count);
      }
  }
  CHECK(at_border / static_cast<double>(border_count) > 2 * elsewhere / static_cast<double>(other_count));
}
