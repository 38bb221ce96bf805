// MobileNetV2's block as one operation is the same as the operations that it stands for.

#include "core/ops/inverted_residual.h"

#include <algorithm>
#include <vector>

#include "core/autograd.h"
#include "core/parallel.h"
#include "core/profile.h"
#include "tests/op_checks.h"

using namespace weft;
using namespace weft::test;

namespace {

struct Block {
  Tensor x;
  NormalisedConv expand, depthwise;
  Tensor project;
  std::int64_t stride;

  /// `expansion` 1: no expanding convolution.
  Block(const Shape& shape, std::int64_t expansion, std::int64_t c_out, std::int64_t stride_) : stride(stride_) {
    const std::int64_t c_in = shape[3], c_mid = c_in * expansion;
    x = leaf(shape);
    if (expansion > 1) expand = layer({c_mid, c_in, 1, 1});
    depthwise = layer({c_mid, 1, 3, 3});
    project = leaf({c_out, c_mid, 1, 1});
  }

  static Tensor leaf(const Shape& shape) {
    Tensor t = random_f32(shape);
    t.set_requires_grad(true);
    return t;
  }
  static NormalisedConv layer(const Shape& weight) {
    const Shape channels{weight[0]};
    return {leaf(weight), {leaf(channels), leaf(channels), random_f32(channels), Tensor::full(channels, 1)}};
  }

  Tensors leaves() const {
    Tensors all = {x, depthwise.weight, depthwise.norm.gamma, depthwise.norm.beta, project};
    if (expand.weight.defined()) all.insert(all.end(), {expand.weight, expand.norm.gamma, expand.norm.beta});
    return all;
  }
  Tensors statistics() const {
    Tensors all = {depthwise.norm.running_mean, depthwise.norm.running_var};
    if (expand.weight.defined()) all.insert(all.end(), {expand.norm.running_mean, expand.norm.running_var});
    return all;
  }

  /// The same values in tensors of its own.
  Block clone() const {
    const auto copy = [](const Tensor& t) {
      if (!t.defined()) return t;
      Tensor c = t.detach().clone();
      if (t.requires_grad()) c.set_requires_grad(true);
      return c;
    };
    const auto layer = [&](const NormalisedConv& conv) {
      return NormalisedConv{
          copy(conv.weight),
          {copy(conv.norm.gamma), copy(conv.norm.beta), copy(conv.norm.running_mean), copy(conv.norm.running_var)}};
    };
    Block b = *this;
    b.x = copy(x), b.expand = layer(expand), b.depthwise = layer(depthwise), b.project = copy(project);
    return b;
  }
};

const BatchNormOptions options = {.clamp = relu6_clamp};

Tensor as_one(const Block& b, ChannelStatistics* statistics = nullptr) {
  return inverted_residual(b.x, b.expand, b.depthwise, b.project, b.stride, options, statistics);
}

Tensor one_by_one(const Block& b) {
  const auto norm = [](const Tensor& x, const NormalisedConv& conv) {
    return batch_norm(x, conv.norm.gamma, conv.norm.beta, conv.norm.running_mean, conv.norm.running_var, options);
  };
  const Tensor e = b.expand.weight.defined() ? norm(conv2d(b.x, b.expand.weight), b.expand) : b.x;
  const Tensor d = depthwise_conv2d(e, b.depthwise.weight, Tensor(), {.stride = b.stride, .padding = 1});
  return conv2d(norm(d, b.depthwise), b.project);
}

/// Of many shapes.
const std::vector<Block>& blocks() {
  static const std::vector<Block> all = {
      {{2, 9, 11, 16}, 6, 24, 1}, {{2, 17, 12, 24}, 6, 16, 2}, {{1, 33, 40, 8}, 6, 8, 2},  {{3, 8, 8, 32}, 1, 16, 1},
      {{1, 2, 3, 5}, 3, 7, 1},    {{4, 3, 1, 16}, 6, 16, 1},   {{4, 70, 64, 16}, 6, 24, 2}};
  return all;
}

}  // namespace

TEST_CASE("an inverted residual equals its convolutions and batch norms, in values, statistics and gradients",
          "[ops]") {
  for (const Block& original : blocks()) {
    const Block one = original.clone(), parts = original.clone();
    INFO(one.x.shape().to_string() << ", stride " << one.stride);
    ChannelStatistics statistics;
    const Tensor y = as_one(one, &statistics), expected = one_by_one(parts);
    CHECK(relative_difference(y, expected) < 2e-5);
    REQUIRE(statistics.mean.defined());
    const Tensor mean_of_y = mean(y.detach(), {0, 1, 2});
    CHECK(relative_difference(statistics.mean, mean_of_y) < 1e-4);
    for (std::size_t i = 0; i < one.statistics().size(); ++i)
      CHECK(relative_difference(one.statistics()[i], parts.statistics()[i]) < 1e-5);

    const Tensor seed = random_f32(y.shape());
    backward(y, seed);
    backward(expected, seed);
    for (std::size_t i = 0; i < one.leaves().size(); ++i) {
      INFO("leaf " << i);
      REQUIRE(one.leaves()[i].grad().defined());
      CHECK(relative_difference(one.leaves()[i].grad(), parts.leaves()[i].grad()) < 1e-4);
    }
  }
}

