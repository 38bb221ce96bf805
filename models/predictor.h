#pragma once
// Runs a network, with a plan for each size of picture that comes (core/plan/plan.h).

#include <map>
#include <memory>
#include <mutex>

#include "core/plan/plan.h"
#include "models/unet.h"

namespace weft {

class Predictor {
 public:
  enum class Weights {
    kept,     // the network may be trained on: what has changed is packed again at the next run
    released  // it will only be run: its weights go, once they are packed for the kernels
  };

  /// `network`, which must live as long, is to be in evaluation mode whenever a picture comes. Of `options`, the rules
  /// to leave out count.
  explicit Predictor(const UNet& network, Weights weights = Weights::kept, PlanOptions options = {});

  /// x [N, H, W, 3], normalised -> logits [N, H, W, classes], without a gradient. Threads may call it at once; not
  /// while the network is trained. Throws Error for a network in training mode, and where UNet::forward() does.
  Tensor logits(const Tensor& x) const;

  const UNet& network() const { return network_; }
  /// The plan for a size, made where there is none yet.
  std::shared_ptr<const Plan> plan(const Shape& x) const;

 private:
  std::shared_ptr<const Plan> make_plan(const Shape& x, bool releases_parameters) const;

  const UNet& network_;
  PlanOptions options_;  // its constants are the packed weights, for all sizes
  mutable std::mutex guard_;
  mutable std::map<std::vector<std::int64_t>, std::shared_ptr<const Plan>> plans_;
};

}  // namespace weft
