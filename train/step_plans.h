#pragma once
// A training step: the loss of a batch and its gradients, by a plan for each shape of batch that comes (a last short
// one is another) and each set of parameters that are learned (a frozen encoder's are not).

#include <map>
#include <memory>

#include "core/plan/plan.h"
#include "models/unet.h"
#include "train/evaluate.h"

namespace weft {

class StepPlans {
 public:
  struct Step {
    double loss, dice, bce;
    Tensor logits;  // [N, H, W, classes], without a gradient
  };

  /// `network` must live as long.
  StepPlans(const UNet& network, const LossWeights& weights, PlanOptions options = {});

  /// pictures [N, H, W, 3] normalised, masks [N, H, W, 1] of 0 and 1, `known` of masks' shape, 0 where a pixel counts
  /// nowhere, or undefined. Sets (not adds) the gradient of each parameter to that of `share` times the loss. The
  /// network must be in training mode.
  Step run(const Tensor& pictures, const Tensor& masks, const Tensor& known, double share);

  /// The plan that run() takes for a batch.
  const Plan& plan(const Shape& pictures, bool has_unknown);

 private:
  const UNet& network_;
  const LossWeights weights_;
  const PlanOptions options_;
  std::map<std::vector<std::int64_t>, std::unique_ptr<const Plan>> plans_;
};

}  // namespace weft