TEST_CASE("an inverted residual gives the gradients that are wanted, whatever others are not", "[ops]") {
  for (bool wants_x : {true, false}) {
    const Block one = blocks()[0].clone(), parts = blocks()[0].clone();
    for (const Block* b : {&one, &parts}) {
      b->x.set_requires_grad(wants_x);
      b->depthwise.weight.set_requires_grad(false);
    }
    const Tensor y = as_one(one), expected = one_by_one(parts);
    const Tensor seed = random_f32(y.shape());
    backward(y, seed);
    backward(expected, seed);
    const Tensors leaves = one.leaves(), expected_leaves = parts.leaves();
    for (std::size_t i = 0; i < leaves.size(); ++i) {
      REQUIRE(leaves[i].grad().defined() == leaves[i].requires_grad());
      if (leaves[i].requires_grad()) CHECK(relative_difference(leaves[i].grad(), expected_leaves[i].grad()) < 1e-4);
    }
  }
  const NoGrad no_grad;
  CHECK_FALSE(as_one(blocks()[0].clone()).requires_grad());
}

TEST_CASE("an inverted residual adds to its input's gradient and takes its batch norm's sums", "[ops]") {
  for (std::size_t which : {0u, 3u}) {  // with an expansion and without
    const auto run = [&](bool is_one, std::vector<ProfileEntry>* entries) {
      const Block original = blocks()[which];
      Block b = original.clone();
      const std::int64_t c = b.x.size(3);
      const Tensor gamma = Tensor::full({c}, 1.5).set_requires_grad(true);
      const Tensor z = b.x;
      const auto norm = [&](const Tensor& t) {
        // Without beta, relu(gamma xhat) grows as gamma does, and the next batch norm takes that out again: dgamma is
        // 0.
        return batch_norm(t, gamma, Tensor::full({c}, 1), Tensor::zeros({c}), Tensor::full({c}, 1), options);
      };
      b.x = norm(z);
      const Tensor y = is_one ? as_one(b) : one_by_one(b);
      Tensor loss = sum(multiply(y, y));
      // A second use, whose gradient comes first. Only the expansion can add to it.
      if (which == 0) loss = add(loss, scale(sum(multiply(b.x, b.x)), 30));
      const Profile profile;
      backward(loss);
      *entries = profile.entries();
      return Tensors{z.grad(), gamma.grad(), b.project.grad(), b.depthwise.weight.grad()};
    };
    std::vector<ProfileEntry> of_one, of_parts;
    const Tensors one = run(true, &of_one), parts = run(false, &of_parts);
    for (std::size_t i = 0; i < one.size(); ++i) {
      INFO("block " << which << ", gradient " << i);
      CHECK(relative_difference(one[i], parts[i]) < 1e-4);
    }
    const auto passes = [](const std::vector<ProfileEntry>& entries, const std::string& op) {
      return std::count_if(entries.begin(), entries.end(), [&](const ProfileEntry& e) { return e.op == op; });
    };
    CHECK(passes(of_one, "batch_norm sums") == 0);
    CHECK(passes(of_parts, "batch_norm sums") > 0);
  }
}

TEST_CASE("an inverted residual's bits don't depend on the number of threads", "[ops][threads]") {
  const auto run = [] {
    const Block b = blocks()[6].clone();
    const Tensor y = as_one(b);
    backward(y, Tensor::full(y.shape(), 0.5));
    Tensors all = {y.detach()};
    for (const Tensor& t : b.leaves()) all.push_back(t.grad());
    return all;
  };
  const int before = num_threads();
  set_num_threads(1);
  const Tensors expected = run();
  for (int threads : {2, 3, 7}) {
    set_num_threads(threads);
    const Tensors found = run();
    for (std::size_t i = 0; i < found.size(); ++i) CHECK(equal(found[i], expected[i]));
  }
  set_num_threads(before);
}

TEST_CASE("an inverted residual says what does not fit", "[ops]") {
  const Block b = blocks()[0].clone();
  const auto run = [](const Block& block, const BatchNormOptions& o = options) {
    return inverted_residual(block.x, block.expand, block.depthwise, block.project, block.stride, o);
  };
  Block wrong = b;
  wrong.stride = 3;
  CHECK_THROWS_WITH(run(wrong), Contains("stride 1 or 2, got [96, 1, 3, 3] and 3"));
  wrong = b;
  wrong.x = random_f32({2, 9, 11, 15});
  CHECK_THROWS_WITH(run(wrong), Contains("15"));
  wrong = b;
  wrong.project = random_f32({24, 90, 1, 1});
  CHECK_THROWS_WITH(run(wrong), Contains("90"));
  wrong = b;
  wrong.depthwise.norm.gamma = random_f32({95});
  CHECK_THROWS_WITH(run(wrong), Contains("expected [96] for gamma"));
  wrong = b;
  wrong.x = random_f64(b.x.shape());
  CHECK_THROWS_WITH(run(wrong), Contains("float"));
  CHECK_THROWS_WITH(run(b, {.training = false, .clamp = relu6_clamp}), Contains("in training"));
  wrong = b;
  wrong.x = random_f32({1, 1, 1, 16});
  CHECK_THROWS_WITH(run(wrong), Contains("larger batch"));
}
