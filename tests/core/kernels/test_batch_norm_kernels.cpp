// The vector passes of batch normalisation against the textbook ones.

#include "core/kernels/batch_norm.h"

#include <cmath>

#include "core/allocator.h"
#include "tests/core/kernels/kernel_testing.h"

using namespace weft;
using namespace weft::kernels;
using namespace weft::test;

namespace {

constexpr std::pair<std::int64_t, std::int64_t> shapes[] = {{1, 1},     {2, 3},    {7, 17},   {1000, 5}, {1030, 33},
                                                            {1500, 24}, {131, 72}, {90, 208}, {70, 700}};
constexpr Clamp activations[] = {no_clamp, relu_clamp, relu6_clamp};

void check_close(const std::vector<float>& actual, const std::vector<float>& expected, double relative, double scale) {
  REQUIRE(actual.size() == expected.size());
  double worst = 0;
  for (std::size_t i = 0; i < actual.size(); ++i)
    worst = std::max(worst, std::abs(static_cast<double>(actual[i]) - static_cast<double>(expected[i])));
  CHECK(worst <= relative * scale);
}

std::vector<float> per_channel(std::int64_t channels, float first, float step) {
  std::vector<float> values(static_cast<std::size_t>(channels));
  for (std::size_t c = 0; c < values.size(); ++c) values[c] = first + step * static_cast<float>(c % 5);
  return values;
}

}  // namespace

TEST_CASE("batch norm statistics, also where the mean is large against the spread", "[batch_norm]") {
  for (const auto& shape : shapes) {
    const std::int64_t rows = shape.first, channels = shape.second;
    for (float offset : {0.0f, 4096.0f}) {
      INFO(rows << " rows, " << channels << " channels, offset " << offset);
      GuardedBuffer x = fractions(rows * channels, 1);
      for (std::int64_t i = 0; i < rows * channels; ++i) x.data()[i] += offset + static_cast<float>(i % channels);
      const auto count = static_cast<std::size_t>(channels);
      std::vector<float> mean(count), var(count), expected_mean(count), expected_var(count);
      reference::batch_norm_statistics(x.data(), rows, channels, expected_mean.data(), expected_var.data());
      for_each_isa([&] {
        batch_norm_statistics(x.data(), rows, channels, mean.data(), var.data());
        check_close(mean, expected_mean, 2e-7, offset + static_cast<float>(channels));
        check_close(var, expected_var, 2e-6, 1);
      });
    }
  }
}

TEST_CASE("batch norm statistics where the first rows are all of the spread", "[batch_norm]") {
  const std::int64_t rows = 9000, channels = 20;
  GuardedBuffer x = fractions(rows * channels, 1);
  for (std::int64_t i = 0; i < 16 * channels; ++i) x.data()[i] += 1000;
  const auto count = static_cast<std::size_t>(channels);
  std::vector<float> mean(count), var(count), expected_mean(count), expected_var(count);
  reference::batch_norm_statistics(x.data(), rows, channels, expected_mean.data(), expected_var.data());
  for_each_isa([&] {
    batch_norm_statistics(x.data(), rows, channels, mean.data(), var.data());
    check_close(mean, expected_mean, 1e-5, std::sqrt(static_cast<double>(expected_var[0])));
    check_close(var, expected_var, 2e-4, expected_var[0]);
  });
}

TEST_CASE("scale_shift with each clamp, with a residual and without", "[batch_norm]") {
  for (const auto& shape : shapes) {
    const std::int64_t rows = shape.first, channels = shape.second;
    GuardedBuffer x = small_integers(rows * channels, 2, 5);
    GuardedBuffer residual = small_integers(rows * channels, 8, 5);
    const std::vector<float> factor = per_channel(channels, 1, 1), offset = per_channel(channels, -2, 2);
    for (Clamp clamp : activations) {
      for (const float* r : {static_cast<const float*>(nullptr), static_cast<const float*>(residual.data())}) {
        std::vector<float> expected(static_cast<std::size_t>(rows * channels));
        reference::scale_shift(x.data(), r, rows, channels, factor.data(), offset.data(), clamp, expected.data());
        for_each_isa([&] {
          GuardedBuffer y(rows * channels);
          scale_shift(x.data(), r, rows, channels, factor.data(), offset.data(), clamp, y.data());
          CHECK(y.is_guard_intact());
          CHECK(y.content() == expected);
        });
      }
    }
  }
}

