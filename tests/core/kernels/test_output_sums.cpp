// Sums that a kernel takes of what it stores, its output's statistics and batch norm's sums over its input gradient,
// are those of a pass over what it would have stored, for any number of threads.

#include <algorithm>
#include <cmath>
#include <vector>

#include "core/allocator.h"
#include "core/kernels/batch_norm.h"
#include "core/kernels/conv.h"
#include "core/kernels/conv_upsample.h"
#include "core/kernels/pooling.h"
#include "tests/core/kernels/kernel_testing.h"

using namespace weft;
using namespace weft::kernels;
using namespace weft::test;

namespace {

struct Statistics {
  std::vector<float> mean, var;
  explicit Statistics(std::int64_t channels)
      : mean(static_cast<std::size_t>(channels)), var(static_cast<std::size_t>(channels)) {}
};

/// By definition, in double and two passes.
Statistics defined_statistics(const float* y, std::int64_t rows, std::int64_t channels) {
  Statistics result(channels);
  for (std::int64_t c = 0; c < channels; ++c) {
    double sum = 0, squares = 0;
    for (std::int64_t row = 0; row < rows; ++row) sum += static_cast<double>(y[row * channels + c]);
    const double mean = sum / static_cast<double>(rows);
    for (std::int64_t row = 0; row < rows; ++row)
      squares += std::pow(static_cast<double>(y[row * channels + c]) - mean, 2);
    result.mean[static_cast<std::size_t>(c)] = static_cast<float>(mean);
    result.var[static_cast<std::size_t>(c)] = static_cast<float>(squares / static_cast<double>(rows));
  }
  return result;
}

/// A new image as the networks have them, aligned, and what store(sums, image) makes of it.
template <class Store>
std::vector<float> stored(std::int64_t count, OutputSums* sums, Store&& store) {
  const ScratchBuffer image(static_cast<std::size_t>(count) * sizeof(float));
  store(sums, image.as<float>());
  return {image.as<float>(), image.as<float>() + count};
}

/// `store(statistics, y)` fills y.
template <class Store>
void check_statistics(std::int64_t rows, std::int64_t channels, Store&& store) {
  const std::vector<float> plain = stored(rows * channels, nullptr, store);
  const Statistics expected = defined_statistics(plain.data(), rows, channels);
  check_thread_independence([&] {
    OutputStatistics taken(channels);
    CHECK(stored(rows * channels, &taken, store) == plain);
    REQUIRE(taken.are_taken());
    Statistics result(channels);
    taken.result(result.mean.data(), result.var.data());
    double worst_mean = 0, worst_var = 0;
    for (std::size_t c = 0; c < result.var.size(); ++c) {
      const double var = static_cast<double>(expected.var[c]);
      worst_mean = std::max(worst_mean, std::abs(static_cast<double>(result.mean[c] - expected.mean[c])) /
                                            (std::sqrt(var) + std::abs(static_cast<double>(expected.mean[c]))));
      worst_var = std::max(worst_var, std::abs(static_cast<double>(result.var[c]) / var - 1));
    }
    CHECK(worst_mean < 1e-6);
    CHECK(worst_var < 3e-6);
    result.mean.insert(result.mean.end(), result.var.begin(), result.var.end());
    return result.mean;
  });
}

/// `store(sums, dy)` fills dy, the gradient of y = act(x factor + offset + r), with dz where sums are taken. There is
/// no r where y is null.
template <class Store>
void check_gradient_sums_with(const float* y, std::int64_t rows, std::int64_t channels, Clamp clamp, Store&& store) {
  GuardedBuffer x = fractions(rows * channels, 5), mean = fractions(channels, 6), inv_std = fractions(channels, 7),
                factor = fractions(channels, 8), offset = fractions(channels, 9);
  const std::vector<float> plain = stored(rows * channels, nullptr, store);
  const BatchNormBackward<float> b{.rows = rows,
                                   .channels = channels,
                                   .x = x.data(),
                                   .y = y,
                                   .dy = plain.data(),
                                   .mean = mean.data(),
                                   .inv_std = inv_std.data(),
                                   .factor = factor.data(),
                                   .offset = offset.data(),
                                   .clamp = clamp};
  GuardedBuffer dgamma(channels), dbeta(channels), dz(rows * channels);
  reference::batch_norm_parameter_gradients(b, dgamma.data(), dbeta.data(), dz.data());
  // Terms cancel, so what a sum may round is told by the sum of their sizes.
  std::vector<double> size(static_cast<std::size_t>(channels));
  for (std::int64_t i = 0; i < rows * channels; ++i)
    size[static_cast<std::size_t>(i % channels)] += std::abs(static_cast<double>(dz.data()[i]));
  check_thread_independence([&] {
    GradientSums taken(b);
    CHECK(stored(rows * channels, &taken, store) == dz.content());
    REQUIRE(taken.are_taken());
    std::vector<float> result(static_cast<std::size_t>(2 * channels));
    taken.result(result.data(), result.data() + channels);
    double worst = 0;
    for (std::size_t c = 0; c < size.size(); ++c) {
      worst = std::max(worst, std::abs(static_cast<double>(result[c] - dgamma.data()[c])) / size[c]);
      worst = std::max(worst, std::abs(static_cast<double>(result[c + size.size()] - dbeta.data()[c])) / size[c]);
    }
    CHECK(worst < 1e-6);
    return result;
  });
}

template <class Store>
void check_gradient_sums(std::int64_t rows, std::int64_t channels, Clamp clamp, Store&& store) {
  GuardedBuffer y = fractions(rows * channels, 10);
  check_gradient_sums_with(nullptr, rows, channels, clamp, store);
  check_gradient_sums_with(y.data(), rows, channels, clamp, store);
}

ConvProblem problem(std::int64_t size, std::int64_t c_in, std::int64_t c_out, std::int64_t kernel, std::int64_t stride,
                    std::int64_t groups = 1) {
  ConvProblem p;
  p.n = 2, p.h = size, p.w = size + 3, p.c_in = c_in, p.c_out = c_out, p.groups = groups;
  p.kernel_h = p.kernel_w = kernel;
  p.stride_h = p.stride_w = stride;
  p.padding_h = p.padding_w = kernel / 2;
  return p;
}

const ConvProblem problems[] = {
    problem(37, 3, 40, 7, 2), problem(9, 16, 20, 3, 1), problem(41, 16, 130, 3, 1), problem(22, 24, 16, 3, 2),
    problem(35, 8, 150, 1, 1), problem(13, 300, 70, 1, 1), problem(20, 3, 32, 3, 2), problem(17, 40, 40, 3, 1, 40),
    problem(18, 33, 33, 3, 2, 33),
    // Several chunks of channels; strips of tiles that depend on the threads; stores past the caches.
    problem(7, 300, 64, 3, 1), problem(29, 200, 200, 3, 1), problem(130, 32, 32, 1, 1)};

}  // namespace

