#include "models/answer.h"

#include <algorithm>

#include "core/kernels/sigmoid.h"
#include "core/tensor.h"
#include "data/render.h"
#include "models/predict.h"

namespace weft {

Answer answer_for(const Placement& placement, const Tensor& canvas_logits, double threshold,
                  const AnswerParts& parts) {
  constexpr int band_pixels = 1 << 22;
  const int width = placement.picture_width, height = placement.picture_height;
  Answer answer;
  answer.mask = Image(width, height, 1);
  if (parts.probability) answer.probability = Image(width, height, 1);
  if (parts.alpha) answer.alpha = Image(width, height, 1);
  if (parts.values) answer.values.reserve(answer.mask.pixels.size());
  const int band = std::clamp(band_pixels / width, 1, height);
  for (int y = 0; y < height; y += band) {
    const int rows = std::min(band, height - y);
    const std::vector<float> logits = unfit_rows(canvas_logits.values<float>(), placement, y, rows);
    std::vector<float> values(logits.size());
    kernels::sigmoid(logits.data(), std::ssize(logits), values.data());
    const auto put = [&](const Image& part, Image& whole) {
      std::copy(part.pixels.begin(), part.pixels.end(), whole.at(y, 0));
    };
    put(threshold_mask(values, width, rows, threshold), answer.mask);
    if (parts.probability) put(render_probability(values, width, rows), answer.probability);
    if (parts.alpha) put(render_alpha(values, width, rows, threshold), answer.alpha);
    if (parts.values) answer.values.insert(answer.values.end(), values.begin(), values.end());
  }
  const auto clothing = std::count(answer.mask.pixels.begin(), answer.mask.pixels.end(), 1);
  answer.clothing = static_cast<double>(clothing) / static_cast<double>(answer.mask.pixels.size());
  return answer;
}

}  // namespace weft
