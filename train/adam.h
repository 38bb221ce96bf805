#pragma once
// Adam (Kingma & Ba 2015, arXiv:1412.6980) and AdamW (Loshchilov & Hutter 2019, arXiv:1711.05101), as
// PyTorch computes them:
//
//   Adam:  g <- g + wd theta                  AdamW:  theta <- (1 - lr wd) theta
//   m <- b1 m + (1 - b1) g                    mean of the gradient
//   v <- b2 v + (1 - b2) g^2                  mean of its square
//   theta <- theta - lr / (1 - b1^t)  m / (sqrt(v) / sqrt(1 - b2^t) + eps)
//
// m and v start at zero and are too small by the factors 1 - b^t, which the last line takes out. Adam's
// weight decay passes through m and v, where it is divided by the size of the gradient like everything
// else; AdamW shrinks the weights themselves, all at the same rate.

#include "train/optimizer.h"

namespace weft {

struct AdamOptions {
  double rate = 1e-3;  // of step(), where the caller does not name one
  double beta1 = 0.9, beta2 = 0.999;
  double epsilon = 1e-8;
  double weight_decay = 0;
  bool decoupled = false;  // AdamW
};

class Adam : public Optimizer {
 public:
  /// Throws Error for betas outside [0, 1), a negative epsilon or a negative decay.
  explicit Adam(std::vector<ParameterGroup> groups, const AdamOptions& options = {});
  /// All parameters in one group: Adam(network.named_parameters(), {.rate = 1e-4}).
  explicit Adam(nn::StateDict parameters, const AdamOptions& options = {});

 private:
  void update(const Tensor& parameter, const Tensor& gradient, const Tensors& moments, std::int64_t step,
              double learning_rate) const override;
  const AdamOptions options_;
};

}  // namespace weft
