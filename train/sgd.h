#pragma once
// Stochastic gradient descent with momentum, as PyTorch computes it (no dampening, no Nesterov):
//
//   g <- g + wd theta
//   m <- g at the first step, mu m + g later
//   theta <- theta - lr m
//
// The learning rate multiplies the whole of m: lowering it brakes what momentum has gathered at once.

#include "train/optimizer.h"

namespace weft {

struct SgdOptions {
  double rate = 1e-2;  // of step(), where the caller does not name one
  double momentum = 0.9;
  double weight_decay = 0;
};

class Sgd : public Optimizer {
 public:
  /// Throws Error for a momentum outside [0, 1) or a negative decay.
  explicit Sgd(std::vector<ParameterGroup> groups, const SgdOptions& options = {});
  /// All parameters in one group: Sgd(network.named_parameters(), {.rate = 1e-4}).
  explicit Sgd(nn::StateDict parameters, const SgdOptions& options = {});

 private:
  void update(const Tensor& parameter, const Tensor& gradient, const Tensors& moments, std::int64_t step,
              double learning_rate) const override;
  const SgdOptions options_;
};

}  // namespace weft
