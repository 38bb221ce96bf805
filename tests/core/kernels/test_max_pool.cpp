// Max pooling with vectors against the textbook loops: the same bits.

#include "core/kernels/pooling.h"

#include <cmath>
#include <cstring>

#include "tests/core/kernels/kernel_testing.h"

using namespace weft;
using namespace weft::kernels;
using namespace weft::test;

namespace {

Pool2d sizes(std::int64_t n, std::int64_t h, std::int64_t w, std::int64_t c, std::int64_t kernel, std::int64_t stride,
             std::int64_t padding) {
  return {n,
          h,
          w,
          c,
          kernel,
          stride,
          padding,
          (h + 2 * padding - kernel) / stride + 1,
          (w + 2 * padding - kernel) / stride + 1};
}

bool same_bits(const std::vector<float>& a, const std::vector<float>& b) {
  return a.size() == b.size() && std::memcmp(a.data(), b.data(), a.size() * sizeof(float)) == 0;
}

}  // namespace

TEST_CASE("vector max pooling has the bits of the textbook loops", "[pooling]") {
  for (const Pool2d& p : {sizes(2, 9, 7, 64, 3, 2, 1), sizes(1, 4, 6, 1, 2, 2, 0), sizes(1, 5, 5, 37, 3, 1, 1),
                          sizes(2, 8, 7, 19, 2, 3, 1), sizes(1, 3, 3, 16, 3, 1, 0),
                          sizes(1, 20, 18, 21, 16, 1, 0)}) {  // the last: places up to 255
    INFO(p.h << " x " << p.w << " x " << p.c << ", kernel " << p.kernel << ", stride " << p.stride);
    GuardedBuffer x = small_integers(p.n * p.h * p.w * p.c, 1);  // few values: most windows hold equals
    for (std::int64_t i = 0; i < p.c; i += 3) x.data()[i] = -0.0f;
    const std::int64_t outputs = p.n * p.oh * p.ow * p.c;
    GuardedBuffer dy = fractions(outputs, 2), expected(outputs), expected_dx(p.n * p.h * p.w * p.c);
    std::vector<std::uint8_t> places(static_cast<std::size_t>(outputs)), expected_places = places;
    reference::max_pool2d<float>(p, x.data(), expected.data(), expected_places.data());
    reference::max_pool2d_adjoint<float>(p, dy.data(), expected_places.data(), expected_dx.data());

    GuardedBuffer before = fractions(p.n * p.h * p.w * p.c, 3);
    std::vector<float> expected_sum = before.content();
    for (std::size_t i = 0; i < expected_sum.size(); ++i) expected_sum[i] += expected_dx.content()[i];

    for_each_isa([&] {
      GuardedBuffer y(outputs), y_alone(outputs), dx(p.n * p.h * p.w * p.c), sum(p.n * p.h * p.w * p.c),
          in_place = before;
      max_pool2d(p, x.data(), y.data(), places.data());
      max_pool2d(p, x.data(), y_alone.data(), nullptr);
      max_pool2d_adjoint(p, dy.data(), places.data(), nullptr, nullptr, dx.data());
      max_pool2d_adjoint(p, dy.data(), places.data(), before.data(), nullptr, sum.data());
      max_pool2d_adjoint(p, dy.data(), places.data(), in_place.data(), nullptr, in_place.data());
      CHECK(same_bits(y.content(), expected.content()));
      CHECK(same_bits(y_alone.content(), expected.content()));
      CHECK(places == expected_places);
      CHECK(same_bits(dx.content(), expected_dx.content()));
      CHECK(sum.content() == expected_sum);
      CHECK(in_place.content() == expected_sum);
      CHECK((y.is_guard_intact() && y_alone.is_guard_intact() && dx.is_guard_intact() && sum.is_guard_intact() &&
             in_place.is_guard_intact()));
    });
  }
}

TEST_CASE("vector max pooling loses no NaN", "[pooling]") {
  const Pool2d p = sizes(1, 3, 3, 33, 3, 1, 0);
  for (std::int64_t pixel = 0; pixel < 9; ++pixel) {
    GuardedBuffer x = fractions(9 * p.c, 1), y(p.c);
    x.data()[pixel * p.c + pixel] = NAN;
    for_each_isa([&] {
      std::vector<std::uint8_t> places(static_cast<std::size_t>(p.c));
      for (std::uint8_t* positions : {static_cast<std::uint8_t*>(nullptr), places.data()}) {
        max_pool2d(p, x.data(), y.data(), positions);
        for (std::int64_t c = 0; c < p.c; ++c) CHECK((y.data()[c] != y.data()[c]) == (c == pixel));
      }
      CHECK(places[static_cast<std::size_t>(pixel)] == pixel);
    });
  }
}
