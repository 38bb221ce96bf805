#include "nn/layers.h"

#include "core/autograd.h"
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

TEST_CASE("a convolution with batch norm and an activation is the three in turn", "[nn]") {
  ConvBnAct layer(6, 12, 3, {.stride = 2, .padding = 1, .groups = 6}, relu6);
  randomise(layer, 3);
  layer.eval();
  const Tensor x = random_f32({2, 9, 7, 6});
  const Tensor conv = conv2d(x, layer.conv.weight, Tensor(), {.stride = 2, .padding = 1, .groups = 6});
  const Tensor norm = batch_norm(conv, layer.bn.weight, layer.bn.bias, layer.bn.running_mean, layer.bn.running_var,
                                 {.training = false});
  CHECK(equal(layer.forward(x), clamp(norm, 0, 6)));
  ConvBnAct plain(6, 12, 3, {.stride = 2, .padding = 1, .groups = 6}, nullptr);
  randomise(plain, 3);
  plain.eval();
  CHECK(equal(plain.forward(x), norm));
}

TEST_CASE("training moves running statistics and counts batches; a frozen module changes nothing", "[nn]") {
  ConvBnAct layer(3, 5, 3, {.padding = 1}, relu);
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
  ConvBnAct layer(2, 3, 1, {}, relu);
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

TEST_CASE("initialise gives PyTorch's defaults", "[init]") {
  nn::Conv2d conv(8, 400, 3, {}, true);
  nn::ConvTranspose2d up(8, 50, 2);
  nn::Linear linear(50, 400);
  nn::BatchNorm2d bn(8);
  nn::Module network;
  network.register_module("conv", conv);
  network.register_module("up", up);
  network.register_module("linear", linear);
  network.register_module("bn", bn);
  nn::initialise(network, 5);

  const auto largest = [](const Tensor& t) {
    float most = 0;
    for (float v : t.values<float>()) most = std::max(most, std::abs(v));
    return most;
  };
  const auto fills = [&](const Tensor& t, double bound) {
    CHECK(largest(t) <= bound);
    CHECK(largest(t) > 0.9 * bound);
  };
  // torch.nn: bound 1 / sqrt(fan in); of a transposed convolution fan in counts weight's second axis.
  fills(conv.weight, 1 / std::sqrt(8.0 * 9));
  fills(conv.bias, 1 / std::sqrt(8.0 * 9));
  fills(up.weight, 1 / std::sqrt(50.0 * 4));
  fills(up.bias, 1 / std::sqrt(50.0 * 4));
  fills(linear.weight, 1 / std::sqrt(50.0));
  fills(linear.bias, 1 / std::sqrt(50.0));
  for (float v : bn.weight.values<float>()) CHECK(v == 1);
  for (float v : bn.bias.values<float>()) CHECK(v == 0);

  const Tensor before = conv.weight.clone();
  nn::initialise(network, 6);
  CHECK(!std::ranges::equal(conv.weight.values<float>(), before.values<float>()));
  nn::initialise(network, 5);
  CHECK(std::ranges::equal(conv.weight.values<float>(), before.values<float>()));
}
