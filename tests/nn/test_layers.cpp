#include "nn/layers.h"

#include <optional>

#include "core/autograd.h"
#include "core/parallel.h"
#include "nn/init.h"
#include "tests/gradcheck.h"

using namespace weft;
using namespace weft::nn;
using namespace weft::test;

namespace {

/// Values that no test could get right by accident.
void randomise(const Module& module, std::uint64_t seed) {
  for (const auto& [name, tensor] : module.state_dict()) {
    if (tensor.dtype() == DType::i64) continue;
    normal(tensor, 0.5, parameter_stream(seed, name));
    if (name.ends_with("running_var"))
      tensor.copy_from(add(multiply(tensor.detach(), tensor.detach()), Tensor::full(tensor.shape(), 0.5)));
  }
}

}  // namespace

TEST_CASE("folding batch norm into a convolution changes rounding only", "[nn]") {
  for (Clamp clamp : {no_clamp, relu_clamp, relu6_clamp}) {
    for (std::int64_t groups : {1, 6}) {
      ConvBnAct layer(6, 12, 3, {.stride = 2, .padding = 1, .groups = groups}, clamp);
      randomise(layer, 3);
      layer.eval();
      const Tensor x = random_f32({2, 9, 7, 6});
      const Tensor unfolded = layer.bn.forward(layer.conv.forward(x), clamp);
      const NoGrad no_grad;
      CHECK(relative_difference(layer.forward(x), unfolded) < 1e-5);
      CHECK(equal(layer.forward(x), layer.forward(x)));

      layer.bn.bias.fill(3);  // the kept fold must notice
      CHECK(relative_difference(layer.forward(x), layer.bn.forward(layer.conv.forward(x), clamp)) < 1e-5);
    }
  }
}

TEST_CASE("conv_bn adds the residual before the clamp, folded or not", "[nn]") {
  ConvBnAct layer(4, 4, 3, {.padding = 1}, relu_clamp);
  randomise(layer, 4);
  layer.eval();
  const Tensor x = random_f32({1, 5, 5, 4}), r = random_f32({1, 5, 5, 4});
  const Tensor expected = relu(add(layer.bn.forward(layer.conv.forward(x)), r));
  CHECK(relative_difference(conv_bn(layer.conv, layer.bn, relu_clamp, x, r), expected) < 1e-6);
  const NoGrad no_grad;
  CHECK(relative_difference(conv_bn(layer.conv, layer.bn, relu_clamp, x, r), expected) < 1e-5);
}

TEST_CASE("a pair of convolutions is what its halves are, whatever is trained", "[nn]") {
  ConvBnAct first(4, 16, 3, {.padding = 1}, relu_clamp), second(16, 16, 3, {.padding = 1}, relu_clamp);
  const Tensor x = random_f32({2, 9, 7, 4}), r = random_f32({2, 9, 7, 16});
  const auto run = [&](bool is_pair) {
    randomise(first, 6);  // running statistics, too, start anew
    *first.bn.num_batches_tracked.mutable_data<std::int64_t>() = 0;
    randomise(second, 7);
    for (const ConvBnAct* layer : {&first, &second}) layer->zero_grad();
    const Tensor leaf = x.clone().set_requires_grad(true);
    const Tensor y = is_pair ? conv_bn(second.conv, second.bn, relu_clamp,
                                       conv_to_hidden(first.conv, first.bn, first.clamp, leaf), r)
                             : conv_bn(second.conv, second.bn, relu_clamp, first.forward(leaf), r);
    Tensors results = {y};
    if (y.requires_grad()) {
      sum(multiply(y, y)).backward();
      results.insert(results.end(), {leaf.grad(), first.conv.weight.grad(), first.bn.weight.grad(),
                                     second.conv.weight.grad(), second.bn.bias.grad()});
    }
    for (const auto& [name, tensor] : first.named_buffers()) results.push_back(tensor.to(DType::f32).clone());
    return results;
  };
  for (int modes = 0; modes < 8; ++modes) {
    INFO("modes " << modes);
    first.train(), second.train();
    if ((modes & 1) != 0) first.eval();
    if ((modes & 2) != 0) second.eval();
    std::optional<NoGrad> no_grad;
    if ((modes & 4) != 0) no_grad.emplace();
    const Tensors pair = run(true), halves = run(false);
    REQUIRE(pair.size() == halves.size());
    for (std::size_t i = 0; i < pair.size(); ++i) CHECK(relative_difference(pair[i], halves[i]) < 1e-6);
  }
}

