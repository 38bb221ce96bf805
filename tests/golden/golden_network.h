#pragma once
// Fills weft's networks with golden numbers.

#include "nn/module.h"
#include "tests/golden/golden.h"

namespace weft::test {

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
