#include "core/formats/file_kind.h"

#include <fmt/format.h>

#include "core/formats/torch_file.h"

namespace weft {
namespace {

/// An ONNX file is a protobuf message that begins with ir_version (field 1, a small number) and, in the order in which
/// everybody writes them, goes on with one of the producer's fields, the graph or the operator sets (docs/formats.md).
bool is_onnx(std::string_view content) {
  constexpr std::string_view next_tags = "\x12\x1a\x22\x2a\x32\x3a\x42";
  return content.size() > 16 && content[0] == 8 && content[1] > 0 && content[1] < 32 &&
         next_tags.find(content[2]) != std::string_view::npos;
}

}  // namespace

std::string what_it_is(std::string_view content, const std::string& path) {
  if (content.size() > 8 && content[8] == '{') return "";
  if (is_onnx(content)) {
    return "is an ONNX model, which weft writes (export_onnx) and does not read; give the .safetensors or .pth file "
           "that "
           "it was made from";
  }
  if (content.starts_with("PK\x03\x04") || is_torch_legacy(content))
    return fmt::format("is a PyTorch file; convert it with convert_weights {} MODEL.safetensors", path);
  if (content.starts_with("{"))
    return fmt::format("is the index of a file in shards; convert it with convert_weights {} MODEL.safetensors", path);
  if (content.starts_with("\x89HDF")) return "is an HDF5 file (Keras); weft reads PyTorch's files and safetensors";
  if (content.size() > 8 && content.substr(4, 4) == "TFL3")
    return "is a TensorFlow Lite model; weft reads PyTorch's files and safetensors";
  if (content.starts_with("\xFF\xD8\xFF") || content.starts_with("\x89PNG")) return "is a picture, not a model";
  return "";
}

}  // namespace weft
