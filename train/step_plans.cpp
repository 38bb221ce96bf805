#include "train/step_plans.h"

#include "core/ops.h"

namespace weft {

StepPlans::StepPlans(const UNet& network, const LossWeights& weights, PlanOptions options)
    : network_(network), weights_(weights), options_(std::move(options)) {}

const Plan& StepPlans::plan(const Shape& pictures, bool has_unknown) {
  std::vector<std::int64_t> key(pictures.sizes().begin(), pictures.sizes().end());
  key.push_back(has_unknown);
  for (const auto& [name, parameter] : network_.named_parameters()) key.push_back(parameter.requires_grad());
  std::unique_ptr<const Plan>& plan = plans_[key];
  if (plan != nullptr) return *plan;

  const TensorType masks{{pictures[0], pictures[1], pictures[2], network_.config().classes}, DType::f32};
  std::vector<TensorType> inputs{{pictures, DType::f32}, masks, {Shape{}, DType::f32}};
  if (has_unknown) inputs.push_back(masks);
  const auto step = [&](const Tensors& in) {
    const Tensor logits = network_.forward(in[0]);
    const LossWeights& weights = weights_;
    const Loss loss =
        has_unknown ? segmentation_loss(logits, in[1], in[3], weights) : segmentation_loss(logits, in[1], weights);
    return Tensors{multiply(loss.total, in[2]), loss.total, loss.dice, loss.bce, logits};
  };
  plan = std::make_unique<const Plan>(Plan::training(step, inputs, options_));
  return *plan;
}

StepPlans::Step StepPlans::run(const Tensor& pictures, const Tensor& masks, const Tensor& known, double share) {
  WEFT_CHECK(network_.is_training(), "[train] expected a network in training mode");
  Tensors inputs{pictures, masks, Tensor::full({}, share)};
  if (known.defined()) inputs.push_back(known);
  const Tensors results = plan(pictures.shape(), known.defined()).run_all(inputs);
  return {results[1].item(), results[2].item(), results[3].item(), results[4]};
}

}  // namespace weft
