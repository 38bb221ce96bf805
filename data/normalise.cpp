#include "data/normalise.h"

#include "core/check.h"

namespace weft {

void normalise(const Image& picture, const Normalisation& n, std::span<float> out) {
  WEFT_CHECK(picture.channels == 3, "[normalise] expected 3 channels, got {}", picture.channels);
  WEFT_CHECK(out.size() == picture.pixels.size(), "[normalise] expected room for {} values, got {}",
             picture.pixels.size(), out.size());
  std::array<std::array<float, 256>, 3> value_of{};
  for (std::size_t c = 0; c < 3; ++c) {
    for (std::size_t v = 0; v < 256; ++v)
      value_of[c][v] = (static_cast<float>(v) / 255.0f - n.mean[c]) / n.deviation[c];
  }
  for (std::size_t i = 0; i < out.size(); i += 3) {
    for (std::size_t c = 0; c < 3; ++c) out[i + c] = value_of[c][picture.pixels[i + c]];
  }
}

}  // namespace weft
