#include "train/evaluate.h"

#include "core/autograd.h"
#include "core/ops.h"
#include "data/fit.h"
#include "data/ignored.h"
#include "data/prefetch.h"
#include "models/predict.h"

namespace weft {
namespace {

/// A picture on its way into the network.
struct Prepared {
  Sample sample;
  NetworkInput input;
  std::vector<float> mask, known;  // [H, W], as Batch has them, on the network's grid
};

Prepared prepare(Sample sample, const ModelInfo& info) {
  NetworkInput input = prepare_input(info, sample.picture);
  const Image mask = fit_mask(sample.clothing, input.placement);
  Prepared prepared{std::move(sample), std::move(input), {mask.pixels.begin(), mask.pixels.end()}, {}};
  if (has_ignored(mask)) {
    for (float& value : prepared.mask) {
      prepared.known.push_back(value != ignored_pixel);
      value *= prepared.known.back();
    }
  }
  return prepared;
}

Loss loss_of(const Tensor& logits, const Prepared& picture, const LossWeights& weights) {
  const Tensor mask = Tensor::from(logits.shape(), picture.mask);
  return picture.known.empty() ? segmentation_loss(logits, mask, weights)
                               : segmentation_loss(logits, mask, Tensor::from(logits.shape(), picture.known), weights);
}

}  // namespace

Loss segmentation_loss(const Tensor& logits, const Tensor& masks, const LossWeights& weights) {
  const Tensor dice = dice_loss(logits, masks), bce = bce_with_logits(logits, masks);
  return {add(scale(dice, weights.dice), scale(bce, weights.bce)), dice, bce};
}

// Where the logit says "not clothing" beyond doubt and the mask says the same, no sum of either loss grows. Only the
// mean of the cross-entropy would still count the pixel, so it is taken over the others.
Loss segmentation_loss(const Tensor& logits, const Tensor& masks, const Tensor& known, const LossWeights& weights) {
  constexpr double no_doubt = 100;  // sigmoid(-100) = 4e-44
  const Tensor offset = scale(add_scalar(known, -1), no_doubt);
  const Loss all = segmentation_loss(add(multiply(logits, known), offset), masks, weights);
  const Tensor counted = maximum(sum(known), Tensor::full({}, 1, known.dtype()));
  const Tensor bce = divide(scale(all.bce, static_cast<double>(known.count())), counted);
  return {add(scale(all.dice, weights.dice), scale(bce, weights.bce)), all.dice, bce};
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
    const double loss = loss_of(p.canvas_logits, prepared, options.weights).total.item();
    const Image& picture = prepared.sample.picture;
    const Image prediction = threshold_mask(p.probabilities(), picture.width, picture.height, info.threshold);
    const Confusion counts = result.metrics.add(prediction.pixels, prepared.sample.ids.pixels);
    result.loss += (loss - result.loss) / static_cast<double>(i + 1);
    if (each) each({i, prepared.sample, prediction, counts, loss});
  }
  return result;
}

}  // namespace weft