TEST_CASE("every fast convolution can take its output's statistics", "[conv][batch_norm][threads]") {
  for (const ConvProblem& p : problems) {
    GuardedBuffer x = fractions(p.input_count(), 1), w = fractions(p.weight_count(), 2), bias = fractions(p.c_out, 3);
    for (const ConvAlgorithm& a : conv_algorithms()) {
      if (!a.supports(p) || std::string(a.name) == "reference") continue;
      for_each_isa([&] {
        INFO("algorithm " << a.name << ", " << p.c_in << " to " << p.c_out);
        check_statistics(p.n * p.out_h() * p.out_w(), p.c_out, [&](OutputSums* statistics, float* y) {
          ConvEpilogue<float> epilogue;
          epilogue.bias = bias.data();
          epilogue.sums = statistics;
          conv_forward(a, p, x.data(), w.data(), epilogue, y);
        });
      });
    }
  }
}

TEST_CASE("convolutions with arithmetic to spare can take batch norm's sums over its input gradient",
          "[conv][batch_norm][threads]") {
  for (const ConvProblem& p : problems) {
    GuardedBuffer dy = fractions(p.output_count(), 1), w = fractions(p.weight_count(), 2),
                  before = fractions(p.input_count(), 3);
    for (const ConvAlgorithm& a : conv_algorithms()) {
      const std::string name = a.name;
      if (!a.supports(p) || name == "reference") continue;
      if (name == "depthwise") continue;                                    // waits for memory: a pass costs no more
      if (p.stride_h > 1 && (name == "igemm" || name == "stem")) continue;  // their phases are images of their own
      for (Clamp clamp : {no_clamp, relu_clamp, relu6_clamp}) {
        for_each_isa([&] {
          INFO("algorithm " << name << ", " << p.c_in << " to " << p.c_out);
          check_gradient_sums(p.n * p.h * p.w, p.c_in, clamp, [&](OutputSums* sums, float* dx) {
            ConvEpilogue<float> epilogue;
            epilogue.sums = sums;
            a.input_gradient(p, dy.data(), w.data(), epilogue, dx);
          });
          check_gradient_sums(p.n * p.h * p.w, p.c_in, clamp, [&](OutputSums* sums, float* dx) {
            std::copy_n(before.data(), p.input_count(), dx);
            ConvEpilogue<float> epilogue;
            epilogue.residual = dx;
            epilogue.sums = sums;
            a.input_gradient(p, dy.data(), w.data(), epilogue, dx);
          });
        });
      }
    }
  }
}

