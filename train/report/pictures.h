#pragma once
// The small pictures of a report, as JPEG files in memory.

#include <string>
#include <string_view>

#include "data/image.h"

namespace weft {

/// The photograph at most `side` pixels wide and high.
std::string photograph_jpeg(const Image& photograph, int side);
/// Of that size: what the mask (0 or 1, of the photograph's size) takes for clothing in its colours, the rest pale.
std::string overlay_jpeg(const Image& photograph, const Image& mask, int side);
/// The photograph, and beside it in grey with the mistakes: blue where clothing was found, orange where it was missed,
/// purple where something else was taken for clothing.
std::string mistakes_jpeg(const Image& photograph, const Image& truth, const Image& prediction, int side);

/// The colours of mistakes_jpeg for a legend, as "#rrggbb".
struct MistakeColours {
  static constexpr const char *found = "#56b4e9", *missed = "#e69f00", *wrong = "#cc79a7";
};

/// "data:image/jpeg;base64,..."
std::string data_uri(std::string_view jpeg);

}  // namespace weft
