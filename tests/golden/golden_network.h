#pragma once
// Fills weft's networks and inputs with golden numbers.

#include "nn/module.h"
#include "tests/golden/golden.h"

namespace weft::test {

/// golden_fill as a tensor. float64 holds the same numbers as float32.
inline Tensor golden_tensor(std::string_view key, const Shape& shape, double low, double high, DType dtype = DType::f32) {
  return Tensor::from(shape, golden_fill(key, shape.count(), low, high)).to(dtype);
}

/// Gives every parameter and buffer of `network` its golden_weight and converts them to `dtype`.
inline void golden_network(const nn::Module& network, DType dtype = DType::f32) {
  nn::StateDict state;
  for (const auto& [name, tensor] : network.state_dict()) {
    if (tensor.dtype() == DType::i64) continue;  // num_batches_tracked may be missing
    state.push_back({name, Tensor::from(tensor.shape(), golden_weight(name, tensor.shape().sizes()))});
  }
  network.load_state_dict(state, "golden weights");
  network.to(dtype);
}

}  // namespace weft::test
