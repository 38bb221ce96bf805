// Depthwise convolutions over images that are made as they are read, against the passes that make and store them first:
// the same y and dx bit for bit, the same sums but for rounding.

#include <cmath>
#include <cstdint>
#include <vector>

#include "core/allocator.h"
#include "core/kernels/batch_norm.h"
#include "core/kernels/conv_depthwise.h"
#include "tests/core/kernels/kernel_testing.h"

using namespace weft;
using namespace weft::kernels;
using namespace weft::test;

namespace {

using Floats = std::vector<float>;

/// An image as the networks have them, aligned, filled by `fill(image)`.
template <class Fill>
Floats filled(std::int64_t count, Fill&& fill) {
  const ScratchBuffer image(static_cast<std::size_t>(count) * sizeof(float));
  fill(image.as<float>());
  return {image.as<float>(), image.as<float>() + count};
}

/// Batch norm over an image x of so many rows, and the gradient of its y.
struct Norm {
  std::int64_t rows, channels;
  Clamp clamp;
  GuardedBuffer x, dy, mean, inv_std, factor, offset, dgamma, dbeta;

  Norm(std::int64_t rows_, std::int64_t channels_, Clamp clamp_, std::uint32_t seed)
      : rows(rows_),
        channels(channels_),
        clamp(clamp_),
        x(small_integers(rows * channels, seed, 4000)),
        dy(fractions(rows * channels, seed + 1)),
        mean(fractions(channels, seed + 2)),
        inv_std(fractions(channels, seed + 3)),
        factor(fractions(channels, seed + 4)),
        offset(fractions(channels, seed + 5)),
        dgamma(fractions(channels, seed + 6)),
        dbeta(fractions(channels, seed + 7)) {
    // y from -8 to 8: an activation cuts off some at either end.
    for (std::int64_t i = 0; i < rows * channels; ++i) x.data()[i] /= 500;
  }
  BatchNormBackward<float> problem() {
    return {.rows = rows,
            .channels = channels,
            .x = x.data(),
            .y = nullptr,
            .dy = dy.data(),
            .mean = mean.data(),
            .inv_std = inv_std.data(),
            .factor = factor.data(),
            .offset = offset.data(),
            .clamp = clamp};
  }
  Floats y() {
    return filled(rows * channels, [&](float* to) {
      scale_shift(x.data(), nullptr, rows, channels, factor.data(), offset.data(), clamp, to);
    });
  }
  Floats dx() {
    return filled(rows * channels,
                  [&](float* to) { batch_norm_input_gradient(problem(), dgamma.data(), dbeta.data(), true, to); });
  }
};

PixelSource normalised(Norm& norm) {
  return {.kind = PixelSource::Kind::normalised, .channels = norm.channels, .norm = norm.problem()};
}

/// The gradient of norm's x, whose coefficients are those of batch_norm_input_gradient.
struct Gradient {
  Floats shift, stretch;
  PixelSource source;

