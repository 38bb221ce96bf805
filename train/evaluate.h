#pragma once
// A model judged on a data set: each picture is fitted to the network's input, its logits are resized to the
// picture's own size, and only then does the threshold decide (docs/train.md says why in that order).

#include <functional>

#include "data/dataset.h"
#include "models/model_file.h"
#include "train/metrics.h"

namespace weft {

struct LossWeights {
  double dice = 0.5, bce = 0.5;
};

struct EvaluationOptions {
  LossWeights weights = {};
  /// Test-time augmentation, as PredictOptions::mirror.
  bool mirror = false;
};

/// What is known of one picture while it is at hand.
struct EvaluatedPicture {
  std::size_t index;  // in the data set
  const Sample& sample;
  const Image& prediction;  // 0 or 1, of the picture's size
  Confusion counts;
  double loss;  // of this picture alone, on the network's grid
};

struct Evaluation {
  SegmentationMetrics metrics;
  double loss = 0;  // mean over the pictures
};

/// `network` must be in evaluation mode; size, fit, normalisation and threshold are `info`'s. `each` is called for
/// every picture, in order. The next pictures are decoded meanwhile, and go through `change` where it is given (on that
/// other thread). Throws Error, naming the file, where one can't be read.
Evaluation evaluate(const UNet& network, const ModelInfo& info, const Dataset& pictures,
                    const EvaluationOptions& options = {},
                    const std::function<void(const EvaluatedPicture&)>& each = {},
                    const std::function<Sample(std::size_t, Sample)>& change = {});

/// weights.dice * dice_loss + weights.bce * bce_with_logits, and its two parts.
struct Loss {
  Tensor total, dice, bce;
};
Loss segmentation_loss(const Tensor& logits, const Tensor& masks, const LossWeights& weights);

/// The same over the pixels where `known` is 1 (0 elsewhere; of the logits' shape): as if there were no others. `masks`
/// must be 0 there.
Loss segmentation_loss(const Tensor& logits, const Tensor& masks, const Tensor& known, const LossWeights& weights);

}  // namespace weft
