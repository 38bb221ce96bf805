#include "train/evaluate.h"

#include <cmath>

#include "core/autograd.h"
#include "core/ops.h"
#include "data/fit.h"
#include "data/normalise.h"
#include "data/prefetch.h"

namespace weft {
namespace {

/// A picture on its way into the network.
struct Prepared {
  Sample sample;
  Placement placement;
  std::vector<float> input;  // [H, W, 3], normalised
  std::vector<float> mask;   // [H, W], of clothing, on the network's grid
};

Prepared prepare(Sample sample, const ModelInfo& info) {
  const Placement placement = place(sample.picture.width, sample.picture.height, static_cast<int>(info.width),
                                    static_cast<int>(info.height), fit_from(info.fit));
  Normalisation normalisation;
  for (std::size_t c = 0; c < 3; ++c) {
    normalisation.mean[c] = static_cast<float>(info.mean[c]);
    normalisation.deviation[c] = static_cast<float>(info.deviation[c]);
  }
  const auto pixels = static_cast<std::size_t>(info.height * info.width);
  std::vector<float> input(3 * pixels);
  normalise(fit_picture(sample.picture, placement), normalisation, input);
  const Image mask = fit_mask(sample.clothing, placement);
  return {std::move(sample), placement, std::move(input), {mask.pixels.begin(), mask.pixels.end()}};
}

Image threshold(const std::vector<float>& logits, const Placement& placement, double probability) {
  const float limit = static_cast<float>(std::log(probability / (1 - probability)));
  Image mask(placement.picture_width, placement.picture_height, 1);
  for (std::size_t i = 0; i < logits.size(); ++i) mask.pixels[i] = logits[i] > limit ? 1 : 0;
  return mask;
}

}  // namespace

Loss segmentation_loss(const Tensor& logits, const Tensor& masks, const LossWeights& weights) {
  const Tensor dice = dice_loss(logits, masks), bce = bce_with_logits(logits, masks);
  return {add(scale(dice, weights.dice), scale(bce, weights.bce)), dice, bce};
}

Evaluation evaluate(const UNet& network, const ModelInfo& info, const Dataset& pictures, const LossWeights& weights,
                    const std::function<void(const EvaluatedPicture&)>& each) {
  WEFT_CHECK(!network.is_training(), "[evaluate] expected a network in evaluation mode");
  WEFT_CHECK(network.config().classes == 1, "[evaluate] expected a network with 1 class, got {}", network.config().classes);
  const NoGrad no_grad;
  Evaluation result{SegmentationMetrics(pictures.labels())};
  OrderedPrefetcher<Prepared> prefetcher(pictures.size(), 2, [&](std::size_t i) { return prepare(pictures.load(i), info); });

  for (std::size_t i = 0; i < pictures.size(); ++i) {
    const Prepared prepared = prefetcher.next();
    const Tensor logits = network.forward(Tensor::from({1, info.height, info.width, 3}, prepared.input));
    const double loss = segmentation_loss(logits, Tensor::from({1, info.height, info.width, 1}, prepared.mask), weights).total.item();
    const Image prediction = threshold(unfit_plane(logits.values<float>(), prepared.placement), prepared.placement, info.threshold);
    const Confusion counts = result.metrics.add(prediction.pixels, prepared.sample.ids.pixels);
    result.loss += (loss - result.loss) / static_cast<double>(i + 1);
    if (each) each({i, prepared.sample, prediction, counts, loss});
  }
  return result;
}

}  // namespace weft
