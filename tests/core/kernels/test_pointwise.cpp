// 1x1 convolutions over made images are those over the images that batch norm's passes store, bit for bit, and those of
// the reference kernels up to rounding.

#include <cmath>
#include <vector>

#include "core/allocator.h"
#include "core/kernels/batch_norm.h"
#include "core/kernels/pointwise.h"
#include "core/kernels/reference/conv2d.h"
#include "tests/core/kernels/kernel_testing.h"

using namespace weft;
using namespace weft::kernels;
using namespace weft::test;

namespace {

/// Rows of an image, batch norm's numbers for it, and dgamma and dbeta as if from elsewhere.
struct Image {
  std::int64_t pixels, channels;
  GuardedBuffer x, dy, mean, inv_std, factor, offset, dgamma, dbeta, shift, stretch;

  Image(std::int64_t count, std::int64_t width, std::uint32_t seed)
      : pixels(count),
        channels(width),
        x(fractions(count * width, seed)),
        dy(fractions(count * width, seed + 1)),
        mean(fractions(width, seed + 2)),
        inv_std(fractions(width, seed + 3)),
        factor(fractions(width, seed + 4)),
        offset(fractions(width, seed + 5)),
        dgamma(fractions(width, seed + 6)),
        dbeta(fractions(width, seed + 7)),
        shift(width),
        stretch(width) {
    for (std::int64_t c = 0; c < width; ++c) factor.data()[c] *= 20;  // so that relu6 cuts on both sides
    batch_norm_gradient_numbers(norm(), dgamma.data(), dbeta.data(), shift.data(), stretch.data());
  }

  BatchNormBackward<float> norm() {
    return {.rows = pixels,
            .channels = channels,
            .x = x.data(),
            .y = nullptr,
            .dy = dy.data(),
            .mean = mean.data(),
            .inv_std = inv_std.data(),
            .factor = factor.data(),
            .offset = offset.data(),
            .clamp = relu6_clamp};
  }

  /// dy is dz.
  BatchNormBackward<float> norm_of_gradient() {
    BatchNormBackward<float> b = norm();
    b.clamp = no_clamp;
    return b;
  }

  PixelSource source(PixelSource::Kind kind) {
    if (kind == PixelSource::Kind::stored) return stored_pixels(x.data(), channels);
    return {.kind = kind,
            .channels = channels,
            .norm = kind == PixelSource::Kind::gradient ? norm_of_gradient() : norm(),
            .shift = shift.data(),
            .stretch = stretch.data()};
  }

  /// What the source stands for, by the passes that store it.
  GuardedBuffer made(PixelSource::Kind kind) {
    GuardedBuffer to(pixels * channels);
    if (kind == PixelSource::Kind::stored) {
      std::copy_n(x.data(), pixels * channels, to.data());
    } else if (kind == PixelSource::Kind::normalised) {
      scale_shift(x.data(), nullptr, pixels, channels, factor.data(), offset.data(), relu6_clamp, to.data());
    } else {
      batch_norm_input_gradient(norm_of_gradient(), dgamma.data(), dbeta.data(), true, to.data());
    }
    return to;
  }
};

ConvProblem problem_of(std::int64_t pixels, std::int64_t c_in, std::int64_t c_out) {
  ConvProblem p;
  p.w = pixels, p.c_in = c_in, p.c_out = c_out;
  return p;
}

struct Case {
  std::int64_t pixels, c_in, c_out;
};
const Case cases[] = {{1, 1, 1},      {5, 16, 96},    {23, 7, 5},      {24, 24, 144},  {25, 96, 24},
                      {1000, 40, 24}, {777, 33, 130}, {3000, 144, 24}, {2500, 32, 16}, {40000, 16, 32}};
using Kind = PixelSource::Kind;

/// Largest difference, over the size of a sum of so many terms: the largest there is, or what random terms would give.
template <class T>
double rounding_error(const std::vector<float>& found, const std::vector<T>& expected, std::int64_t terms) {
  double worst = 0, size = std::sqrt(static_cast<double>(terms));
  for (std::size_t i = 0; i < found.size(); ++i) {
    const double value = static_cast<double>(expected[i]), difference = std::abs(static_cast<double>(found[i]) - value);
    if (!(difference <= worst)) worst = difference;  // a NaN stays
    size = std::max(size, std::abs(value));
  }
  return worst / size;
}

std::vector<double> in_double(GuardedBuffer& values) {
  const std::vector<float> content = values.content();
  return {content.begin(), content.end()};
}

}  // namespace

