// Every fast convolution against the textbook one, on integers, where float32 is exact and so equality must be, unless
// the algorithm says how much it rounds.

#include <fmt/format.h>

#include <cmath>
#include <utility>

#include "core/allocator.h"
#include "core/kernels/conv.h"
#include "core/kernels/conv_winograd.h"
#include "core/kernels/reference/conv2d.h"
#include "tests/core/kernels/kernel_testing.h"

using namespace weft;
using namespace weft::kernels;
using namespace weft::test;

namespace {

std::string describe(const ConvProblem& p) {
  return fmt::format("x [{}, {}, {}, {}] w [{}, {}, {}, {}] stride {} {} padding {} {} dilation {} {}", p.n, p.h, p.w,
                     p.c_in, p.c_out, p.c_in / p.groups, p.kernel_h, p.kernel_w, p.stride_h, p.stride_w, p.padding_h,
                     p.padding_w, p.dilation_h, p.dilation_w);
}

ConvProblem problem(std::int64_t h, std::int64_t w, std::int64_t c_in, std::int64_t c_out, std::int64_t kernel,
                    std::int64_t stride = 1, std::int64_t padding = 0, std::int64_t dilation = 1) {
  ConvProblem p;
  p.n = 2, p.h = h, p.w = w, p.c_in = c_in, p.c_out = c_out;
  p.kernel_h = p.kernel_w = kernel;
  p.stride_h = p.stride_w = stride;
  p.padding_h = p.padding_w = padding;
  p.dilation_h = p.dilation_w = dilation;
  return p;
}

struct Operands {
  GuardedBuffer x, w, dy, bias, residual;

  explicit Operands(const ConvProblem& p)
      : x(small_integers(p.input_count(), 1)),
        w(small_integers(p.weight_count(), 2)),
        dy(small_integers(p.output_count(), 3)),
        bias(small_integers(p.c_out, 4)),
        residual(small_integers(p.output_count(), 5)) {}
};

/// Which parts of the epilogue a problem tries; every combination comes round.
ConvEpilogue<float> epilogue_of(Operands& o, std::int64_t which) {
  constexpr Clamp activations[] = {no_clamp, relu_clamp, relu6_clamp};
  return {which % 2 == 0 ? o.bias.data() : nullptr, which % 4 < 2 ? o.residual.data() : nullptr,
          activations[which % 3]};
}

template <class Compute>
std::vector<float> result(std::int64_t count, Compute&& compute) {
  GuardedBuffer buffer(count);
  compute(buffer.data());
  CHECK(buffer.is_guard_intact());
  return buffer.content();
}

double largest(const std::vector<float>& values) {
  double result = 0;
  for (float v : values) result = std::max(result, std::abs(static_cast<double>(v)));
  return result;
}

/// `range`: the largest value before an activation cut it.
void check_close(const std::vector<float>& values, const std::vector<float>& expected, double rounding, double range) {
  if (rounding == 0) {
    CHECK(values == expected);
    return;
  }
  double error = 0;
  REQUIRE(values.size() == expected.size());
  for (std::size_t i = 0; i < values.size(); ++i)
    error = std::max(error, std::abs(static_cast<double>(values[i]) - static_cast<double>(expected[i])));
  CHECK(error <= rounding * range);
}

void check_against_reference(const ConvProblem& p) {
  static std::int64_t which = 0;
  INFO(describe(p));
  Operands o(p);
  const ConvEpilogue<float> epilogue = epilogue_of(o, which++);
  const auto y = result(p.output_count(),
                        [&](float* out) { reference::conv2d_forward(p, o.x.data(), o.w.data(), epilogue, out); });
  const double y_range = largest(result(p.output_count(), [&](float* out) {
    reference::conv2d_forward(p, o.x.data(), o.w.data(), {epilogue.bias, epilogue.residual, no_clamp}, out);
  }));
  const auto dx = result(p.input_count(),
                         [&](float* out) { reference::conv2d_input_gradient(p, o.dy.data(), o.w.data(), {}, out); });
  const auto dw =
      result(p.weight_count(), [&](float* out) { reference::conv2d_weight_gradient(p, o.x.data(), o.dy.data(), out); });
  for (const ConvAlgorithm& a : conv_algorithms()) {
    if (!a.supports(p) || std::string(a.name) == "reference") continue;
    for_each_isa([&] {
      INFO("algorithm " << a.name);
      check_close(
          result(p.output_count(), [&](float* out) { conv_forward(a, p, o.x.data(), o.w.data(), epilogue, out); }), y,
          a.rounding, y_range);
      check_close(result(p.input_count(), [&](float* out) { a.input_gradient(p, o.dy.data(), o.w.data(), {}, out); }),
                  dx, a.rounding, largest(dx));
      check_close(result(p.weight_count(), [&](float* out) { a.weight_gradient(p, o.x.data(), o.dy.data(), out); }), dw,
                  a.rounding, largest(dw));
    });
  }
}

double dot(const std::vector<float>& a, const std::vector<float>& b) {
  double sum = 0;
  for (std::size_t i = 0; i < a.size(); ++i) sum += static_cast<double>(a[i]) * static_cast<double>(b[i]);
  return sum;
}

}  // namespace

