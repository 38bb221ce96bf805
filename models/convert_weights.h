#pragma once
// From the files that people have to the files that weft loads by name: torchvision's classifiers and U-Nets of
// segmentation_models_pytorch, in any container that open_weights reads, become safetensors (docs/formats.md has the
// table of keys).

#include <filesystem>
#include <optional>
#include <string>
#include <vector>

#include "core/formats/safetensors.h"
#include "core/formats/weights_file.h"

namespace weft {

struct ConversionOptions {
  std::optional<std::string> arch = std::nullopt;  // where the names don't tell
  bool keep_head = false;                          // of a classifier
  FloatStorage storage = FloatStorage::f32;
  std::int64_t size = 0;  // of a U-Net: the height and width to be run at; 0: as it was
};

/// What was done, for the user to read.
struct Conversion {
  std::string what;                // "U-Net with the encoder resnet34"
  std::vector<std::string> notes;  // "dropped ..., which ..."
  std::size_t tensors = 0;         // written
};

/// Writes the tensors of `file` to `path`:
///   a U-Net              a model file (save_model); the description is the file's own, or the defaults of ModelInfo
///   a classifier         torchvision's keys, its ImageNet head (`fc.*`, `classifier.*`) only where asked
///   an encoder alone     torchvision's keys
/// Every tensor of the network is written, so that the result loads strictly by name. Throws Error, and writes nothing,
/// where the network is none that weft has, and for missing, unexpected and wrong-shaped tensors (all are listed), NaN
/// and infinity.
Conversion convert_weights(const WeightsFile& file, const std::filesystem::path& path,
                           const ConversionOptions& options = {});

}  // namespace weft