TEST_CASE("scale_shift of a tensor too large for the caches", "[batch_norm]") {
  const std::int64_t rows = (4 << 20) / 32 + 3;
  for (std::int64_t channels : {32, 33}) {  // whole vectors, and not
    GuardedBuffer x = small_integers(rows * channels, 2, 5);
    const std::vector<float> factor = per_channel(channels, 1, 1), offset = per_channel(channels, -2, 2);
    std::vector<float> expected(static_cast<std::size_t>(rows * channels));
    reference::scale_shift<float>(x.data(), nullptr, rows, channels, factor.data(), offset.data(), relu_clamp,
                                  expected.data());
    for_each_isa([&] {
      ScratchBuffer y(static_cast<std::size_t>(rows * channels) * sizeof(float));  // aligned
      scale_shift(x.data(), nullptr, rows, channels, factor.data(), offset.data(), relu_clamp, y.as<float>());
      CHECK(std::equal(expected.begin(), expected.end(), y.as<float>()));
    });
  }
}

TEST_CASE("batch norm gradients with each clamp, told from x and from y", "[batch_norm]") {
  for (const auto& shape : shapes) {
    const std::int64_t rows = shape.first, channels = shape.second;
    // Integers and powers of two: all sums are exact. y and x factor + offset hold 0 and 6, where the slope changes.
    GuardedBuffer x = small_integers(rows * channels, 3), y = small_integers(rows * channels, 4, 7),
                  dy = small_integers(rows * channels, 5);
    const auto count = static_cast<std::size_t>(channels);
    const std::vector<float> mean = per_channel(channels, -1, 1), factor = per_channel(channels, 1, 1),
                             offset = per_channel(channels, -2, 2), inv(count, 0.5f);
    for (Clamp clamp : activations) {
      for (const float* output : {static_cast<const float*>(nullptr), static_cast<const float*>(y.data())}) {
        const BatchNormBackward<float> b{rows,        channels,   x.data(),      output,        dy.data(),
                                         mean.data(), inv.data(), factor.data(), offset.data(), clamp};
        std::vector<float> dgamma(count), dbeta(count), expected_dgamma(count), expected_dbeta(count);
        std::vector<float> expected_dz(static_cast<std::size_t>(rows * channels)), expected(expected_dz.size());
        reference::batch_norm_parameter_gradients(b, expected_dgamma.data(), expected_dbeta.data(), expected_dz.data());
        for_each_isa([&] {
          batch_norm_parameter_gradients(b, dgamma.data(), dbeta.data(), nullptr);
          CHECK(dgamma == expected_dgamma);
          CHECK(dbeta == expected_dbeta);
          GuardedBuffer dz = dy;  // over dy
          BatchNormBackward<float> in_place = b;
          in_place.dy = dz.data();
          batch_norm_parameter_gradients(in_place, dgamma.data(), dbeta.data(), dz.data());
          CHECK(dz.is_guard_intact());
          CHECK(dz.content() == expected_dz);
          CHECK(dgamma == expected_dgamma);
        });
        for (bool training : {false, true}) {
          reference::batch_norm_input_gradient(b, expected_dgamma.data(), expected_dbeta.data(), training,
                                               expected.data());
          for_each_isa([&] {
            GuardedBuffer dx = dy;
            BatchNormBackward<float> in_place = b;
            in_place.dy = dx.data();
            batch_norm_input_gradient(in_place, dgamma.data(), dbeta.data(), training, dx.data());
            CHECK(dx.is_guard_intact());
            check_close(dx.content(), expected, 1e-6, 20);
          });
        }
      }
    }
  }
}

TEST_CASE("batch norm gives the same bits with any number of threads", "[batch_norm][threads]") {
  const std::int64_t rows = 5000, channels = 40;
  GuardedBuffer x = fractions(rows * channels, 6), dy = fractions(rows * channels, 7);
  const std::vector<float> mean = per_channel(channels, 0, 0.1f), inv = per_channel(channels, 1, 0.2f);
  check_thread_independence([&] {
    std::vector<float> both(static_cast<std::size_t>(2 * channels));
    batch_norm_statistics(x.data(), rows, channels, both.data(), both.data() + channels);
    return both;
  });
  check_thread_independence([&] {
    std::vector<float> both(static_cast<std::size_t>(2 * channels));
    batch_norm_parameter_gradients(
        {rows, channels, x.data(), nullptr, dy.data(), mean.data(), inv.data(), inv.data(), mean.data(), relu_clamp},
        both.data(), both.data() + channels, nullptr);
    return both;
  });
}
