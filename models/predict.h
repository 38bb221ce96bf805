#pragma once
// From a photograph to its mask: fit to the network's size, normalise, run, bring the logits back to the
// photograph's own size. Thresholding comes last: resizing a mask would invent edges that the network never saw.

#include <array>
#include <optional>
#include <vector>

#include "data/fit.h"
#include "models/model_file.h"
#include "models/predictor.h"

namespace weft {

struct PredictOptions {
  /// Height and width of the network's input, multiples of 32; the model's own where there is none.
  std::optional<std::array<int, 2>> size = std::nullopt;
  /// The picture's own size, padded to multiples of 32; `size` is not looked at.
  bool is_native = false;
  /// Test-time augmentation: the mean of the logits of the picture and of its mirror image.
  bool mirror = false;
};

/// Whether a network's input may be so high or wide: a multiple of UNet::stride, up to 16384.
bool is_canvas_side(int side);

/// A picture as the network takes it.
struct NetworkInput {
  Placement placement;  // of the picture on the canvas
  Tensor values;        // [1, canvas_height, canvas_width, 3], normalised
};

struct Prediction {
  Placement placement;
  Tensor canvas_logits;       // [1, canvas_height, canvas_width, 1], the network's own output
  std::vector<float> logits;  // [height, width] of the picture

  /// sigmoid(logits)
  std::vector<float> probabilities() const;
};

/// Where a picture of this size lies on the network's input.
Placement placement_for(const ModelInfo& info, int width, int height, const PredictOptions& options = {});

/// Fits an RGB picture to the network's input and normalises it, as the model's description says. Needs no network, so
/// that it can be done on another thread.
NetworkInput prepare_input(const ModelInfo& info, const Image& picture, const PredictOptions& options = {});
/// The same of a picture that may have been shrunk while it was read, by at most divisor_for(placement).
NetworkInput prepare_input(const ModelInfo& info, const Image& picture, const Placement& placement);

/// Logits [1, canvas_height, canvas_width, 1] of a network in evaluation mode. Throws Error for one in training mode or
/// with more than one class.
Tensor canvas_logits(const Predictor& predictor, const NetworkInput& input, bool mirror = false);

/// What canvas_logits() gave, and the same at the picture's own size. Needs no network, as prepare_input.
Prediction to_prediction(const Placement& placement, const Tensor& canvas_logits);

/// Both.
Prediction predict(const Predictor& predictor, const NetworkInput& input, bool mirror = false);

/// 1 where the probability is at least `threshold`, else 0; `width` and `height` are the plane's.
Image threshold_mask(const std::vector<float>& probabilities, int width, int height, double threshold);

}  // namespace weft
