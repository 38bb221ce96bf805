#include "models/predict.h"

#include <algorithm>
#include <cmath>
#include <limits>

#include "core/kernels/sigmoid.h"
#include "core/ops.h"
#include "data/normalise.h"

namespace weft {
namespace {

/// The mirror image of [1, H, W, C].
Tensor mirrored(const Tensor& x) {
  const auto [n, height, width, channels] = x.nhwc();
  Tensor y = Tensor::empty(x.shape());
  const float* from = x.data<float>();
  float* to = y.mutable_data<float>();
  for (std::int64_t pixel = 0; pixel < n * height * width; ++pixel) {
    const std::int64_t mirror = pixel / width * width + (width - 1 - pixel % width);
    std::copy_n(from + pixel * channels, channels, to + mirror * channels);
  }
  return y;
}

}  // namespace

bool is_canvas_side(int side) {
  constexpr int step = static_cast<int>(UNet::stride), largest = 16384;
  return side >= step && side <= largest && side % step == 0;
}

Placement placement_for(const ModelInfo& info, int width, int height, const PredictOptions& options) {
  if (options.is_native) return place_native(width, height, static_cast<int>(UNet::stride));
  const int canvas_height = options.size ? (*options.size)[0] : static_cast<int>(info.height);
  const int canvas_width = options.size ? (*options.size)[1] : static_cast<int>(info.width);
  return place(width, height, canvas_width, canvas_height, fit_from(info.fit));
}

NetworkInput prepare_input(const ModelInfo& info, const Image& picture, const PredictOptions& options) {
  return prepare_input(info, picture, placement_for(info, picture.width, picture.height, options));
}

NetworkInput prepare_input(const ModelInfo& info, const Image& picture, const Placement& placement) {
  Normalisation normalisation;
  for (std::size_t c = 0; c < 3; ++c) {
    normalisation.mean[c] = static_cast<float>(info.mean[c]);
    normalisation.deviation[c] = static_cast<float>(info.deviation[c]);
  }
  Image fitted;
  if (!placement.keeps_picture()) fitted = fit_picture(picture, placement);
  const Image& canvas = placement.keeps_picture() ? picture : fitted;
  NetworkInput input{placement, Tensor::empty({1, placement.canvas_height, placement.canvas_width, 3})};
  normalise(canvas, normalisation, {input.values.mutable_data<float>(), canvas.pixels.size()});
  return input;
}

Tensor canvas_logits(const Predictor& predictor, const NetworkInput& input, bool mirror) {
  const std::int64_t classes = predictor.network().config().classes;
  WEFT_CHECK(classes == 1, "[predict] expected a network with one class, got {}", classes);
  const Tensor logits = predictor.logits(input.values);
  if (!mirror) return logits;
  // Mirroring the canvas and its answer undoes itself wherever on the canvas the picture lies.
  return scale(add(logits, mirrored(predictor.logits(mirrored(input.values)))), 0.5);
}

Prediction to_prediction(const Placement& placement, const Tensor& canvas_logits) {
  return {placement, canvas_logits, unfit_plane(canvas_logits.values<float>(), placement)};
}

Prediction predict(const Predictor& predictor, const NetworkInput& input, bool mirror) {
  return to_prediction(input.placement, canvas_logits(predictor, input, mirror));
}

std::vector<float> Prediction::probabilities() const {
  std::vector<float> p(logits.size());
  kernels::sigmoid(logits.data(), std::ssize(logits), p.data());
  return p;
}

Image threshold_mask(const std::vector<float>& probabilities, int width, int height, double threshold) {
  // The smallest float that is not below the threshold: comparing with it answers the same, and floats are compared
  // many at a time, without becoming doubles.
  float limit = static_cast<float>(threshold);
  if (static_cast<double>(limit) < threshold) limit = std::nextafter(limit, std::numeric_limits<float>::infinity());
  Image mask(width, height, 1);
  std::transform(probabilities.begin(), probabilities.end(), mask.pixels.begin(),
                 [limit](float p) { return static_cast<std::uint8_t>(p >= limit); });
  return mask;
}

}  // namespace weft