TEST_CASE("fast convolutions: channel counts", "[conv]") {
  for (std::int64_t c_in : {1, 3, 5, 16, 17, 33, 64}) {
    for (std::int64_t c_out : {1, 7, 16, 24, 32, 64, 65}) check_against_reference(problem(5, 7, c_in, c_out, 3, 1, 1));
  }
}

TEST_CASE("fast convolutions: sizes, kernels, strides, padding, dilation", "[conv]") {
  for (const auto& [h, w] : {std::pair{1, 1}, {5, 7}, {17, 13}}) {
    for (std::int64_t kernel : {1, 2, 3, 7}) {
      for (std::int64_t stride : {1, 2, 3}) {
        for (std::int64_t padding : {0, 1, 2, 3}) {
          for (std::int64_t dilation : {1, 2}) {
            const ConvProblem p = problem(h, w, 3, 18, kernel, stride, padding, dilation);
            if (p.output_count() > 0) check_against_reference(p);
          }
        }
      }
    }
  }
}

TEST_CASE("fast convolutions: each axis has its own geometry", "[conv]") {
  ConvProblem p = problem(9, 20, 6, 10, 3);
  p.kernel_h = 2, p.kernel_w = 5;
  p.stride_h = 3, p.stride_w = 2;
  p.padding_h = 1, p.padding_w = 4;
  p.dilation_h = 1, p.dilation_w = 2;
  check_against_reference(p);
}

TEST_CASE("fast convolutions: several panels, chunks of channels, and blocks of pixels", "[conv]") {
  check_against_reference(problem(6, 6, 200, 144, 3, 1, 1));
  check_against_reference(problem(4, 5, 700, 80, 1));
  check_against_reference(problem(70, 33, 5, 17, 3, 2, 1));
  check_against_reference(problem(3, 1100, 17, 3, 3, 1, 1));
  check_against_reference(problem(40, 50, 100, 4, 1));
  check_against_reference(problem(9, 11, 80, 70, 3, 2, 1));
  check_against_reference(problem(11, 9, 96, 96, 3, 1, 2, 2));
  for (std::int64_t padding : {0, 2}) check_against_reference(problem(13, 20, 17, 24, 3, 1, padding));
  check_against_reference(problem(41, 43, 66, 64, 3, 1, 1));  // Winograd's weight gradient: several groups of blocks
}

TEST_CASE("fast convolutions: any rest of tiles behind the last whole register tile", "[conv]") {
  // Of 6, 8 and 12 rows, by the instruction set and the panel's width; a row is one of Winograd's tiles of 4 x 4. From
  // 192 channels on, filters are fetched ahead.
  for (std::int64_t tiles : {7, 8, 9, 10, 13, 15, 19}) {
    for (std::int64_t c_in : {20, 192}) {
      for (std::int64_t c_out : {8, 16, 32, 48, 64}) {
        ConvProblem p = problem(4, 4 * tiles, c_in, c_out, 3, 1, 1);
        p.n = 1;
        check_against_reference(p);
      }
    }
  }
}

