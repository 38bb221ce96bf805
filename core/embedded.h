#pragma once
// Text files that are compiled into the programs (cmake/embed.cmake).

#include <span>
#include <string_view>

namespace weft {

struct EmbeddedText {
  std::string_view name, text;
};

}  // namespace weft
