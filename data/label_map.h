#pragma once
// What the ids in a label mask mean, and which of them are clothing. A map is a json file:
//
//   {"name": "atr", "labels": [{"id": 0, "name": "Background", "clothing": false}, ...]}
//
// A label may have a "colour": "#rrggbb", by which it is recognised in masks that are painted, and "ignore": true
// instead of "clothing" (data/ignored.h). The built-in maps are in data/labels/.

#include <array>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <unordered_map>
#include <vector>

#include "data/image.h"

namespace weft {

class LabelMap {
 public:
  struct Label {
    int id;
    std::string name;
    bool is_clothing;
    bool is_ignored = false;
    std::optional<std::uint32_t> colour = std::nullopt;  // 0xrrggbb
  };

  /// A built-in map by name, or a json file by path. Throws Error: no such map, or what is wrong with the file.
  static LabelMap load(const std::string& name_or_path);
  /// "atr, binary, ccp"
  static std::string built_in_names();
  /// `source` begins the messages.
  static LabelMap parse(std::string_view json, const std::string& source);

  const std::string& name() const { return name_; }
  /// By rising id.
  const std::vector<Label>& labels() const { return labels_; }

  /// 1 where the mask's id is clothing, ignored_pixel where it is ignored, else 0. Throws Error naming `mask_name` and
  /// the id for an id that the map does not know, with a hint at the built-in map that knows all of the mask's ids,
  /// where there is one.
  Image clothing(const Image& ids, const std::string& mask_name) const;

  bool has_colours() const { return !id_of_colour_.empty(); }
  /// The ids of a mask that is painted (RGB). Throws Error naming `mask_name`, the colour and where it is for one that
  /// the map does not know.
  Image ids_of_colours(const Image& rgb, const std::string& mask_name) const;

 private:
  std::string name_;
  std::vector<Label> labels_;
  std::array<std::optional<std::uint8_t>, 256> meaning_;  // of an id: 0, 1 or ignored_pixel
  std::unordered_map<std::uint32_t, std::uint8_t> id_of_colour_;
};

}  // namespace weft