  explicit Gradient(Norm& norm)
      : shift(static_cast<std::size_t>(norm.channels)), stretch(static_cast<std::size_t>(norm.channels)) {
    REQUIRE(!clips(norm.clamp));  // dy is dz
    batch_norm_gradient_numbers(norm.problem(), norm.dgamma.data(), norm.dbeta.data(), shift.data(), stretch.data());
    source = {.kind = PixelSource::Kind::gradient,
              .channels = norm.channels,
              .norm = norm.problem(),
              .shift = shift.data(),
              .stretch = stretch.data()};
  }
};

/// Rows of outputs that meet no row of their image, above and below it.
ConvProblem widely_padded(std::int64_t stride) {
  ConvProblem p;
  p.n = 60, p.h = p.w = 4, p.c_in = p.c_out = p.groups = 16;
  p.kernel_h = p.kernel_w = 3;
  p.padding_h = p.padding_w = 5;
  p.stride_h = p.stride_w = stride;
  return p;
}

ConvProblem problem(std::int64_t n, std::int64_t h, std::int64_t w, std::int64_t channels, std::int64_t stride) {
  ConvProblem p;
  p.n = n, p.h = h, p.w = w, p.c_in = p.c_out = p.groups = channels;
  p.kernel_h = p.kernel_w = 3;
  p.padding_h = p.padding_w = 1;
  p.stride_h = p.stride_w = stride;
  return p;
}

/// Pixels at both ends, blocks that are whole and not, several tiles and tasks, images that go past the caches.
std::vector<ConvProblem> problems() {
  std::vector<ConvProblem> all;
  for (std::int64_t stride : {1, 2}) {
    for (std::int64_t channels : {1, 16, 24, 40}) {
      for (const auto& [h, w] : {std::pair{1, 1}, {1, 9}, {2, 2}, {6, 1}, {5, 7}, {8, 12}, {33, 31}, {40, 70}})
        all.push_back(problem(3, h, w, channels, stride));
    }
    all.push_back(problem(2, 6, 11, 150, stride));
    all.push_back(problem(1, 3, 10, 700, stride));
    all.push_back(problem(2, 75, 75, 96, stride));
  }
  return all;
}

std::int64_t out_pixels(const ConvProblem& p) { return p.n * p.out_h() * p.out_w(); }

std::string describe(const ConvProblem& p) {
  return std::to_string(p.n) + " x " + std::to_string(p.h) + " x " + std::to_string(p.w) + " x " +
         std::to_string(p.c_in) + ", stride " + std::to_string(p.stride_h);
}

/// Per channel, |a - b| is within `rounding` of the sum of the terms' sizes.
void check_sums(const float* a, const float* b, const std::vector<double>& sizes, double rounding) {
  double worst = 0;
  for (std::size_t c = 0; c < sizes.size(); ++c)
    worst = std::max(worst, std::abs(static_cast<double>(a[c] - b[c])) - rounding * sizes[c]);
  CHECK(worst <= 0);
}

/// What the backward pass leaves behind. Who takes sums over dx stores dz in its place.
struct Gradients {
  Floats dz, dw, dgamma, dbeta;
  bool operator==(const Gradients&) const = default;
};

Gradients in_passes(const ConvProblem& p, Norm& x_norm, const Floats& x, const Floats& dy, const Floats& dx) {
  Gradients g;
  const auto channels = static_cast<std::size_t>(p.c_in);
  g.dw.resize(9 * channels), g.dgamma.resize(channels), g.dbeta.resize(channels);
  conv_depthwise_weight_gradient(p, x.data(), dy.data(), g.dw.data());
  BatchNormBackward<float> b = x_norm.problem();
  b.dy = dx.data();
  g.dz.resize(dx.size());
  reference::batch_norm_parameter_gradients(b, g.dgamma.data(), g.dbeta.data(), g.dz.data());
  return g;
}

Gradients at_once(const ConvProblem& p, Norm& x_norm, const PixelSource& x, const PixelSource& dy, const float* w) {
  Gradients g;
  const auto channels = static_cast<std::size_t>(p.c_in);
  GuardedBuffer dw(p.weight_count());
  g.dgamma.resize(channels), g.dbeta.resize(channels);
  GradientSums sums(x_norm.problem());
  g.dz = filled(p.input_count(), [&](float* to) { conv_depthwise_backward(p, x, dy, w, to, &sums, dw.data()); });
  REQUIRE(sums.are_taken());
  CHECK(dw.is_guard_intact());
  g.dw = dw.content();
  sums.result(g.dgamma.data(), g.dbeta.data());
  return g;
}

/// For each channel, the largest sum of sizes that its weights' gradients can have.
std::vector<double> weight_sizes(const ConvProblem& p, const Floats& x, const Floats& dy) {
  const auto channels = static_cast<std::size_t>(p.c_in);
  std::vector<double> xs(channels), dys(channels), sizes(9 * channels);
  for (std::size_t i = 0; i < x.size(); ++i) xs[i % channels] += std::pow(static_cast<double>(x[i]), 2);
  for (std::size_t i = 0; i < dy.size(); ++i) dys[i % channels] += std::pow(static_cast<double>(dy[i]), 2);
  for (std::size_t i = 0; i < sizes.size(); ++i) sizes[i] = std::sqrt(xs[i / 9] * dys[i / 9]);
  return sizes;
}

}  // namespace

TEST_CASE("a depthwise convolution of an image that is normalised as it is read", "[conv][batch_norm]") {
  std::vector<ConvProblem> all = problems();
  all.insert(all.end(), {widely_padded(1), widely_padded(2)});
  for (const ConvProblem& p : all) {
    for (Clamp clamp : {no_clamp, relu6_clamp}) {
      Norm norm(p.n * p.h * p.w, p.c_in, clamp, 1);
      GuardedBuffer w = fractions(p.weight_count(), 20), bias = fractions(p.c_out, 21);
      for_each_isa([&] {
        INFO(describe(p));
        const Floats x = norm.y();
        const auto run = [&](const auto& source, std::vector<float>* statistics) {
          OutputStatistics sums(p.c_out);
          ConvEpilogue<float> epilogue;
          epilogue.bias = bias.data();
          epilogue.sums = &sums;
          Floats y =
              filled(p.output_count(), [&](float* to) { conv_depthwise_forward(p, source, w.data(), epilogue, to); });
          statistics->resize(static_cast<std::size_t>(2 * p.c_out));
          sums.result(statistics->data(), statistics->data() + p.c_out);
          return y;
        };
        Floats expected_statistics, statistics;
        const Floats expected = run(x.data(), &expected_statistics);
        CHECK(run(normalised(norm), &statistics) == expected);
        double worst = 0;
        for (std::size_t i = 0; i < statistics.size(); ++i)
          worst = std::max(worst, std::abs(static_cast<double>(statistics[i] - expected_statistics[i])) /
                                      (1 + std::abs(static_cast<double>(expected_statistics[i]))));
        CHECK(worst < 1e-5);
        CHECK(run(stored_pixels(x.data(), p.c_in), &statistics) == expected);
      });
    }
  }
}