TEST_CASE("the end of a network is what its layers are, whatever is trained", "[nn]") {
  const Conv2dOptions padded{.padding = 1};
  ConvBnAct first(16, 8, 3, padded, relu_clamp), second(8, 8, 3, padded, relu_clamp);
  Conv2d head(8, 1, 3, padded, true);
  const Tensor x = random_f32({2, 30, 5, 16});
  const auto start = [&] {
    randomise(first, 6), randomise(second, 7), randomise(head, 8);
    for (const Module* layer : std::initializer_list<const Module*>{&first, &second, &head}) layer->zero_grad();
  };
  const auto layer_by_layer = [&](const Tensor& leaf, bool upsamples) {
    return head.forward(second.forward(first.forward(upsamples ? upsample_nearest2x(leaf) : leaf)));
  };
  const auto in_one = [&](const Tensor& leaf, bool upsamples) {
    if (upsamples) return upsample_then_convs(first, second, head, leaf);
    return conv_then_conv(second, head, conv_to_hidden(first.conv, first.bn, first.clamp, leaf));
  };
  const auto run = [&](const auto& forward, bool upsamples, bool learns_x) {
    start();
    const Tensor leaf = x.clone().set_requires_grad(learns_x);
    const Tensor y = forward(leaf, upsamples);
    Tensors results = {y};
    if (y.requires_grad()) {
      sum(multiply(y, y)).backward();
      for (const Tensor& t : {leaf, first.conv.weight, second.conv.weight, second.bn.bias, head.weight, head.bias})
        results.push_back(t.grad());
    }
    return results;
  };
  const int before = num_threads();
  for (int threads : {1, 2}) {
    set_num_threads(threads);
    for (int modes = 0; modes < 32; ++modes) {
      CAPTURE(threads, modes);
      const auto has = [&](int bit) { return (modes >> bit & 1) != 0; };
      first.train(has(0)), second.train(has(0));
      first.set_frozen(has(1)), second.set_frozen(has(1)), head.set_frozen(has(2));
      std::optional<NoGrad> no_grad;
      if (has(3)) no_grad.emplace();
      const Tensors one = run(in_one, has(4), !has(1)), layers = run(layer_by_layer, has(4), !has(1));
      REQUIRE(one.size() == layers.size());
      for (std::size_t i = 0; i < one.size(); ++i) {
        REQUIRE(one[i].defined() == layers[i].defined());
        if (one[i].defined()) CHECK(relative_difference(one[i], layers[i]) < 1e-4);
      }
    }
  }
  set_num_threads(before);
}

TEST_CASE("what a head has packed follows its weights, its bias and their type", "[nn]") {
  ConvBnAct layer(8, 8, 3, {.padding = 1}, relu_clamp);
  Conv2d head(8, 1, 3, {.padding = 1}, true);
  randomise(layer, 1), randomise(head, 2);
  layer.eval(), head.eval();
  const NoGrad no_grad;
  const auto check = [&](DType dtype) {
    const Tensor x = random_f32({1, 60, 5, 8}).to(dtype);
    CHECK(relative_difference(conv_then_conv(layer, head, {{.x = x}}), head.forward(layer.forward(x))) < 1e-5);
  };
  check(DType::f32);
  head.bias.fill(3);
  check(DType::f32);
  head.weight.copy_from(random_f32({1, 8, 3, 3}));
  check(DType::f32);
  layer.to(DType::f64), head.to(DType::f64);
  check(DType::f64);
  head.to(DType::f32), layer.to(DType::f32);
  head.set_inference_only();
  conv_then_conv(layer, head, {{.x = random_f32({1, 60, 5, 8})}});
  CHECK(head.weight.count() == 0);
  CHECK(conv_then_conv(layer, head, {{.x = random_f32({1, 60, 5, 8})}}).count() == 300);
}

