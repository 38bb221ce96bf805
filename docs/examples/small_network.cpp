// A network of one's own in a program of one's own: plain layers, a training step, an inference, a file.
//
// Builds against an installation of weft (find_package(weft), target weft::weft) as it builds here. The plans run it as
// fast as weft's own networks: the two convolutions, the batch norm and the ReLU become what docs/plan.md describes.

#include <weft/weft.h>

#include "example.h"

namespace {

using namespace weft;
using namespace weft::example;

struct Small : nn::Module {
  nn::Conv2d conv1{3, 16, 3, {.padding = 1}}, conv2{16, 1, 3, {.padding = 1}};
  nn::BatchNorm2d bn1{16};
  Small() {
    register_module("conv1", conv1);
    register_module("bn1", bn1);
    register_module("conv2", conv2);
  }
  Tensor forward(const Tensor& x) const { return conv2.forward(relu(bn1.forward(conv1.forward(x)))); }
};

/// What it is to learn: 1 where the picture's first channel is positive.
Tensor masks_of(const Tensor& images) {
  const auto [n, h, w, c] = images.nhwc();
  const Tensor masks = Tensor::empty({n, h, w, 1});
  for (std::int64_t i = 0; i < masks.count(); ++i)
    masks.mutable_data<float>()[i] = images.data<float>()[i * c] > 0 ? 1.0f : 0.0f;
  return masks;
}

void example_small_network() {
  Small net;
  nn::initialise(net, /*seed=*/0);
  const Tensor images = noise({4, 64, 64, 3}, 1), masks = masks_of(images);

  const Plan step = Plan::training(
      [&](const Tensors& in) { return bce_with_logits(net.forward(in[0]), in[1]); }, {images.shape(), masks.shape()});
  Adam adam(net.named_parameters(), {.rate = 1e-2});
  double first = 0, last = 0;
  for (int i = 0; i < 30; ++i) {
    last = step.run({images, masks}).item();  // the parameters' gradients are set
    adam.step();
    if (i == 0) first = last;
  }
  std::printf("loss %.4f, after 30 steps %.4f\n", first, last);
  check(last < first / 2, "it learns");

  net.eval();
  const Tensor image = noise({1, 64, 64, 3}, 2);
  const Plan infer = Plan::inference([&](const Tensors& in) { return net.forward(in[0]); }, {image.shape()});
  const NoGrad no_grad;
  const Tensor logits = infer.run({image});
  check(difference(logits, net.forward(image)) < 1e-4, "the plan says what the network says");

  save_safetensors("small.safetensors", net.state_dict());
  Small other;
  other.load_state_dict(load_safetensors("small.safetensors"));
  other.eval();
  check(difference(other.forward(image), net.forward(image)) == 0, "and so does a network that loads its file");
  std::remove("small.safetensors");
}

}  // namespace

int main() { return run(example_small_network); }
