// Convolutions in one pass give the bits of one after the other.

#include "core/kernels/conv_chain.h"

#include <memory>

#include "core/kernels/conv_upsample.h"
#include "tests/core/kernels/kernel_testing.h"

using namespace weft;
using namespace weft::kernels;
using namespace weft::test;

namespace {

ConvProblem same_size(std::int64_t n, std::int64_t h, std::int64_t w, std::int64_t c_in, std::int64_t c_out) {
  ConvProblem p;
  p.n = n, p.h = h, p.w = w, p.c_in = c_in, p.c_out = c_out;
  p.kernel_h = p.kernel_w = 3;
  p.padding_h = p.padding_w = 1;
  return p;
}

/// A convolution with filters and bias of its own.
struct Layer {
  ConvStep step;
  GuardedBuffer packed, bias;

  /// `upsamples`: p's input is the result of upsampling.
  Layer(const ConvProblem& p, Clamp clamp, std::uint32_t seed, bool upsamples = false)
      : step{upsamples ? nullptr : &choose_conv(p), p, nullptr, nullptr, clamp},
        packed(upsamples ? upsample_conv_packed_floats(half(p)) : step.algorithm->packed_floats(p)),
        bias(fractions(p.c_out, seed + 1)) {
    GuardedBuffer w = fractions(p.weight_count(), seed);
    if (upsamples) {
      upsample_conv_pack(half(p), w.data(), packed.data());
    } else {
      step.algorithm->pack(p, w.data(), packed.data());
    }
    step.packed = packed.data(), step.bias = bias.data();
  }

  static UpsampleConvProblem half(const ConvProblem& p) { return UpsampleConvProblem::of_joined(p); }

  std::int64_t input_count() const { return step.problem.input_count() / (step.algorithm == nullptr ? 4 : 1); }

  std::vector<float> run(const std::vector<float>& x) const {
    GuardedBuffer y(step.problem.output_count());
    const ConvEpilogue<float> epilogue = {step.bias, nullptr, step.clamp};
    if (step.algorithm == nullptr) {
      upsample_conv_forward(half(step.problem), x.data(), nullptr, step.packed, epilogue, y.data());
    } else {
      step.algorithm->forward(step.problem, x.data(), step.packed, epilogue, y.data());
    }
    return y.content();
  }
};

/// Layers with channels[0] -> channels[1] -> ... at n x h x w.
std::vector<std::unique_ptr<Layer>> layers_of(std::int64_t n, std::int64_t h, std::int64_t w,
                                              const std::vector<std::int64_t>& channels, bool upsamples) {
  std::vector<std::unique_ptr<Layer>> layers;
  for (std::size_t i = 0; i + 1 < channels.size(); ++i) {
    const bool is_last = i + 2 == channels.size();
    layers.push_back(std::make_unique<Layer>(same_size(n, h, w, channels[i], channels[i + 1]),
                                             is_last ? no_clamp : relu_clamp, static_cast<std::uint32_t>(3 * i + 1),
                                             upsamples && i == 0));
  }
  return layers;
}

std::vector<ConvStep> steps_of(const std::vector<std::unique_ptr<Layer>>& layers) {
  std::vector<ConvStep> steps;
  for (const auto& layer : layers) steps.push_back(layer->step);
  return steps;
}

}  // namespace

TEST_CASE("Convolutions in one pass give the bits of one after the other", "[kernels]") {
  struct Case {
    std::int64_t n, h, w;
    std::vector<std::int64_t> channels;
    bool upsamples;
  };
  // Tiles of four, six and eight rows in all orders, whole and cut ones; rows shorter and longer than a narrow tile;
  // runs that begin within the image; heads of one channel and of several.
  const Case cases[] = {
      {1, 1350, 20, {16, 16, 1}, false},   {1, 1346, 37, {8, 24, 2}, false},       {3, 592, 16, {40, 48, 1}, false},
      {2, 102, 600, {16, 16, 5}, false},   {7, 50, 18, {32, 16, 16, 1}, true},     {2, 102, 300, {16, 8, 16, 1}, true},
      {1, 352, 6, {40, 40, 48, 2}, true},  {1, 344, 10, {64, 32, 32, 1}, true},    {1, 90, 12, {8, 40, 40, 1}, true},
      {2, 95, 17, {40, 40, 16, 1}, false}, {1, 137, 9, {16, 16, 40, 40, 1}, false}};
  for_each_isa([&] {
    for (const Case& c : cases) {
      CAPTURE(c.n, c.h, c.w, c.channels, c.upsamples);
      const auto layers = layers_of(c.n, c.h, c.w, c.channels, c.upsamples);
      const std::vector<ConvStep> steps = steps_of(layers);
      GuardedBuffer x = fractions(layers[0]->input_count(), 5);
      const int before = num_threads();
      set_num_threads(1);
      std::vector<float> expected = x.content();
      for (const auto& layer : layers) expected = layer->run(expected);
      for (int threads : {1, 2, 3, 7}) {
        set_num_threads(threads);
        CAPTURE(threads);
        if (threads > 1 && !conv_chain_supports(steps)) continue;
        REQUIRE(conv_chain_supports(steps));
        GuardedBuffer y(steps.back().problem.output_count());
        conv_chain_forward(steps, x.data(), y.data());
        CHECK(y.content() == expected);
        CHECK(y.is_guard_intact());
      }
      set_num_threads(before);
    }
  });
}

TEST_CASE("Convolutions run in one pass only where they can and it pays", "[kernels]") {
  const int before = num_threads();
  const auto supports = [](const std::vector<std::unique_ptr<Layer>>& layers) {
    return conv_chain_supports(steps_of(layers));
  };
  const auto plain = [](std::int64_t n, std::int64_t h) { return layers_of(n, h, 20, {16, 16, 1}, false); };
  const auto upsampling = [](std::int64_t n, std::int64_t h) { return layers_of(n, h, 20, {16, 16, 16, 1}, true); };
  set_num_threads(1);
  CHECK(supports(plain(1, 48)));
  CHECK(supports(upsampling(1, 48)));
  CHECK_FALSE(supports(plain(1, 47)));
  CHECK_FALSE(supports(upsampling(1, 49)));                          // no upsampled picture has odd rows
  CHECK_FALSE(supports(layers_of(1, 48, 20, {16, 1}, false)));       // one alone
  CHECK_FALSE(supports(layers_of(1, 48, 20, {16, 16, 16}, false)));  // the last is Winograd's
  CHECK_FALSE(supports(layers_of(1, 48, 20, {16, 1, 1}, false)));    // the first is not
  auto mismatched = plain(1, 48);
  mismatched[1] = std::make_unique<Layer>(same_size(1, 48, 20, 24, 1), no_clamp, 9);
  CHECK_FALSE(supports(mismatched));
  auto pointwise = plain(1, 48);
  ConvProblem p = pointwise[1]->step.problem;
  p.kernel_h = p.kernel_w = 1, p.padding_h = p.padding_w = 0;
  pointwise[1] = std::make_unique<Layer>(p, no_clamp, 9);
  CHECK_FALSE(supports(pointwise));
  set_num_threads(2);  // which share an image, or have one each
  CHECK(supports(plain(1, 384)));
  CHECK_FALSE(supports(plain(1, 383)));
  CHECK_FALSE(supports(upsampling(1, 384)));
  CHECK_FALSE(supports(layers_of(1, 384, 20, {16, 16, 16, 1}, false)));
  CHECK(supports(upsampling(2, 48)));
  set_num_threads(before);
}
