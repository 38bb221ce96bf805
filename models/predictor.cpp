#include "models/predictor.h"

#include "core/allocator.h"

namespace weft {
namespace {

// Folders of photographs in their own sizes bring many. A plan takes some 100 KB, beside the weights that all share.
constexpr std::size_t most_plans = 64;

}  // namespace

Predictor::Predictor(const UNet& network, Weights weights, PlanOptions options)
    : network_(network), options_(std::move(options)) {
  options_.constants = std::make_shared<Constants>();
  if (weights == Weights::kept) return;
  // How weights are packed does not depend on the picture's size, so a small one does for all.
  make_plan({1, UNet::stride, UNet::stride, 3}, true);
  release_cached_memory();  // in one piece, it serves the pictures
}

std::shared_ptr<const Plan> Predictor::make_plan(const Shape& x, bool releases_parameters) const {
  const auto forward = [&](const Tensors& in) { return network_.forward(in[0]); };
  PlanOptions options = options_;
  options.releases_parameters = releases_parameters;
  return std::make_shared<const Plan>(Plan::inference(forward, {x}, options));
}

std::shared_ptr<const Plan> Predictor::plan(const Shape& x) const {
  const std::lock_guard lock(guard_);
  const std::vector<std::int64_t> key(x.sizes().begin(), x.sizes().end());
  if (const auto found = plans_.find(key); found != plans_.end()) return found->second;
  if (plans_.size() >= most_plans) plans_.erase(plans_.begin());
  return plans_[key] = make_plan(x, false);
}

Tensor Predictor::logits(const Tensor& x) const {
  WEFT_CHECK(!network_.is_training(), "[predict] expected a network in evaluation mode");
  return plan(x.shape())->run({x});
}

}  // namespace weft
