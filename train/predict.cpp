#include "train/predict.h"

#include <algorithm>

#include "core/autograd.h"
#include "core/ops/sigmoid_value.h"
#include "core/parallel.h"
#include "data/normalise.h"

namespace weft {
namespace {

/// The mirror image of rows of `width` pixels with `channels` values each.
std::vector<float> mirrored(const std::vector<float>& values, int width, std::size_t channels) {
  const auto w = static_cast<std::size_t>(width);
  std::vector<float> result(values.size());
  for (std::size_t pixel = 0; pixel < values.size() / channels; ++pixel) {
    const std::size_t mirror = pixel / w * w + (w - 1 - pixel % w);
    std::copy_n(&values[pixel * channels], channels, &result[mirror * channels]);
  }
  return result;
}

/// Logits [height, width] of one picture.
std::vector<float> run(const UNet& network, const Placement& placement, const std::vector<float>& values) {
  const NoGrad no_grad;
  const Tensor logits = network.forward(Tensor::from({1, placement.canvas_height, placement.canvas_width, 3}, values));
  return {logits.values<float>().begin(), logits.values<float>().end()};
}

Placement placement_for(const ModelInfo& info, const Image& picture, const PredictOptions& options) {
  if (options.is_native) return place_native(picture.width, picture.height, static_cast<int>(UNet::stride));
  const int height = options.size ? (*options.size)[0] : static_cast<int>(info.height);
  const int width = options.size ? (*options.size)[1] : static_cast<int>(info.width);
  return place(picture.width, picture.height, width, height, fit_from(info.fit));
}

}  // namespace

NetworkInput prepare_input(const ModelInfo& info, const Image& picture, const PredictOptions& options) {
  Normalisation normalisation;
  for (std::size_t c = 0; c < 3; ++c) {
    normalisation.mean[c] = static_cast<float>(info.mean[c]);
    normalisation.deviation[c] = static_cast<float>(info.deviation[c]);
  }
  NetworkInput input{placement_for(info, picture, options), {}};
  const Image canvas = fit_picture(picture, input.placement);
  input.values.resize(canvas.pixels.size());
  normalise(canvas, normalisation, input.values);
  return input;
}

Prediction predict(const UNet& network, const NetworkInput& input, bool mirror) {
  WEFT_CHECK(network.config().classes == 1, "[predict] expected a network with one class, got {}",
             network.config().classes);
  WEFT_CHECK(!network.is_training(), "[predict] expected a network in evaluation mode");
  const Placement& placement = input.placement;
  Prediction prediction{placement, run(network, placement, input.values), {}};
  if (mirror) {
    // Mirroring the canvas and its answer undoes itself wherever on the canvas the picture lies.
    const auto other =
        mirrored(run(network, placement, mirrored(input.values, placement.canvas_width, 3)), placement.canvas_width, 1);
    for (std::size_t i = 0; i < other.size(); ++i)
      prediction.canvas_logits[i] = 0.5f * (prediction.canvas_logits[i] + other[i]);
  }
  prediction.logits = unfit_plane(prediction.canvas_logits, placement);
  return prediction;
}

std::vector<float> Prediction::probabilities() const {
  std::vector<float> p(logits.size());
  parallel_chunks(static_cast<std::int64_t>(p.size()), elementwise_grain, [&](std::int64_t begin, std::int64_t end) {
    for (auto i = static_cast<std::size_t>(begin); i < static_cast<std::size_t>(end); ++i)
      p[i] = sigmoid_value(logits[i]);
  });
  return p;
}

Image threshold_mask(const std::vector<float>& probabilities, int width, int height, double threshold) {
  Image mask(width, height, 1);
  std::transform(probabilities.begin(), probabilities.end(), mask.pixels.begin(),
                 [&](float p) { return static_cast<std::uint8_t>(static_cast<double>(p) >= threshold); });
  return mask;
}

}  // namespace weft
