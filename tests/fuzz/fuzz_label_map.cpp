// The bytes as a label map, which then judges a mask that holds every id once.

#include "data/ignored.h"
#include "data/label_map.h"
#include "tests/fuzz/reader.h"

using namespace weft;

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  fuzz::read_any(fuzz::as_string(data, size), [](const FileBytes& file) {
    const LabelMap map = LabelMap::parse(file.text(), file.name());
    int before = -1;
    for (const LabelMap::Label& label : map.labels()) {
      if (label.id <= before || label.id > 255) std::abort();
      before = label.id;
    }
    Image known(static_cast<int>(map.labels().size()), 1, 1), all(256, 1, 1);
    for (int i = 0; i < known.width; ++i)
      *known.at(0, i) = static_cast<std::uint8_t>(map.labels()[static_cast<std::size_t>(i)].id);
    for (int id = 0; id < 256; ++id) *all.at(0, id) = static_cast<std::uint8_t>(id);
    const Image clothing = map.clothing(known, "f");
    for (int i = 0; i < known.width; ++i) {
      const LabelMap::Label& label = map.labels()[static_cast<std::size_t>(i)];
      if (*clothing.at(0, i) != (label.is_ignored ? ignored_pixel : label.is_clothing)) std::abort();
    }
    map.clothing(all, "f");  // an Error that quotes the map's name, unless the map knows all 256
  });
  return 0;
}