TEST_CASE("training moves running statistics and counts batches; a frozen module changes nothing", "[nn]") {
  ConvBnAct layer(3, 5, 3, {.padding = 1}, relu_clamp);
  randomise(layer, 5);
  const auto snapshot = [&] {
    Tensors values;
    for (const auto& [name, tensor] : layer.state_dict())
      values.push_back(tensor.dtype() == DType::i64 ? tensor.to(DType::f32) : tensor.clone());
    return values;
  };
  const Tensor x = random_f32({2, 6, 6, 3});

  const Tensors before = snapshot();
  layer.forward(x);
  CHECK(layer.bn.num_batches_tracked.item() == 1);
  CHECK_FALSE(equal(layer.bn.running_mean, before[3]));

  layer.set_frozen(true);
  layer.train();
  const Tensors frozen = snapshot();
  const Tensor leaf = x.clone().set_requires_grad(true);
  sum(layer.forward(leaf)).backward();
  CHECK(leaf.grad().defined());
  CHECK_FALSE(layer.conv.weight.grad().defined());
  const Tensors after = snapshot();
  for (std::size_t i = 0; i < after.size(); ++i) CHECK(equal(after[i], frozen[i]));

  layer.set_frozen(false);
  sum(layer.forward(x)).backward();
  CHECK(layer.conv.weight.grad().defined());
}

TEST_CASE("Linear is x W' + b", "[nn]") {
  Linear linear(3, 2);
  linear.weight.copy_from(tensor({2, 3}, {1, 2, 3, 4, 5, 6}).to(DType::f32));
  linear.bias.copy_from(tensor({2}, {10, 20}).to(DType::f32));
  CHECK(equal(linear.forward(tensor({1, 3}, {1, 0, -1}).to(DType::f32)), tensor({1, 2}, {8, 18}).to(DType::f32)));
}

TEST_CASE("a module converts to float64 in place, and learns there", "[nn]") {
  ConvBnAct layer(2, 3, 1, {}, relu_clamp);
  randomise(layer, 6);
  const Tensor handle = layer.conv.weight;
  layer.to(DType::f64);
  CHECK(handle.dtype() == DType::f64);
  sum(layer.forward(random_f64({1, 2, 2, 2}))).backward();
  CHECK(handle.grad().dtype() == DType::f64);
}

TEST_CASE("starting values have the spread that their fan asks for", "[nn]") {
  const auto deviation = [](const Tensor& t) {
    double squares = 0;
    for (float v : t.values<float>()) squares += static_cast<double>(v) * static_cast<double>(v);
    return std::sqrt(squares / static_cast<double>(t.count()));
  };
  const Tensor w = Tensor::zeros({64, 32, 3, 3});  // fan in 288, fan out 576
  kaiming_uniform_fan_in(w, parameter_stream(1, "a"));
  CHECK(deviation(w) == Approx(std::sqrt(2.0 / 288)).epsilon(0.02));
  const Tensor first = w.clone();
  kaiming_uniform_fan_in(w, parameter_stream(1, "a"));
  CHECK(equal(w, first));
  kaiming_uniform_fan_in(w, parameter_stream(1, "b"));
  CHECK_FALSE(equal(w, first));
  kaiming_normal_fan_out(w, parameter_stream(1, "a"));
  CHECK(deviation(w) == Approx(std::sqrt(2.0 / 576)).epsilon(0.02));
  xavier_uniform(w, parameter_stream(1, "a"));
  CHECK(deviation(w) == Approx(std::sqrt(2.0 / (288 + 576))).epsilon(0.02));
}
