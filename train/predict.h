#pragma once
// From a photograph to its mask: fit to the network's size, normalise, run, bring the logits back to the
// photograph's own size. Thresholding comes last: resizing a mask would invent edges that the network never saw.

#include <array>
#include <optional>
#include <vector>

#include "data/fit.h"
#include "models/model_file.h"

namespace weft {

struct PredictOptions {
  /// Height and width of the network's input, multiples of 32; the model's own where there is none.
  std::optional<std::array<int, 2>> size = std::nullopt;
  /// The picture's own size, padded to multiples of 32; `size` is not looked at.
  bool is_native = false;
  /// Test-time augmentation: the mean of the logits of the picture and of its mirror image.
  bool mirror = false;
};

struct Prediction {
  Placement placement;                // of the picture on the network's input
  std::vector<float> canvas_logits;   // [canvas_height, canvas_width], the network's own output
  std::vector<float> logits;          // [height, width] of the picture

  /// sigmoid(logits)
  std::vector<float> probabilities() const;
};

/// Runs the network (in evaluation mode) on an RGB picture. Throws Error for a network with more than one class.
Prediction predict(const UNet& network, const ModelInfo& info, const Image& picture, const PredictOptions& options = {});

/// 1 where the probability is at least `threshold`, else 0; `width` and `height` are the plane's.
Image threshold_mask(const std::vector<float>& probabilities, int width, int height, double threshold);

}  // namespace weft
