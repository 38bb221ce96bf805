#pragma once
// A checkpoint from four parts of an input, cut at line breaks: settings, progress, the header's tensors, and the
// numbers. The checksum is right, so that nothing stands between the input and the reader but the reader's own checks.

#include "tests/fuzz/safetensors_builder.h"

namespace weft::fuzz {

inline std::string build_checkpoint(std::string_view input) {
  const std::string config = take_line(input), progress = take_line(input), tensors = take_line(input);
  return build_safetensors(
      R"(,"weft.format":"checkpoint","config":)" + quoted(config) + R"(,"progress":)" + quoted(progress), tensors,
      input);
}

}  // namespace weft::fuzz
