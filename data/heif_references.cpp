#include "data/heif_references.h"

#include <algorithm>
#include <map>
#include <optional>
#include <vector>

#include "core/check.h"

namespace weft {
namespace {

constexpr int deepest = 16;
constexpr std::int64_t most_pictures = 10'000;

constexpr std::uint32_t box_name(const char (&name)[5]) {
  std::uint32_t value = 0;
  for (int i = 0; i < 4; ++i) value = (value << 8) | static_cast<unsigned char>(name[i]);
  return value;
}

/// Calls f(name, content) for each box of a sequence, as far as there are whole ones; the last may be cut short.
template <class F>
void for_each_box(Bytes boxes, F&& f) {
  while (true) {
    const auto size = read_uint(boxes, 0, 4), name = read_uint(boxes, 4, 4);
    if (!size || !name) return;
    std::uint64_t bytes = *size == 0 ? boxes.size() : *size;  // 0: to the end
    std::size_t header = 8;
    if (*size == 1) {
      if (boxes.size() < 16) return;
      bytes = big_endian_64(boxes.data() + 8);
      header = 16;
    }
    if (bytes < header) return;
    const auto end = static_cast<std::size_t>(std::min<std::uint64_t>(bytes, boxes.size()));
    f(*name, boxes.subspan(header, end - header));
    boxes = boxes.subspan(end);
  }
}

using Item = std::uint32_t;
/// The items that an item's decoding decodes.
using References = std::map<Item, std::vector<Item>>;

/// The references of one kind from one item to several, at the beginning of `bytes`; how many bytes that were, or
/// nothing where they end too early.
std::optional<std::size_t> add_references(std::uint32_t kind, Bytes bytes, int id_bytes, References& references) {
  const auto ids = [&](std::size_t count) { return static_cast<std::size_t>(id_bytes) * count; };
  const auto from = read_uint(bytes, 0, id_bytes), count = read_uint(bytes, ids(1), 2);
  if (!from || !count) return std::nullopt;
  for (std::size_t i = 0; i < *count; ++i) {
    const auto to = read_uint(bytes, ids(1) + 2 + ids(i), id_bytes);
    if (!to) return std::nullopt;
    if (kind == box_name("dimg")) references[*from].push_back(*to);
    if (kind == box_name("auxl")) references[*to].push_back(*from);
  }
  return ids(1 + *count) + 2;
}

/// libheif 1.15 looks for the next box of references where the last one's items end, whatever its size says.
void add_references_in_sequence(Bytes bytes, int id_bytes, References& references) {
  while (true) {
    const auto size = read_uint(bytes, 0, 4), kind = read_uint(bytes, 4, 4);
    const std::size_t header = 8 + (size == 1 ? 8 : 0) + (kind == box_name("uuid") ? 16 : 0);
    if (!size || !kind || bytes.size() < header) return;
    const auto used = add_references(*kind, bytes.subspan(header), id_bytes, references);
    if (!used) return;
    bytes = bytes.subspan(header + *used);
  }
}

/// All of a file, read by the boxes' sizes and without: in a sound file both say the same.
References references_of(Bytes file) {
  References by_size, in_sequence;
  for_each_box(file, [&](std::uint32_t name, Bytes meta) {
    if (name != box_name("meta") || meta.size() < 4) return;
    for_each_box(meta.subspan(4), [&](std::uint32_t child, Bytes content) {
      if (child != box_name("iref") || content.size() < 4) return;
      const int id_bytes = content[0] == 0 ? 2 : 4;
      for_each_box(content.subspan(4),
                   [&](std::uint32_t kind, Bytes box) { add_references(kind, box, id_bytes, by_size); });
      add_references_in_sequence(content.subspan(4), id_bytes, in_sequence);
    });
  });
  for (auto& [item, parts] : in_sequence) {
    std::vector<Item>& known = by_size[item];
    if (known != parts) known.insert(known.end(), parts.begin(), parts.end());
  }
  return by_size;
}

class Counter {
 public:
  Counter(const References& references, std::string_view name) : references_(references), name_(name) {}

  /// Pictures that are decoded for `item`, itself included, at most one more than are allowed.
  std::int64_t count(Item item, int depth = 0) {
    WEFT_CHECK(depth <= deepest, "{}: corrupt HEIC or AVIF: its parts refer to one another in a circle", name_);
    const auto found = references_.find(item);
    if (found == references_.end()) return 1;
    if (const auto known = counts_.find(item); known != counts_.end() && depth + known->second.height <= deepest)
      return known->second.pictures;
    Known sum{1, 0};
    for (const Item part : found->second) {
      sum.pictures = std::min(sum.pictures + count(part, depth + 1), most_pictures + 1);
      const auto known = counts_.find(part);
      sum.height = std::max(sum.height, 1 + (known == counts_.end() ? 0 : known->second.height));
    }
    counts_[item] = sum;
    return sum.pictures;
  }

 private:
  struct Known {
    std::int64_t pictures;
    int height;  // of the longest way down
  };
  const References& references_;
  const std::string_view name_;
  std::map<Item, Known> counts_;
};

}  // namespace

void check_heif_references(Bytes file, std::string_view name) {
  const References references = references_of(file);
  Counter counter(references, name);
  for (const auto& [item, parts] : references) {
    WEFT_CHECK(counter.count(item) <= most_pictures,
               "{}: HEIC or AVIF put together from more than {} pictures, which weft does not decode", name,
               most_pictures);
  }
}

}  // namespace weft
