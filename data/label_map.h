#pragma once
// What the ids in a label mask mean, and which of them are clothing. A map is a json file:
//
//   {"name": "atr", "labels": [{"id": 0, "name": "Background", "clothing": false}, ...]}
//
// Three are built in (data/labels/): atr, ccp and binary.

#include <array>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "data/image.h"

namespace weft {

class LabelMap {
 public:
  struct Label {
    int id;
    std::string name;
    bool is_clothing;
  };

  /// A built-in map by name, or a json file by path. Throws Error: no such map, or what is wrong with the file.
  static LabelMap load(const std::string& name_or_path);
  /// `source` begins the messages.
  static LabelMap parse(std::string_view json, const std::string& source);

  const std::string& name() const { return name_; }
  /// By rising id.
  const std::vector<Label>& labels() const { return labels_; }

  /// 1 where the mask's id is clothing, else 0. Throws Error naming `mask_name` and the id for an id that the map
  /// does not know, with a hint at the built-in map that knows all of the mask's ids, where there is one.
  Image clothing(const Image& ids, const std::string& mask_name) const;

 private:
  std::string name_;
  std::vector<Label> labels_;
  std::array<std::optional<bool>, 256> is_clothing_;  // by id
};

}  // namespace weft