TEST_CASE("so can the convolution of upsampled and joined channels", "[conv][batch_norm][threads]") {
  for (std::int64_t c_skip : {0, 24}) {
    const UpsampleConvProblem p{.n = 2, .h = 9, .w = 14, .c_up = 16, .c_skip = c_skip, .c_out = 80};
    GuardedBuffer x = fractions(p.n * p.h * p.w * p.c_up, 1);
    GuardedBuffer skip = fractions(4 * p.n * p.h * p.w * p.c_skip, 2);
    GuardedBuffer w = fractions(9 * (p.c_up + p.c_skip) * p.c_out, 3);
    for_each_isa([&] {
      ScratchBuffer packed(static_cast<std::size_t>(upsample_conv_packed_floats(p)) * sizeof(float));
      upsample_conv_pack(p, w.data(), packed.as<float>());
      check_statistics(4 * p.n * p.h * p.w, p.c_out, [&](OutputSums* statistics, float* y) {
        ConvEpilogue<float> epilogue;
        epilogue.sums = statistics;
        upsample_conv_forward(p, x.data(), c_skip > 0 ? skip.data() : nullptr, packed.as<float>(), epilogue, y);
      });
      GuardedBuffer dy = fractions(4 * p.n * p.h * p.w * p.c_out, 4);
      const auto with_sums = [](OutputSums* sums, const float* before) {
        ConvEpilogue<float> epilogue;
        epilogue.residual = before;
        epilogue.sums = sums;
        return epilogue;
      };
      check_gradient_sums(p.n * p.h * p.w, p.c_up, relu_clamp, [&](OutputSums* sums, float* dx) {
        upsample_conv_input_gradient(p, dy.data(), w.data(), with_sums(sums, nullptr), dx);
      });
      if (c_skip == 0) return;
      check_gradient_sums(4 * p.n * p.h * p.w, c_skip, relu_clamp, [&](OutputSums* sums, float* dskip) {
        std::copy_n(skip.data(), skip.content().size(), dskip);
        upsample_conv_skip_gradient(p, dy.data(), w.data(), with_sums(sums, dskip), dskip);
      });
    });
  }
}

TEST_CASE("so can max pooling's gradient", "[pooling][batch_norm][threads]") {
  for (std::int64_t channels : {20, 64}) {
    const Pool2d p = {2, 37, 43, channels, 3, 2, 1, 19, 22};
    const std::int64_t outputs = p.n * p.oh * p.ow * p.c, inputs = p.n * p.h * p.w * p.c;
    GuardedBuffer x = fractions(inputs, 1), y(outputs), dy = fractions(outputs, 2), before = fractions(inputs, 3);
    std::vector<std::uint8_t> places(static_cast<std::size_t>(outputs));
    max_pool2d(p, x.data(), y.data(), places.data());
    for_each_isa([&] {
      for (const float* earlier : {static_cast<const float*>(nullptr), static_cast<const float*>(before.data())}) {
        check_gradient_sums(p.n * p.h * p.w, channels, relu_clamp, [&](OutputSums* sums, float* dx) {
          max_pool2d_adjoint(p, dy.data(), places.data(), earlier, sums, dx);
        });
      }
    });
  }
}

TEST_CASE("statistics bear a mean that is large against the spread", "[conv][batch_norm]") {
  // y = 1000 + noise of variance 1/12: single precision leaves noise 1e-4 of its digits.
  ConvProblem p = problem(64, 16, 16, 1, 1);
  p.padding_h = p.padding_w = 0;
  GuardedBuffer x = fractions(p.input_count(), 1), w(p.weight_count()), bias(p.c_out);
  for (std::int64_t o = 0; o < p.c_out; ++o) {
    bias.data()[o] = 1000;
    for (std::int64_t c = 0; c < p.c_in; ++c) w.data()[o * p.c_in + c] = o == c ? 1 : 0;
  }
  for_each_isa([&] {
    check_statistics(p.n * p.h * p.w, p.c_out, [&](OutputSums* statistics, float* y) {
      ConvEpilogue<float> epilogue;
      epilogue.bias = bias.data();
      epilogue.sums = statistics;
      conv_forward(choose_conv(p), p, x.data(), w.data(), epilogue, y);
    });
  });
}