TEST_CASE("both gradients of a depthwise convolution at once, from images that are made as they are read",
          "[conv][batch_norm]") {
  for (const ConvProblem& p : problems()) {
    REQUIRE(conv_depthwise_backward_supports(p));
    Norm x_norm(p.n * p.h * p.w, p.c_in, relu6_clamp, 1), y_norm(out_pixels(p), p.c_in, no_clamp, 9);
    if (p.h == 5) x_norm.clamp = no_clamp;
    GuardedBuffer w = fractions(p.weight_count(), 20);
    for_each_isa([&] {
      INFO(describe(p));
      const Floats x = x_norm.y(), dy = y_norm.dx();
      const Floats dx =
          filled(p.input_count(), [&](float* to) { conv_depthwise_input_gradient(p, dy.data(), w.data(), {}, to); });
      const Gradients expected = in_passes(p, x_norm, x, dy, dx);
      std::vector<double> sizes(static_cast<std::size_t>(p.c_in));
      for (std::size_t i = 0; i < dx.size(); ++i) sizes[i % sizes.size()] += 9 * std::abs(static_cast<double>(dx[i]));
      const Gradient gradient(y_norm);
      const auto check = [&](const PixelSource& x_source, const PixelSource& dy_source) {
        const Gradients g = at_once(p, x_norm, x_source, dy_source, w.data());
        CHECK(g.dz == expected.dz);
        check_sums(g.dw.data(), expected.dw.data(), weight_sizes(p, x, dy), 2e-6);
        check_sums(g.dgamma.data(), expected.dgamma.data(), sizes, 1e-6);
        check_sums(g.dbeta.data(), expected.dbeta.data(), sizes, 1e-6);
      };
      check(normalised(x_norm), gradient.source);
      check(stored_pixels(x.data(), p.c_in), stored_pixels(dy.data(), p.c_in));
      // Nobody need ask for sums.
      Floats dw(static_cast<std::size_t>(p.weight_count()));
      CHECK(filled(p.input_count(), [&](float* to) {
              conv_depthwise_backward(p, normalised(x_norm), gradient.source, w.data(), to, nullptr, dw.data());
            }) == dx);
    });
  }
}

TEST_CASE("neither depends on the number of threads", "[conv][batch_norm][threads]") {
  for (const ConvProblem& p : {problem(2, 57, 61, 40, 1), problem(3, 50, 47, 40, 2), problem(1, 9, 30, 24, 1)}) {
    Norm x_norm(p.n * p.h * p.w, p.c_in, relu6_clamp, 1), y_norm(out_pixels(p), p.c_in, no_clamp, 9);
    GuardedBuffer w = fractions(p.weight_count(), 20);
    const Gradient gradient(y_norm);
    for_each_isa([&] {
      check_thread_independence([&] { return at_once(p, x_norm, normalised(x_norm), gradient.source, w.data()); });
      check_thread_independence([&] {
        OutputStatistics sums(p.c_out);
        ConvEpilogue<float> epilogue;
        epilogue.sums = &sums;
        Floats result = filled(p.output_count(), [&](float* to) {
          conv_depthwise_forward(p, normalised(x_norm), w.data(), epilogue, to);
        });
        result.resize(result.size() + static_cast<std::size_t>(2 * p.c_out));
        sums.result(result.data() + p.output_count(), result.data() + p.output_count() + p.c_out);
        return result;
      });
    });
  }
}

TEST_CASE("what takes both gradients at once", "[conv]") {
  ConvProblem p = problem(1, 8, 8, 16, 2);
  CHECK(conv_depthwise_backward_supports(p));
  p.stride_h = p.stride_w = 3;
  CHECK_FALSE(conv_depthwise_backward_supports(p));
  p = problem(1, 8, 8, 16, 1), p.dilation_h = 2;
  CHECK_FALSE(conv_depthwise_backward_supports(p));
  p = problem(1, 8, 8, 16, 1), p.padding_w = 0;
  CHECK_FALSE(conv_depthwise_backward_supports(p));
  p = problem(1, 8, 8, 16, 1), p.groups = 1;
  CHECK_FALSE(conv_depthwise_backward_supports(p));
}
