#pragma once
// What every operation is asked besides its gradient: the same bits for any thread count, float32 close to float64,
// and, where it is linear, a gradient that is its adjoint.

#include "core/parallel.h"
#include "tests/gradcheck.h"

namespace weft::test {

/// Values around 0 in a shuffled order, `gap` apart and off 0: no kink of a maximum or of relu is near.
inline Tensor distinct_values(const Shape& shape, double gap = 0.1, std::uint64_t seed = 1) {
  std::vector<double> values(static_cast<std::size_t>(shape.count()));
  for (std::size_t i = 0; i < values.size(); ++i)
    values[i] = gap * (static_cast<double>(i) + 0.3 - static_cast<double>(values.size()) / 2);
  Random(seed, {0xd157}).shuffle(values);
  return Tensor::from(shape, values);
}

/// f's result and the gradients of sum(r * f(inputs)), r random but the same in each call.
inline Tensors result_and_gradients(const TensorFunction& f, const Tensors& inputs, DType dtype) {
  Tensors leaves, all;
  for (const Tensor& input : inputs) leaves.push_back(input.to(dtype).set_requires_grad(true));
  const Tensor y = f(leaves);
  all.push_back(y);
  backward(y, random_tensor(y.shape(), dtype, 99));
  for (const Tensor& leaf : leaves) all.push_back(leaf.grad());
  return all;
}

/// Result and gradients must be equal, bit for bit, for 1, 2, 3 and 7 threads. Give shapes of several tasks.
inline void check_threads(const TensorFunction& f, const Tensors& inputs) {
  const int before = num_threads();
  for (DType dtype : {DType::f32, DType::f64}) {
    set_num_threads(1);
    const Tensors expected = result_and_gradients(f, inputs, dtype);
    for (int threads : {2, 3, 7}) {
      INFO(threads << " threads");
      set_num_threads(threads);
      const Tensors got = result_and_gradients(f, inputs, dtype);
      for (std::size_t i = 0; i < got.size(); ++i) CHECK(equal(got[i], expected[i]));
    }
  }
  set_num_threads(before);
}

/// Result and gradients in float32 must be close to those in float64.
inline void check_float32(const TensorFunction& f, const Tensors& inputs, double tolerance = 1e-6) {
  Tensors rounded;  // so that both start from the same numbers
  for (const Tensor& input : inputs) rounded.push_back(input.to(DType::f32).to(DType::f64));
  const Tensors single = result_and_gradients(f, rounded, DType::f32),
                twice = result_and_gradients(f, rounded, DType::f64);
  for (std::size_t i = 0; i < single.size(); ++i) {
    CHECK(single[i].dtype() == DType::f32);
    CHECK(relative_difference(single[i], twice[i]) < tolerance);
  }
}

/// <A x, y> = <x, A'y> for a linear f = A, with A' its recorded gradient; relative to |A x| |y|.
inline void check_adjoint(const std::function<Tensor(const Tensor&)>& f, const Shape& shape, double tolerance = 1e-14) {
  INFO("adjoint on " << shape.to_string());
  const Tensor x = random_integers(shape, 100, DType::f64, 5).set_requires_grad(true);
  const Tensor ax = f(x);
  const Tensor y = random_integers(ax.shape(), 100, DType::f64, 6);
  backward(ax, y);
  CHECK(std::abs(dot(ax, y) - dot(x, x.grad())) <= tolerance * std::sqrt(dot(ax, ax) * dot(y, y)));
}

/// What an operation on the elements of one tensor is asked. `draw(shape)` gives values at which it is smooth.
inline void check_elementwise(const std::function<Tensor(const Tensor&)>& f,
                              const std::function<Tensor(const Shape&)>& draw) {
  const TensorFunction of_first = [&](const Tensors& in) { return f(in[0]); };
  for (const Shape& s : {Shape{}, Shape{1}, Shape{0, 3}, Shape{2, 3, 5, 7}}) check_gradient(of_first, {draw(s)});
  check_threads(of_first, {draw({70001})});
  check_float32(of_first, {draw({999})});
}

/// The same of an operation on two tensors that broadcast. `draw_a` and `draw_b` give values at which it is smooth.
inline void check_broadcast(const std::function<Tensor(const Tensor&, const Tensor&)>& f,
                            const std::function<Tensor(const Shape&)>& draw_a,
                            const std::function<Tensor(const Shape&)>& draw_b) {
  const TensorFunction of_two = [&](const Tensors& in) { return f(in[0], in[1]); };
  const std::vector<std::pair<Shape, Shape>> shapes = {{{3}, {3}},          {{2, 3}, {3}},    {{3}, {2, 3}},
                                                       {{2, 1, 3}, {4, 1}}, {{1}, {2, 2}},    {{}, {2, 3}},
                                                       {{2, 3, 4, 5}, {5}}, {{1, 3}, {2, 1}}, {{0, 3}, {1, 3}}};
  for (const auto& [a, b] : shapes) check_gradient(of_two, {draw_a(a), draw_b(b)});
  check_threads(of_two, {draw_a({70001}), draw_b({70001})});
  check_threads(of_two, {draw_a({301, 251}), draw_b({251})});
  check_float32(of_two, {draw_a({37, 27}), draw_b({27})});
}

}  // namespace weft::test
