#include "train/evaluate.h"

#include "core/autograd.h"
#include "core/ops.h"
#include "data/fit.h"
#include "data/prefetch.h"
#include "models/predict.h"

namespace weft {
namespace {

/// A picture on its way into the network.
struct Prepared {
  Sample sample;
  NetworkInput input;
  std::vector<float> mask;  // [H, W], of clothing, on the network's grid
};

Prepared prepare(Sample sample, const ModelInfo& info) {
  NetworkInput input = prepare_input(info, sample.picture);
  const Image mask = fit_mask(sample.clothing, input.placement);
  return {std::move(sample), std::move(input), {mask.pixels.begin(), mask.pixels.end()}};
}

}  // namespace

Loss segmentation_loss(const Tensor& logits, const Tensor& masks, const LossWeights& weights) {
  const Tensor dice = dice_loss(logits, masks), bce = bce_with_logits(logits, masks);
  return {add(scale(dice, weights.dice), scale(bce, weights.bce)), dice, bce};
}

Evaluation evaluate(const UNet& network, const ModelInfo& info, const Dataset& pictures,
                    const EvaluationOptions& options, const std::function<void(const EvaluatedPicture&)>& each,
                    const std::function<Sample(std::size_t, Sample)>& change) {
  const NoGrad no_grad;
  const Predictor predictor(network);
  Evaluation result{SegmentationMetrics(pictures.labels())};
  OrderedPrefetcher<Prepared> prefetcher(pictures.size(), 2, [&](std::size_t i) {
    return prepare(change ? change(i, pictures.load(i)) : pictures.load(i), info);
  });

  for (std::size_t i = 0; i < pictures.size(); ++i) {
    const Prepared prepared = prefetcher.next();
    const Prediction p = predict(predictor, prepared.input, options.mirror);
    const Shape grid{1, p.placement.canvas_height, p.placement.canvas_width, 1};
    const double loss =
        segmentation_loss(p.canvas_logits, Tensor::from(grid, prepared.mask), options.weights).total.item();
    const Image& picture = prepared.sample.picture;
    const Image prediction = threshold_mask(p.probabilities(), picture.width, picture.height, info.threshold);
    const Confusion counts = result.metrics.add(prediction.pixels, prepared.sample.ids.pixels);
    result.loss += (loss - result.loss) / static_cast<double>(i + 1);
    if (each) each({i, prepared.sample, prediction, counts, loss});
  }
  return result;
}

}  // namespace weft
