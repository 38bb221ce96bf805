// A convolution that normalises as it reads is the same as batch norm and convolution, to the bit.

#include "core/ops/normalised_conv2d.h"

#include <vector>

#include "core/autograd.h"
#include "core/check.h"
#include "core/parallel.h"
#include "core/profile.h"
#include "tests/op_checks.h"

using namespace weft;
using namespace weft::test;

namespace {

Tensor leaf(const Shape& shape) {
  Tensor t = random_f32(shape);
  t.set_requires_grad(true);
  return t;
}

Tensor copy(const Tensor& t) {
  Tensor c = t.detach().clone();
  c.set_requires_grad(t.requires_grad());
  return c;
}

struct Layers {
  Tensor x;
  BatchNormTensors norm;
  Tensor weight;
  Conv2dOptions conv;
  BatchNormOptions options;

  Layers(const Shape& shape, std::int64_t c_out, Clamp clamp, std::int64_t padding = 1)
      : x(leaf(shape)),
        weight(leaf({c_out, shape[3], 3, 3})),
        conv{.padding = padding},
        options{.clamp = clamp} {
    const Shape channels{shape[3]};
    norm = {leaf(channels), leaf(channels), random_f32(channels), Tensor::full(channels, 1)};
  }

  /// The same values in tensors of its own.
  Layers clone() const {
    Layers l = *this;
    l.x = copy(x), l.weight = copy(weight);
    l.norm = {copy(norm.gamma), copy(norm.beta), copy(norm.running_mean), copy(norm.running_var)};
    return l;
  }

  UnnormalisedImage image() const { return {x, {}, norm, options}; }
  /// All that a step computes or changes: y, its statistics, running statistics and gradients.
  Tensors step(bool is_one) const {
    ChannelStatistics statistics;
    const Tensor y = is_one ? normalised_conv2d(image(), weight, conv, &statistics)
                            : conv2d(batch_norm(x, norm.gamma, norm.beta, norm.running_mean, norm.running_var, options),
                                     weight, Tensor(), conv, &statistics);
    // An outer function of y, so that its gradient differs from pixel to pixel.
    backward(sum(multiply(y, y)));
    Tensors all = {y.detach(), statistics.mean, statistics.var, norm.running_mean, norm.running_var};
    for (const Tensor& t : {x, norm.gamma, norm.beta, weight}) all.push_back(t.grad());
    return all;
  }
};

void check_same(const Tensors& one, const Tensors& two) {
  REQUIRE(one.size() == two.size());
  for (std::size_t i = 0; i < one.size(); ++i) {
    INFO("result " << i);
    REQUIRE(one[i].defined() == two[i].defined());
    if (!one[i].defined()) continue;
    REQUIRE(one[i].shape() == two[i].shape());
    CHECK(std::equal(one[i].data<float>(), one[i].data<float>() + one[i].count(), two[i].data<float>()));
  }
}

/// Both algorithms, borders that cut tiles, channels that fill no vector, one block of tiles and several.
const std::vector<Layers>& layers() {
  static const std::vector<Layers> all = {
      {{2, 9, 11, 16}, 16, relu_clamp},    {{1, 33, 40, 8}, 24, relu6_clamp},
      {{3, 8, 8, 70}, 40, relu_clamp},     {{2, 13, 5, 64}, 64, no_clamp},
      {{1, 6, 7, 33}, 200, relu_clamp, 0}, {{1, 5, 9, 40}, 48, relu_clamp, 2},
      {{2, 66, 70, 16}, 16, relu_clamp},   {{4, 32, 32, 200}, 16, relu_clamp},
      {{2, 41, 43, 66}, 64, relu_clamp}};
  return all;
}

}  // namespace

TEST_CASE("a convolution of a normalised image equals batch norm and convolution, to the bit", "[ops][batch_norm]") {
  for (const Layers& original : layers()) {
    INFO(original.x.shape().to_string() << " to " << original.weight.shape().to_string());
    REQUIRE(normalised_conv2d_supports(original.image(), original.weight, original.conv));
    check_same(original.clone().step(true), original.clone().step(false));
  }
}

TEST_CASE("it does not depend on the number of threads", "[ops][batch_norm][threads]") {
  for (const Layers& original : layers()) {
    INFO(original.x.shape().to_string() << " to " << original.weight.shape().to_string());
    const int before = num_threads();
    set_num_threads(1);
    const Tensors alone = original.clone().step(true);
    for (int threads : {2, 3}) {
      set_num_threads(threads);
      check_same(original.clone().step(true), alone);
    }
    set_num_threads(before);
  }
}

TEST_CASE("it gives the gradients that are wanted, whatever others are not", "[ops][batch_norm]") {
  for (int which = 0; which < 4; ++which) {
    const auto step = [&](bool is_one) {
      Layers l = layers()[0].clone();
      Tensor* leaves[] = {&l.x, &l.norm.gamma, &l.norm.beta, &l.weight};
      for (int i = 0; i < 4; ++i) leaves[i]->set_requires_grad(i == which);
      return l.step(is_one);
    };
    INFO("only leaf " << which);
    const Tensors one = step(true);
    check_same(one, step(false));
    for (int i = 0; i < 4; ++i) CHECK(one[one.size() - 4 + static_cast<std::size_t>(i)].defined() == (i == which));
  }
  const NoGrad no_grad;
  const Layers l = layers()[0].clone();
  CHECK_FALSE(normalised_conv2d(l.image(), l.weight, l.conv).requires_grad());
}

TEST_CASE("the normalised image is not stored", "[ops][batch_norm]") {
  const Layers l = layers()[0].clone();
  Profile profile;
  l.step(true);
  for (const ProfileEntry& entry : profile.entries()) CHECK(entry.op != "batch_norm apply");
}

TEST_CASE("what it can't do it says, and who asks before is told", "[ops][batch_norm]") {
  Layers evaluating = layers()[0].clone();
  evaluating.options.training = false;
  CHECK_FALSE(normalised_conv2d_supports(evaluating.image(), evaluating.weight, evaluating.conv));
  CHECK_THROWS_AS(normalised_conv2d(evaluating.image(), evaluating.weight, evaluating.conv), Error);

  Layers strided = layers()[0].clone();
  strided.conv.stride = 2;
  CHECK_FALSE(normalised_conv2d_supports(strided.image(), strided.weight, strided.conv));

  Layers mismatched = layers()[0].clone();
  mismatched.norm.beta = Tensor::zeros({3});
  CHECK_THROWS_AS(normalised_conv2d(mismatched.image(), mismatched.weight, mismatched.conv), Error);

  const Layers l = layers()[0].clone();
  UnnormalisedImage image = l.image();
  for (const ChannelStatistics& given :
       {ChannelStatistics{Tensor::zeros({3}), Tensor::zeros({3})}, ChannelStatistics{Tensor::zeros({16}), Tensor()}}) {
    image.statistics = given;
    CHECK_THROWS_AS(normalised_conv2d(image, l.weight, l.conv), Error);
  }
}
