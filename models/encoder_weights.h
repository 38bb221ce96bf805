#pragma once

#include <filesystem>
#include <string>
#include <vector>

#include "models/encoder.h"

namespace weft {

/// What load_encoder_weights did besides loading.
struct EncoderWeightsReport {
  std::vector<std::string> dropped;  // the classifier's tensors, which an encoder has no use for
  std::vector<std::string> missing;  // tensors that kept their starting values
};

/// Loads a safetensors file in torchvision's keys (`features.0.0.weight`, `conv1.weight`), with or without the prefix
/// `encoder.`, into an encoder. Tensors of the ImageNet head (`fc.*`, `classifier.*`) are dropped. Throws Error, with
/// the path and all names, for unexpected and wrong-shaped tensors, NaN and infinity, and, unless `allow_missing`,
/// for missing ones. Then the encoder is unchanged.
EncoderWeightsReport load_encoder_weights(const Encoder& encoder, const std::filesystem::path& path,
                                          bool allow_missing = false);

}  // namespace weft