TEST_CASE("fast convolutions: the stem", "[conv]") {
  for (std::int64_t c_in : {1, 2, 3, 4}) {
    for (std::int64_t c_out : {1, 7, 16, 33, 64, 70}) check_against_reference(problem(13, 22, c_in, c_out, 7, 2, 3));
    for (const auto& [h, w] : {std::pair{1, 1}, {1, 40}, {41, 2}, {6, 6}, {7, 11}, {12, 5}, {24, 48}})
      check_against_reference(problem(h, w, c_in, 18, 7, 2, 3));
  }
  check_against_reference(problem(130, 150, 3, 20, 7, 2, 3));  // several tasks, and blocks in a group of the gradient
}

TEST_CASE("fast convolutions: few output channels, in tiles that are whole, cut, and across rows", "[conv]") {
  for (std::int64_t width : {1, 15, 16, 17, 40, 67}) {
    for (std::int64_t c_out : {1, 2}) {
      check_against_reference(problem(5, width, 64, c_out, 3, 1, 1));
      check_against_reference(problem(5, width, 67, c_out, 3, 2, 1));
    }
    check_against_reference(problem(5, width, 16, 1, 3, 1, 1));
  }
}

TEST_CASE("fast convolutions: one filter per channel", "[conv]") {
  const auto depthwise = [](ConvProblem p) {
    p.groups = p.c_in;
    return p;
  };
  for (std::int64_t channels : {1, 3, 16, 17, 33, 64})
    check_against_reference(depthwise(problem(5, 30, channels, channels, 3, 1, 1)));
  for (const auto& [h, w] : {std::pair{1, 1}, {5, 7}, {17, 13}}) {
    for (std::int64_t kernel : {1, 3, 4, 7}) {
      for (std::int64_t stride : {1, 2, 3}) {
        for (std::int64_t padding : {0, 1, 3}) {
          for (std::int64_t dilation : {1, 2}) {
            const ConvProblem p = depthwise(problem(h, w, 19, 19, kernel, stride, padding, dilation));
            if (p.output_count() > 0) check_against_reference(p);
          }
        }
      }
    }
  }
  // Runs of 8, 4, 2 and 1 pixels between the borders, vectors that are whole and not, and several parts of the sums.
  for (std::int64_t width = 15; width <= 31; ++width) {
    check_against_reference(depthwise(problem(4, width, 16, 16, 3, 1, 1)));
    check_against_reference(depthwise(problem(5, width, 21, 21, 3, 2, 1)));
  }
  check_against_reference(depthwise(problem(70, 90, 20, 20, 3, 1, 1)));
  check_against_reference(depthwise(problem(71, 93, 36, 36, 3, 2, 1)));
  check_against_reference(depthwise(problem(9, 40, 150, 150, 3, 1, 1)));
}

TEST_CASE("other groups run on the reference", "[conv]") {
  ConvProblem p = problem(3, 3, 4, 8, 1);
  p.groups = 4;
  CHECK(std::string(choose_conv(p).name) == "reference");
  p.groups = 1;
  CHECK(std::string(choose_conv(p).name) == "igemm");
}

namespace {

/// Outputs and weight gradients of the algorithms that round, on fractions: by no more than they say.
void check_rounding(const ConvProblem& p) {
  GuardedBuffer x = fractions(p.input_count(), 1), w = fractions(p.weight_count(), 2),
                dy = fractions(p.output_count(), 3);
  const auto in_double = [](GuardedBuffer& b) {
    const auto values = b.content();
    return std::vector<double>(values.begin(), values.end());
  };
  const auto x64 = in_double(x), w64 = in_double(w), dy64 = in_double(dy);
  std::vector<double> y(dy64.size()), dw(w64.size());
  reference::conv2d_forward<double>(p, x64.data(), w64.data(), {}, y.data());
  reference::conv2d_weight_gradient<double>(p, x64.data(), dy64.data(), dw.data());
  const auto check = [&](const std::vector<float>& values, const std::vector<double>& exact, double rounding) {
    double error = 0, range = 0;
    for (std::size_t i = 0; i < exact.size(); ++i) {
      error = std::max(error, std::abs(static_cast<double>(values[i]) - exact[i]));
      range = std::max(range, std::abs(exact[i]));
    }
    CHECK(error < rounding * range);
    CHECK(error > 0);
  };
  for (const ConvAlgorithm& a : conv_algorithms()) {
    if (!a.supports(p) || a.rounding == 0) continue;
    for_each_isa([&] {
      INFO("algorithm " << a.name << ", " << describe(p));
      check(result(p.output_count(), [&](float* out) { conv_forward(a, p, x.data(), w.data(), {}, out); }), y,
            a.rounding);
      check(result(p.weight_count(), [&](float* out) { a.weight_gradient(p, x.data(), dy.data(), out); }), dw,
            a.rounding);
    });
  }
}

}  // namespace