TEST_CASE("a 1x1 convolution of a made image equals that of a stored one", "[conv][batch_norm][threads]") {
  for (const auto& [pixels, c_in, c_out] : cases) {
    Image image(pixels, c_in, 1);
    GuardedBuffer w = fractions(c_in * c_out, 20), bias = fractions(c_out, 21),
                  residual = fractions(pixels * c_out, 22);
    ConvEpilogue<float> epilogue;
    epilogue.bias = bias.data();
    epilogue.residual = residual.data();
    epilogue.clamp = relu_clamp;
    for (Kind kind : {Kind::stored, Kind::normalised, Kind::gradient}) {
      for_each_isa([&] {
        INFO(pixels << " pixels, " << c_in << " to " << c_out);
        GuardedBuffer x = image.made(kind);
        GuardedBuffer expected(pixels * c_out);
        reference::conv2d_forward(problem_of(pixels, c_in, c_out), x.data(), w.data(), epilogue, expected.data());
        check_thread_independence([&] {
          GuardedBuffer y(pixels * c_out);
          pointwise_forward(image.source(kind), pixels, c_out, w.data(), epilogue, y.data());
          CHECK(y.is_guard_intact());
          CHECK(rounding_error(y.content(), expected.content(), c_in) < 2e-6);
          GuardedBuffer of_stored(pixels * c_out);
          pointwise_forward(stored_pixels(x.data(), c_in), pixels, c_out, w.data(), epilogue, of_stored.data());
          CHECK(y.content() == of_stored.content());
          return y.content();
        });
      });
    }
  }
}

TEST_CASE("a 1x1 convolution's gradients from made images equal those from stored ones",
          "[conv][batch_norm][threads]") {
  for (const auto& [pixels, c_in, c_out] : cases) {
    const ConvProblem p = problem_of(pixels, c_in, c_out);
    Image in(pixels, c_in, 1), out(pixels, c_out, 40);
    GuardedBuffer w = fractions(c_in * c_out, 20), residual = fractions(pixels * c_in, 22);
    for (const auto& [x_kind, dy_kind] : {std::pair{Kind::stored, Kind::gradient},
                                          {Kind::normalised, Kind::stored},
                                          {Kind::normalised, Kind::gradient},
                                          {Kind::stored, Kind::stored}}) {
      for_each_isa([&, x_kind = x_kind, dy_kind = dy_kind] {
        INFO(pixels << " pixels, " << c_in << " to " << c_out);
        GuardedBuffer made_x = in.made(x_kind), made_dy = out.made(dy_kind);
        const std::vector<double> x = in_double(made_x), dy = in_double(made_dy), weights_in_double = in_double(w),
                                  added = in_double(residual);
        std::vector<double> dx(added.size()),
            dw(weights_in_double.size());  // float sums of so many terms round too much
        reference::conv2d_input_gradient(p, dy.data(), weights_in_double.data(),
                                         ConvEpilogue<double>{.residual = added.data()}, dx.data());
        reference::conv2d_weight_gradient(p, x.data(), dy.data(), dw.data());
        check_thread_independence([&] {
          GuardedBuffer found = residual, found_dw(c_in * c_out);
          pointwise_backward(in.source(x_kind), out.source(dy_kind), pixels, w.data(), {.residual = found.data()},
                             found.data(), found_dw.data());
          CHECK(found.is_guard_intact());
          CHECK(found_dw.is_guard_intact());
          CHECK(rounding_error(found.content(), dx, c_out) < 2e-6);
          CHECK(rounding_error(found_dw.content(), dw, pixels) < 2e-6);
          std::vector<float> all = found.content(), weights = found_dw.content();
          all.insert(all.end(), weights.begin(), weights.end());

          GuardedBuffer stored_dx = residual, stored_dw(c_in * c_out);
          pointwise_backward(stored_pixels(made_x.data(), c_in), stored_pixels(made_dy.data(), c_out), pixels, w.data(),
                             {.residual = stored_dx.data()}, stored_dx.data(), stored_dw.data());
          CHECK(found.content() == stored_dx.content());
          CHECK(weights == stored_dw.content());

          GuardedBuffer alone(c_in * c_out);  // no dx
          pointwise_backward(in.source(x_kind), out.source(dy_kind), pixels, w.data(), {}, nullptr, alone.data());
          CHECK(alone.content() == weights);
          return all;
        });
      });
    }
  }
}

