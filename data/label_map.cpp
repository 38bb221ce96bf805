#include "data/label_map.h"

#include <algorithm>
#include <charconv>
#include <nlohmann/json.hpp>
#include <utility>

#include "core/check.h"
#include "core/embedded.h"
#include "core/formats/json.h"
#include "core/formats/printable.h"
#include "data/ignored.h"
#include "data/read_file.h"

namespace weft {

/// data/labels/*.json (cmake/embed.cmake)
std::span<const EmbeddedText> embedded_label_maps();

namespace {

constexpr std::size_t max_file_bytes = 1 << 20;

const EmbeddedText* built_in(std::string_view name) {
  for (const EmbeddedText& entry : embedded_label_maps()) {
    if (entry.name.substr(0, entry.name.rfind('.')) == name) return &entry;
  }
  return nullptr;
}

/// 0xrrggbb of "#rrggbb".
std::uint32_t colour_from(const std::string& text, const std::string& source) {
  std::uint32_t colour = 0;
  const char* const end = text.data() + text.size();
  const bool is_well_formed =
      text.size() == 7 && text[0] == '#' && std::from_chars(text.data() + 1, end, colour, 16).ptr == end;
  WEFT_CHECK(is_well_formed, "{}: colour '{}', expected \"#rrggbb\"", source, printable(text));
  return colour;
}

std::array<bool, 256> ids_in(const Image& mask) {
  std::array<bool, 256> present{};
  for (std::uint8_t id : mask.pixels) present[id] = true;
  return present;
}

/// " (0..58)" for ids without gaps, else nothing.
std::string range_text(const std::vector<LabelMap::Label>& labels) {
  const int last = labels.back().id;
  return labels.front().id == 0 && labels.size() == static_cast<std::size_t>(last) + 1 ? fmt::format(" (0..{})", last)
                                                                                       : "";
}

}  // namespace

std::string LabelMap::built_in_names() {
  std::string names;
  for (const EmbeddedText& entry : embedded_label_maps())
    names += fmt::format("{}{}", names.empty() ? "" : ", ", entry.name.substr(0, entry.name.rfind('.')));
  return names;
}

LabelMap LabelMap::parse(std::string_view text, const std::string& source) {
  const nlohmann::json json = parse_json(text, source);
  LabelMap map;
  try {
    map.name_ = json.at("name").get<std::string>();
    for (const auto& entry : json.at("labels")) {
      map.labels_.push_back(
          {static_cast<int>(std::clamp<std::int64_t>(whole_number(entry.at("id")), INT32_MIN, INT32_MAX)),
           entry.at("name").get<std::string>(), false});
      LabelMap::Label& label = map.labels_.back();
      label.is_ignored = entry.value("ignore", false);
      label.is_clothing = label.is_ignored ? entry.value("clothing", false) : entry.at("clothing").get<bool>();
      WEFT_CHECK(!label.is_ignored || !label.is_clothing, "{}: label {} is to be ignored, and clothing", source,
                 label.id);
      if (entry.contains("colour")) label.colour = colour_from(entry.at("colour").get<std::string>(), source);
    }
  } catch (const nlohmann::json::exception& e) {
    fail(
        "{}: not a label map: {}; expected {{\"name\": ..., \"labels\": [{{\"id\": 0, \"name\": ..., \"clothing\": "
        "false}}, ...]}}",
        source, e.what());
  }
  WEFT_CHECK(!map.labels_.empty(), "{}: a label map without labels", source);
  std::sort(map.labels_.begin(), map.labels_.end(), [](const Label& a, const Label& b) { return a.id < b.id; });
  for (const Label& label : map.labels_) {
    WEFT_CHECK(label.id >= 0 && label.id <= 255, "{}: label id {} is not in 0..255", source, label.id);
    auto& slot = map.meaning_[static_cast<std::size_t>(label.id)];
    WEFT_CHECK(!slot, "{}: label id {} occurs twice", source, label.id);
    slot = label.is_ignored ? ignored_pixel : std::uint8_t{label.is_clothing};
    if (!label.colour) continue;
    const bool is_new = map.id_of_colour_.emplace(*label.colour, static_cast<std::uint8_t>(label.id)).second;
    WEFT_CHECK(is_new, "{}: colour #{:06x} occurs twice", source, *label.colour);
  }
  return map;
}

LabelMap LabelMap::load(const std::string& name_or_path) {
  if (const EmbeddedText* entry = built_in(name_or_path)) return parse(entry->text, std::string(entry->name));
  WEFT_CHECK(name_or_path.ends_with(".json"), "unknown label map '{}'; there are {}, or give a .json file",
             name_or_path, built_in_names());
  const auto bytes = read_file(name_or_path, max_file_bytes);
  const LabelMap map = parse({reinterpret_cast<const char*>(bytes.data()), bytes.size()}, name_or_path);
  WEFT_CHECK(built_in(map.name()) == nullptr,
             "{}: the name '{}' is a built-in map's; a model that names it would be judged by that one", name_or_path,
             map.name());
  return map;
}

Image LabelMap::clothing(const Image& ids, const std::string& mask_name) const {
  WEFT_CHECK(ids.channels == 1, "{}: expected a mask of ids, got {} channels", mask_name, ids.channels);
  const auto present = ids_in(ids);
  const auto knows_all = [&](const LabelMap& map) {
    for (std::size_t id = 0; id < 256; ++id) {
      if (present[id] && !map.meaning_[id]) return false;
    }
    return true;
  };
  if (!knows_all(*this)) {
    std::size_t unknown = 0;
    while (!present[unknown] || meaning_[unknown]) ++unknown;
    std::string hint;
    for (const auto& [other, what] : {std::pair{"binary", "a binary"},
                                      {"atr", "an ATR"},
                                      {"voc", "a VOC"},
                                      {"cityscapes", "a Cityscapes"},
                                      {"ccp", "a CCP"}}) {
      if (hint.empty() && other != name_ && knows_all(load(other)))
        hint = fmt::format("; is it {} mask? use --labels {}", what, other);
    }
    fail("{}: id {} is not in label map '{}'{}{}", mask_name, unknown, printable(name_), range_text(labels_), hint);
  }
  Image binary(ids.width, ids.height, 1);
  std::transform(ids.pixels.begin(), ids.pixels.end(), binary.pixels.begin(),
                 [&](std::uint8_t id) { return *meaning_[id]; });
  return binary;
}

Image LabelMap::ids_of_colours(const Image& rgb, const std::string& mask_name) const {
  WEFT_CHECK(rgb.channels == 3, "{}: expected a coloured mask, got {} channels", mask_name, rgb.channels);
  Image ids(rgb.width, rgb.height, 1);
  std::uint32_t last_colour = 0;
  std::optional<std::uint8_t> last_id;  // neighbours mostly have one colour
  for (std::size_t i = 0; i < ids.pixels.size(); ++i) {
    const std::uint8_t* v = &rgb.pixels[3 * i];
    const std::uint32_t colour = std::uint32_t{v[0]} << 16 | std::uint32_t{v[1]} << 8 | v[2];
    if (!last_id || colour != last_colour) {
      const auto found = id_of_colour_.find(colour);
      WEFT_CHECK(
          found != id_of_colour_.end(),
          "{}: colour #{:06x} (column {}, row {}) is not in label map '{}'; were its edges smoothed, or is it of "
          "another data set?",
          mask_name, colour, i % static_cast<std::size_t>(rgb.width), i / static_cast<std::size_t>(rgb.width),
          printable(name_));
      last_colour = colour;
      last_id = found->second;
    }
    ids.pixels[i] = *last_id;
  }
  return ids;
}

}  // namespace weft