TEST_CASE("rounding of Winograd's convolution on the network's channel counts", "[conv]") {
  for (const auto& [c_in, c_out] : {std::pair{16, 16}, {64, 16}, {32, 32}, {192, 32}, {64, 64}, {512, 40}}) {
    const ConvProblem p = problem(12, 12, c_in, c_out, 3, 1, 1);
    CHECK(std::string(choose_conv(p).name) == (prefers_six(c_in, c_out) ? "winograd_six" : "winograd"));
    check_rounding(p);
  }
}

TEST_CASE("rounding of the stem", "[conv]") {
  for (std::int64_t c_in : {1, 3, 4}) {
    const ConvProblem p = problem(60, 50, c_in, 24, 7, 2, 3);
    CHECK(std::string(choose_conv(p).name) == "stem");
    check_rounding(p);
  }
}

TEST_CASE("a residual may be overwritten by the sum", "[conv]") {
  for (const ConvProblem& p :
       {problem(5, 6, 4, 20, 3, 1, 1), problem(4, 4, 200, 144, 3, 1, 1), problem(14, 15, 3, 20, 7, 2, 3)}) {
    Operands o(p);
    for (const ConvAlgorithm& a : conv_algorithms()) {
      if (!a.supports(p)) continue;
      for_each_isa([&] {
        std::vector<float> apart(static_cast<std::size_t>(p.output_count())), in_place = o.residual.content();
        conv_forward(a, p, o.x.data(), o.w.data(), {nullptr, o.residual.data(), relu_clamp}, apart.data());
        conv_forward(a, p, o.x.data(), o.w.data(), {nullptr, in_place.data(), relu_clamp}, in_place.data());
        CHECK(in_place == apart);
      });
    }
  }
}

TEST_CASE("an input gradient adds to what is there", "[conv]") {
  ConvProblem depthwise = problem(19, 23, 40, 40, 3, 1, 1), downsampling = problem(19, 23, 40, 40, 3, 2, 1);
  depthwise.groups = downsampling.groups = 40;
  // The last two: source channels in several chunks, whose sums are added to dx one after the other; past the caches.
  for (const ConvProblem& p :
       {problem(5, 6, 20, 4, 3, 1, 1), problem(9, 8, 24, 70, 3, 1, 1), problem(19, 23, 40, 70, 3, 2, 1),
        problem(13, 14, 36, 48, 1, 2), problem(14, 15, 3, 20, 7, 2, 3), problem(9, 9, 33, 40, 1),
        problem(9, 9, 2, 40, 1), depthwise, downsampling, problem(6, 7, 40, 700, 1), problem(190, 190, 32, 16, 1)}) {
    GuardedBuffer dy = fractions(p.output_count(), 1), w = fractions(p.weight_count(), 2);
    const std::vector<float> before = fractions(p.input_count(), 3).content();
    for (const ConvAlgorithm& a : conv_algorithms()) {
      if (!a.supports(p)) continue;
      for_each_isa([&] {
        INFO("algorithm " << a.name << ", " << describe(p));
        const auto alone =
            result(p.input_count(), [&](float* out) { a.input_gradient(p, dy.data(), w.data(), {}, out); });
        std::vector<float> expected = before;
        for (std::size_t i = 0; i < expected.size(); ++i) expected[i] += alone[i];
        const auto sum = [&](bool in_place) {
          return result(p.input_count(), [&](float* out) {
            if (in_place) std::copy(before.begin(), before.end(), out);
            a.input_gradient(p, dy.data(), w.data(), {nullptr, in_place ? out : before.data()}, out);
          });
        };
        const bool has_chunks = p.c_out > 512 && std::string(a.name) == "igemm";
        for (bool in_place : {false, true})
          check_close(sum(in_place), expected, has_chunks ? 1e-6 : 0, largest(expected));
      });
    }
  }
}