TEST_CASE("a 1x1 convolution over made images takes sums of what it stores", "[conv][batch_norm][threads]") {
  for (const auto& [pixels, c_in, c_out] : cases) {
    Image in(pixels, c_in, 1), out(pixels, c_out, 40);
    GuardedBuffer w = fractions(c_in * c_out, 20);
    for_each_isa([&, pixels = pixels, c_in = c_in, c_out = c_out] {
      INFO(pixels << " pixels, " << c_in << " to " << c_out);
      check_thread_independence([&] {
        OutputStatistics statistics(c_out);
        ConvEpilogue<float> epilogue;
        epilogue.sums = &statistics;
        GuardedBuffer y(pixels * c_out), mean(c_out), var(c_out), mean_of_pass(c_out), var_of_pass(c_out);
        pointwise_forward(in.source(Kind::normalised), pixels, c_out, w.data(), epilogue, y.data());
        REQUIRE(statistics.are_taken());
        statistics.result(mean.data(), var.data());
        batch_norm_statistics(y.data(), pixels, c_out, mean_of_pass.data(), var_of_pass.data());
        CHECK(rounding_error(mean.content(), mean_of_pass.content(), 1) < 2e-6);
        CHECK(rounding_error(var.content(), var_of_pass.content(), 1) < 1e-5);

        GradientSums sums(in.norm());
        GuardedBuffer dx(pixels * c_in), dw(c_in * c_out), dgamma(c_in), dbeta(c_in), dgamma_of_pass(c_in),
            dbeta_of_pass(c_in);
        pointwise_backward(in.source(Kind::normalised), out.source(Kind::gradient), pixels, w.data(), {.sums = &sums},
                           dx.data(), dw.data());
        REQUIRE(sums.are_taken());
        sums.result(dgamma.data(), dbeta.data());
        BatchNormBackward<float> b = in.norm();
        b.dy = dx.data();
        GuardedBuffer dz(pixels * c_in);
        batch_norm_parameter_gradients(b, dgamma_of_pass.data(), dbeta_of_pass.data(), dz.data());
        CHECK(dx.content() == dz.content());  // dz has been stored
        CHECK(rounding_error(dgamma.content(), dgamma_of_pass.content(), pixels) < 1e-5);
        CHECK(rounding_error(dbeta.content(), dbeta_of_pass.content(), pixels) < 1e-5);
        std::vector<float> all;
        for (GuardedBuffer* part : {&mean, &var, &dgamma, &dbeta, &dx}) {
          const std::vector<float> values = part->content();
          all.insert(all.end(), values.begin(), values.end());
        }
        return all;
      });
    });
  }
}

TEST_CASE("a 1x1 convolution's images are the same where they are stored past the caches", "[conv]") {
  const std::int64_t pixels = 40000, c_in = 32, c_out = 16;  // dx is 5 MB
  Image in(pixels, c_in, 1), out(pixels, c_out, 40);
  GuardedBuffer w = fractions(c_in * c_out, 20);
  const auto dx_at = [&](float* dx, OutputSums* sums) {
    GuardedBuffer dw(c_in * c_out);
    pointwise_backward(in.source(Kind::normalised), out.source(Kind::gradient), pixels, w.data(), {.sums = sums}, dx,
                       dw.data());
    return std::vector<float>(dx, dx + pixels * c_in);
  };
  for_each_isa([&] {
    for (bool takes_sums : {false, true}) {
      GradientSums sums(in.norm()), same_sums(in.norm());
      const ScratchBuffer aligned(static_cast<std::size_t>(pixels * c_in + 1) * sizeof(float));
      const std::vector<float> past_caches = dx_at(aligned.as<float>(), takes_sums ? &sums : nullptr);
      CHECK(dx_at(aligned.as<float>() + 1, takes_sums ? &same_sums : nullptr) == past_caches);
    }
  });
}
