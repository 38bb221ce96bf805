// An operation of one's own, with its gradient: pixel_shuffle, which makes an image of twice the size from the channels
// of a small one (Shi et al. 2016, arXiv:1609.05158).
//
//   y[n, 2i+a, 2j+b, c] = x[n, i, j, 4c + 2a + b]          a, b in {0, 1}
//
// It only moves numbers, so its gradient moves them back: pixel_unshuffle, an operation as well, whose gradient is
// pixel_shuffle. That is all there is to write. What follows comes by itself, and main() tries it: gradients checked in
// float64, capture, plans of inferences and of training steps.

#include <weft/weft.h>

#include "example.h"

namespace {

using namespace weft;
using namespace weft::example;

// ---- the operation ----

/// Moves the numbers of `large` [N, 2H, 2W, C] and `small` [N, H, W, 4C]: to(index in small, index in large).
template <class To>
void for_each_pair(const Shape& large, To&& to) {
  const std::int64_t h = large[1], w = large[2], c = large[3];
  // Rows of all pictures, shared by threads. Each writes rows of its own, so their number changes no bit.
  parallel_for(large[0] * h, [&](std::int64_t row) {
    for (std::int64_t j = 0; j < w; ++j)
      for (std::int64_t k = 0; k < c; ++k)
        to((row / 2 * (w / 2) + j / 2) * 4 * c + 4 * k + 2 * (row % 2) + j % 2, (row * w + j) * c + k);
  });
}

Tensor pixel_unshuffle(const Tensor& x);

/// [N, H, W, 4C] -> [N, 2H, 2W, C].
Tensor pixel_shuffle(const Tensor& x) {
  const auto [n, h, w, c] = x.nhwc();  // Error where x has no four axes
  WEFT_CHECK(c % 4 == 0, "[pixel_shuffle] expected a multiple of 4 channels, got {}", x.shape());
  // What it computes, from buffers to buffers. A plan calls this on buffers of its own.
  const auto run = [](const Tensors& in, const Tensors& out) {
    dispatch_float(in[0].dtype(), "pixel_shuffle", [&](auto zero) {
      using T = decltype(zero);
      const T* from = in[0].data<T>();
      T* to = out[0].mutable_data<T>();
      for_each_pair(out[0].shape(), [&](std::int64_t small, std::int64_t large) { to[large] = from[small]; });
    });
  };
  const Tensor y = apply({.name = "pixel_shuffle", .run = run}, {x}, TensorType{{n, 2 * h, 2 * w, c / 4}, x.dtype()});
  // The gradient, in operations: so that backward() can be captured too.
  return record(y, "pixel_shuffle", {x}, [](const Tensor& dy) { return Gradients{pixel_unshuffle(dy)}; });
}

/// [N, 2H, 2W, C] -> [N, H, W, 4C].
Tensor pixel_unshuffle(const Tensor& x) {
  const auto [n, h, w, c] = x.nhwc();
  WEFT_CHECK(h % 2 == 0 && w % 2 == 0, "[pixel_unshuffle] expected even height and width, got {}", x.shape());
  const auto run = [](const Tensors& in, const Tensors& out) {
    dispatch_float(in[0].dtype(), "pixel_unshuffle", [&](auto zero) {
      using T = decltype(zero);
      const T* from = in[0].data<T>();
      T* to = out[0].mutable_data<T>();
      for_each_pair(in[0].shape(), [&](std::int64_t small, std::int64_t large) { to[small] = from[large]; });
    });
  };
  const Tensor y = apply({.name = "pixel_unshuffle", .run = run}, {x}, TensorType{{n, h / 2, w / 2, 4 * c}, x.dtype()});
  return record(y, "pixel_unshuffle", {x}, [](const Tensor& dy) { return Gradients{pixel_shuffle(dy)}; });
}

// ---- what comes by itself ----

/// sum(r * f(x)) for a fixed r: a scalar whose gradient is any that f can be asked for.
double weighted(const Tensor& y) { return sum(multiply(y, noise(y.shape(), 7, DType::f64))).item(); }

/// The recorded gradient against (f(x + h) - f(x - h)) / 2h, in float64.
void check_gradient() {
  const Tensor x = noise({1, 2, 3, 8}, 1, DType::f64).set_requires_grad(true);
  const Tensor y = pixel_shuffle(x);
  backward(y, noise(y.shape(), 7, DType::f64));

  const NoGrad no_grad;
  const double h = 1e-5;
  const Tensor slopes = Tensor::empty(x.shape(), DType::f64), moved = x.clone();
  for (std::int64_t i = 0; i < x.count(); ++i) {
    double& value = moved.mutable_data<double>()[i];
    const double before = value;
    value = before + h;
    const double up = weighted(pixel_shuffle(moved));
    value = before - h;
    const double down = weighted(pixel_shuffle(moved));
    value = before;
    slopes.mutable_data<double>()[i] = (up - down) / (2 * h);
  }
  check(difference(x.grad(), slopes) < 1e-9, "the gradient is the slope");
}

void check_plans() {
  const Tensor w1 = noise({16, 3, 3, 3}, 2).set_requires_grad(true),
               w2 = noise({1, 4, 3, 3}, 3).set_requires_grad(true);
  const auto network = [&](const Tensor& x) {
    const Tensor small = relu(conv2d(x, w1, Tensor(), {.stride = 2, .padding = 1}));
    return conv2d(pixel_shuffle(small), w2, Tensor(), {.padding = 1});
  };
  const auto loss = [&](const Tensors& in) { return mean(multiply(network(in[0]), network(in[0]))); };
  const Tensor x = noise({1, 16, 16, 3}, 4);

  const auto graph = capture([&](const Tensors& in) { return Tensors{network(in[0])}; }, {type_of(x)});
  std::printf("%s", graph->to_string().c_str());

  const Plan infer = Plan::inference([&](const Tensors& in) { return network(in[0]); }, {x.shape()});
  {
    const NoGrad no_grad;
    check(difference(infer.run({x}), network(x)) < 1e-5, "a planned inference gives what the function gives");
  }

  const Tensor eager = loss({x});
  eager.backward();
  const Tensor dw1 = w1.grad(), dw2 = w2.grad();
  const Plan step = Plan::training(loss, {x.shape()});
  check(difference(step.run({x}), eager) < 1e-5, "a planned training step gives its loss");
  check(difference(w1.grad(), dw1) < 1e-4 && difference(w2.grad(), dw2) < 1e-4, "and its gradients");
}

}  // namespace

int main() {
  return run([] {
    const Tensor x = noise({2, 3, 5, 8}, 1);
    check(difference(pixel_unshuffle(pixel_shuffle(x)), x) == 0, "one undoes the other");
    check_gradient();
    check_plans();
  });
}