TEST_CASE("forward and gradients are adjoint: <A x, y> = <x, A' y>", "[conv]") {
  ConvProblem depthwise = problem(19, 23, 40, 40, 3, 1, 1), downsampling = problem(19, 23, 40, 40, 3, 2, 1);
  depthwise.groups = downsampling.groups = 40;
  for (const ConvProblem& p : {problem(19, 23, 40, 70, 3, 1, 1), problem(19, 23, 40, 70, 3, 2, 1),
                               problem(19, 23, 3, 70, 7, 2, 3), depthwise, downsampling}) {
    GuardedBuffer x = fractions(p.input_count(), 6), w = fractions(p.weight_count(), 7),
                  dy = fractions(p.output_count(), 8);
    for (const ConvAlgorithm& a : conv_algorithms()) {
      if (!a.supports(p)) continue;
      for_each_isa([&] {
        INFO("algorithm " << a.name << ", " << describe(p));
        const auto y = result(p.output_count(), [&](float* out) { conv_forward(a, p, x.data(), w.data(), {}, out); });
        const auto dx = result(p.input_count(), [&](float* out) { a.input_gradient(p, dy.data(), w.data(), {}, out); });
        const auto dw = result(p.weight_count(), [&](float* out) { a.weight_gradient(p, x.data(), dy.data(), out); });
        const double scale = std::sqrt(dot(y, y) * dot(dy.content(), dy.content()));
        CHECK(dot(y, dy.content()) == Approx(dot(x.content(), dx)).margin(1e-6 * scale));
        CHECK(dot(y, dy.content()) == Approx(dot(w.content(), dw)).margin(1e-6 * scale));
      });
    }
  }
}

TEST_CASE("fast convolutions give the same bits with any number of threads", "[conv][threads]") {
  ConvProblem depthwise = problem(57, 61, 70, 70, 3, 1, 1), downsampling = problem(57, 61, 70, 70, 3, 2, 1);
  depthwise.groups = downsampling.groups = 70;
  // 200 channels: Winograd takes longer strips of tiles where one thread is alone. 66: two threads take one group each
  // of the weight gradient's blocks, three share each block.
  for (const ConvProblem& p :
       {problem(37, 41, 30, 70, 3, 1, 1), problem(25, 30, 200, 40, 3, 1, 1), problem(41, 43, 66, 64, 3, 1, 1),
        problem(60, 101, 3, 40, 7, 2, 3), depthwise, downsampling}) {
    GuardedBuffer x = fractions(p.input_count(), 6), w = fractions(p.weight_count(), 7),
                  dy = fractions(p.output_count(), 8);
    for (const ConvAlgorithm& a : conv_algorithms()) {
      if (!a.supports(p)) continue;
      INFO("algorithm " << a.name << ", " << describe(p));
      check_thread_independence([&] {
        return result(p.output_count(), [&](float* out) { conv_forward(a, p, x.data(), w.data(), {}, out); });
      });
      check_thread_independence([&] {
        return result(p.input_count(), [&](float* out) { a.input_gradient(p, dy.data(), w.data(), {}, out); });
      });
      check_thread_independence([&] {
        return result(p.weight_count(), [&](float* out) { a.weight_gradient(p, x.data(), dy.data(), out); });
      });
    }
  }
}

