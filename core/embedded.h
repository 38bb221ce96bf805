#pragma once
// Text files that are compiled into the programs (cmake/embed.cmake).

#include <span>
#include <string_view>

namespace weft {

struct EmbeddedText {
  std::string_view name, text;
};

/// data/labels/*.json
std::span<const EmbeddedText> embedded_label_maps();

}  // namespace weft
