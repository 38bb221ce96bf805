#pragma once
// Masks as people keep them: how their files are called, and how what is in them becomes label ids.

#include <cstdint>
#include <filesystem>
#include <string>

#include "data/byte_reader.h"
#include "data/image.h"
#include "data/label_map.h"

namespace weft {

struct MaskRules {
  std::string suffix = {};     // behind the picture's stem: "_mask"
  std::string extension = {};  // "png", "jpg"; empty: png, and where there is none whatever picture has the name
  /// 1 to 255: the mask is grey, in any format, and from this value on a pixel has id 1, below it id 0. 0: the file
  /// holds ids, or the colours of the label map.
  int threshold = 0;

  bool operator==(const MaskRules&) const = default;
};

/// The label ids in a mask's file, upright: grey values and palette indices as they are stored, colours looked up in
/// the label map's table, or, with a threshold, 0 and 1. Throws Error, beginning with `name`: an unreadable file, a
/// colour that the map does not know, colours without a table, and a JPEG (unless there is a threshold), whose
/// compression changes both ids and colours.
Image decode_mask(Bytes file, const std::string& name, const LabelMap& labels, int threshold = 0);
Image load_mask(const std::filesystem::path& path, const LabelMap& labels, int threshold = 0);

}  // namespace weft
