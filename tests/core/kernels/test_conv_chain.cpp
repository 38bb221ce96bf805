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
  Layer(const ConvProblem& p, Activation activation, std::uint32_t seed, bool upsamples = false)
      : step{upsamples ? nullptr : &choose_conv(p), p, nullptr, nullptr, activation},
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

  static UpsampleConvProblem half(const ConvProblem& p) { return {p.n, p.h / 2, p.w / 2, p.c_in, 0, p.c_out}; }

  std::int64_t input_count() const { return step.problem.input_count() / (step.algorithm == nullptr ? 4 : 1); }

  std::vector<float> run(const std::vector<float>& x) const {
    GuardedBuffer y(step.problem.output_count());
    const ConvEpilogue<float> epilogue = {step.bias, nullptr, step.activation};
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
                                             is_last ? Activation::none : Activation::relu,
                                             static_cast<std::uint32_t>(3 * i + 1), upsamples && i == 0));
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
  // Tiles of four, six and eight rows that meet, whole and cut ones; rows shorter and longer than a narrow tile.
  const Case cases[] = {
      {1, 350, 20, {16, 16, 1}, false},    {1, 340, 37, {8, 24, 2}, false},         {3, 131, 16, {40, 48, 1}, false},
      {1, 346, 18, {32, 16, 16, 1}, true}, {2, 102, 600, {16, 8, 16, 1}, true},     {1, 352, 6, {40, 40, 48, 2}, true},
      {1, 344, 10, {64, 32, 32, 1}, true}, {1, 337, 9, {16, 16, 40, 40, 1}, false}, {1, 50, 34, {32, 16, 16, 1}, true}};
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

TEST_CASE("Only 3x3 convolutions with rows for all threads run in one pass", "[kernels]") {
  const int before = num_threads();
  const auto supports = [](const Layer& first, const Layer& second) {
    const ConvStep steps[] = {first.step, second.step};
    return conv_chain_supports(steps);
  };
  const Layer tall(same_size(1, 100, 20, 16, 16), Activation::relu, 1), head(same_size(1, 100, 20, 16, 1), {}, 2);
  set_num_threads(2);
  CHECK(supports(tall, head));
  CHECK_FALSE(supports(tall, tall));  // the last would be Winograd's
  CHECK_FALSE(supports(head, head));  // the first the implicit product
  CHECK_FALSE(supports(tall, Layer(same_size(1, 100, 20, 16, 1), {}, 3, true)));
  set_num_threads(3);
  CHECK_FALSE(supports(tall, head));
  set_num_threads(before);
  ConvProblem pointwise = head.step.problem;
  pointwise.kernel_h = pointwise.kernel_w = 1, pointwise.padding_h = pointwise.padding_w = 0;
  CHECK_FALSE(supports(tall, Layer(pointwise, {}, 3)));
}
