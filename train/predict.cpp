#include "train/predict.h"

#include <algorithm>

#include "core/autograd.h"
#include "core/ops/sigmoid_value.h"
#include "core/parallel.h"
#include "data/normalise.h"

namespace weft {
namespace {

Image mirrored(const Image& picture) {
  Image result(picture.width, picture.height, picture.channels);
  for (int y = 0; y < picture.height; ++y) {
    for (int x = 0; x < picture.width; ++x) {
      std::copy_n(picture.at(y, x), picture.channels, result.at(y, picture.width - 1 - x));
    }
  }
  return result;
}

/// Logits [height, width] of a canvas.
std::vector<float> run(const UNet& network, const ModelInfo& info, const Image& canvas) {
  Normalisation normalisation;
  std::transform(info.mean.begin(), info.mean.end(), normalisation.mean.begin(), [](double v) { return static_cast<float>(v); });
  std::transform(info.deviation.begin(), info.deviation.end(), normalisation.deviation.begin(), [](double v) { return static_cast<float>(v); });
  const Tensor x = Tensor::empty({1, canvas.height, canvas.width, 3});
  normalise(canvas, normalisation, {x.mutable_data<float>(), static_cast<std::size_t>(x.count())});
  const NoGrad no_grad;
  const Tensor logits = network.forward(x);
  return {logits.values<float>().begin(), logits.values<float>().end()};
}

void add_mirrored_run(const UNet& network, const ModelInfo& info, const Image& canvas, std::vector<float>& logits) {
  const std::vector<float> other = run(network, info, mirrored(canvas));
  const auto width = static_cast<std::size_t>(canvas.width);
  for (std::size_t i = 0; i < logits.size(); ++i) {
    const std::size_t mirror = i / width * width + (width - 1 - i % width);
    logits[i] = 0.5f * (logits[i] + other[mirror]);
  }
}

Placement placement_for(const ModelInfo& info, const Image& picture, const PredictOptions& options) {
  if (options.is_native) return place_native(picture.width, picture.height, static_cast<int>(UNet::stride));
  const int height = options.size ? (*options.size)[0] : static_cast<int>(info.height);
  const int width = options.size ? (*options.size)[1] : static_cast<int>(info.width);
  return place(picture.width, picture.height, width, height, fit_from(info.fit));
}

}  // namespace

Prediction predict(const UNet& network, const ModelInfo& info, const Image& picture, const PredictOptions& options) {
  WEFT_CHECK(network.config().classes == 1, "[predict] expected a network with one class, got {}", network.config().classes);
  Prediction prediction{placement_for(info, picture, options), {}, {}};
  const Image canvas = fit_picture(picture, prediction.placement);
  prediction.canvas_logits = run(network, info, canvas);
  // A mirrored letterbox is a letterbox, but a picture at the top left of a native canvas moves to the right: the
  // mirror index of the canvas, not of the picture, undoes both.
  if (options.mirror) add_mirrored_run(network, info, canvas, prediction.canvas_logits);
  prediction.logits = unfit_plane(prediction.canvas_logits, prediction.placement);
  return prediction;
}

std::vector<float> Prediction::probabilities() const {
  std::vector<float> p(logits.size());
  parallel_chunks(static_cast<std::int64_t>(p.size()), elementwise_grain, [&](std::int64_t begin, std::int64_t end) {
    for (auto i = static_cast<std::size_t>(begin); i < static_cast<std::size_t>(end); ++i) p[i] = sigmoid_value(logits[i]);
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
