#pragma once

#include <string>
#include <string_view>

namespace weft {

/// What a file that holds no weights for weft is instead, told by its first bytes, and which command helps, such as "is
/// an ONNX model; ...": what follows the file's name in a message, where `path` is that name. Empty for safetensors and
/// for what is not known.
std::string what_it_is(std::string_view content, const std::string& path);

}  // namespace weft
