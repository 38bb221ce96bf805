#pragma once
// A U-Net as an ONNX file, for runtimes other than weft.
//
// The network is not described a second time: its forward pass is captured (core/graph.h), and the graph is translated
// step by step. So the file follows every change of the forward pass by itself, and what ONNX can't say is refused by
// the operation's name.

#include <filesystem>

#include "models/model_file.h"

namespace weft {

struct OnnxOptions {
  bool with_preprocessing = false;  // pictures in, probabilities out
  bool fold = false;                // batch norm disappears into the convolutions' weights
};

/// Writes opset 13. Input "image" float32 [N, 3, H, W], normalised; output "logits" float32 [N, classes, H, W]. With
/// preprocessing: input "image" uint8 RGB [N, H, W, 3], output "probability" float32 [N, H, W], for one class. N, H and
/// W are free, H and W multiples of 32. Weights have their names in the state dict. Metadata: those of a model file.
/// Throws Error where the file can't be written, for a network in training mode, and where it does something that is
/// not translated.
void export_onnx(const std::filesystem::path& path, const UNet& network, const ModelInfo& info,
                 const OnnxOptions& options = {});

}  // namespace weft