TEST_CASE("Winograd with filters too large for the caches, whose blocks are of several strips", "[conv]") {
  // 15 x 15 tiles of two images: the last strip is not full, and the weight gradient's blocks of 256 are two. Against
  // the implicit product, as the textbook loops take seconds.
  const ConvProblem p = problem(60, 60, 420, 420, 3, 1, 1);
  GuardedBuffer x = fractions(p.input_count(), 1), w = fractions(p.weight_count(), 2),
                dy = fractions(p.output_count(), 3);
  const auto algorithm = [](const std::string& name) {
    const auto all = conv_algorithms();
    const auto found = std::find_if(all.begin(), all.end(), [&](const ConvAlgorithm& a) { return a.name == name; });
    REQUIRE(found != all.end());
    return *found;
  };
  const auto forward = [&](const ConvAlgorithm& a) {
    return result(p.output_count(), [&](float* out) { conv_forward(a, p, x.data(), w.data(), {}, out); });
  };
  const auto expected = forward(algorithm("igemm"));
  check_close(forward(algorithm("winograd")), expected, 6e-6, largest(expected));
  const auto weight_gradient = [&](const ConvAlgorithm& a) {
    return result(p.weight_count(), [&](float* out) { a.weight_gradient(p, x.data(), dy.data(), out); });
  };
  const auto expected_dw = weight_gradient(algorithm("igemm"));
  check_close(weight_gradient(algorithm("winograd")), expected_dw, 6e-6, largest(expected_dw));
}

namespace {

/// compute(problem, source, out) for p's two images at once and for one after the other: the bits must be the same.
/// Images of p have `in` floats, results `out`.
template <class Compute>
void check_large_images(const ConvProblem& p, std::int64_t in, std::int64_t out, Compute&& compute) {
  GuardedBuffer source = fractions(2 * in, 1);
  ScratchBuffer both(static_cast<std::size_t>(2 * out) * sizeof(float));  // a tensor's memory: aligned
  ScratchBuffer alone(static_cast<std::size_t>(out) * sizeof(float));
  compute(p, source.data(), both.as<float>());
  ConvProblem half = p;
  half.n = 1;
  for (std::int64_t image = 0; image < 2; ++image) {
    compute(half, source.data() + image * in, alone.as<float>());
    CHECK(std::equal(alone.as<float>(), alone.as<float>() + out, both.as<float>() + image * out));
  }
}

}  // namespace

TEST_CASE("images larger than the caches have the bits of smaller ones", "[conv]") {
  // Two images are stored past the caches and one is not: by depthwise (and 1x1) from 2 MB on, by the others from 16
  // MB. Odd: the last tiles are not whole.
  const std::int64_t size = GENERATE(171, 379), limit = size == 171 ? 1 << 19 : 1 << 22;
  ConvProblem depthwise = problem(size, size, 16, 16, 3, 1, 1), downsampling = problem(size, size, 16, 16, 3, 2, 1);
  depthwise.groups = downsampling.groups = 16;
  const auto is_on_both_sides = [&](std::int64_t count) { return count < limit && 2 * count >= limit; };
  REQUIRE(is_on_both_sides(size * size * 16));
  for (const ConvProblem& p : {problem(size, size, 8, 16, 1), problem(size, size, 16, 16, 3, 1, 1),
                               problem(size, size, 3, 64, 7, 2, 3), depthwise, downsampling}) {
    GuardedBuffer w = fractions(p.weight_count(), 2), bias = fractions(p.c_out, 3);
    const ConvEpilogue<float> epilogue = {bias.data(), nullptr, relu_clamp};
    for (const ConvAlgorithm& a : conv_algorithms()) {
      if (!a.supports(p) || std::string(a.name) == "reference") continue;
      for_each_isa([&] {
        INFO("algorithm " << a.name << ", " << describe(p));
        const std::int64_t in = p.input_count() / p.n, out = p.output_count() / p.n;
        if (is_on_both_sides(out)) {
          check_large_images(p, in, out, [&](const ConvProblem& q, const float* x, float* y) {
            conv_forward(a, q, x, w.data(), epilogue, y);
          });
        }
        if (is_on_both_sides(in)) {
          check_large_images(p, out, in, [&](const ConvProblem& q, const float* dy, float* dx) {
            a.input_gradient(q, dy, w.data(), {}, dx);
          });
        }
      });
    }
  }
}
