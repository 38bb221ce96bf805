#pragma once
// Builders for pickles and zip archives, so that hostile ones can be written down.

#include <string>
#include <vector>

#include "core/formats/checksum.h"
#include "tests/core/formats/bytes.h"

namespace weft::test {

namespace pickle {

inline const std::string proto("\x80\x02", 2);
inline const std::string mark = "(", none = "N", stop = ".", reduce = "R", build = "b", empty_tuple = ")",
                         empty_list = "]", empty_dict = "}", setitem = "s", setitems = "u", append = "a", appends = "e",
                         tuple = "t", persid = "Q", newobj = "\x81";

inline std::string global(const std::string& module, const std::string& name) {
  return "c" + module + "\n" + name + "\n";
}
inline std::string text(const std::string& value) {
  return "X" + raw(static_cast<std::uint32_t>(value.size())) + value;
}
inline std::string integer(std::int64_t value) { return "\x8a\x08" + raw(value); }
inline std::string integers(const std::vector<std::int64_t>& values) {
  std::string all = mark;
  for (const std::int64_t value : values) all += integer(value);
  return all + tuple;
}
inline std::string storage(const std::string& type, const std::string& key, std::int64_t count,
                           const std::string& view = "") {
  return mark + text("storage") + global("torch", type) + text(key) + text("cpu") + integer(count) + view + tuple +
         persid;
}
/// The call of _rebuild_tensor_v2.
inline std::string tensor(const std::string& storage_bytes, std::int64_t offset, const std::vector<std::int64_t>& size,
                          const std::vector<std::int64_t>& stride) {
  return global("torch._utils", "_rebuild_tensor_v2") + mark + storage_bytes + integer(offset) + integers(size) +
         integers(stride) + "\x89" + global("collections", "OrderedDict") + empty_tuple + reduce + tuple + reduce;
}
/// A whole pickle of a dict of these keys and values.
inline std::string dict(const std::vector<std::pair<std::string, std::string>>& items) {
  std::string all = proto + empty_dict + mark;
  for (const auto& [key, value] : items) all += text(key) + value;
  return all + setitems + stop;
}

}  // namespace pickle

/// An entry of a zip archive; what is not given is made to fit.
struct ZipPart {
  std::string name, content;
  std::string local_name = name;
  std::uint16_t flags = 0, method = 0;
  std::uint32_t crc = crc32(content), size = static_cast<std::uint32_t>(content.size()), mode = 0;
};

/// An archive of stored entries. `shift` moves the offset that the directory gives for the last one.
inline std::string zip(const std::vector<ZipPart>& parts, int shift = 0) {
  std::string archive, directory;
  for (std::size_t i = 0; i < parts.size(); ++i) {
    const ZipPart& part = parts[i];
    const std::uint32_t offset =
        static_cast<std::uint32_t>(archive.size()) + (i + 1 == parts.size() ? static_cast<std::uint32_t>(shift) : 0u);
    const auto stored = static_cast<std::uint32_t>(part.content.size());
    const std::string common =
        raw(part.flags) + raw(part.method) + raw(std::uint32_t{0}) + raw(part.crc) + raw(stored) + raw(part.size);
    const auto local_length = static_cast<std::uint16_t>(part.local_name.size()),
               length = static_cast<std::uint16_t>(part.name.size());
    archive += "PK\x03\x04" + raw(std::uint16_t{20}) + common + raw(local_length) + raw(std::uint16_t{0}) +
               part.local_name + part.content;
    directory += "PK\x01\x02" + raw(std::uint32_t{0x00140314}) + common + raw(length) + raw(std::uint64_t{0}) +
                 raw(part.mode << 16) + raw(offset) + part.name;
  }
  const auto count = static_cast<std::uint16_t>(parts.size());
  return archive + directory + "PK\x05\x06" + raw(std::uint32_t{0}) + raw(count) + raw(count) +
         raw(static_cast<std::uint32_t>(directory.size())) + raw(static_cast<std::uint32_t>(archive.size())) +
         raw(std::uint16_t{0});
}

/// A .pth file of the new container.
inline std::string torch_zip(const std::string& pickle_bytes, const std::vector<std::string>& storages = {}) {
  std::vector<ZipPart> parts{{"archive/data.pkl", pickle_bytes}};
  for (std::size_t i = 0; i < storages.size(); ++i) parts.push_back({"archive/data/" + std::to_string(i), storages[i]});
  parts.push_back({"archive/version", "3\n"});
  return zip(parts);
}

/// A .pth file of the legacy container; `storages` are the keys with a count and bytes each.
inline std::string torch_legacy(const std::string& pickle_bytes, const std::vector<std::string>& keys,
                                const std::string& storages) {
  using namespace pickle;
  std::string list = proto + empty_list + mark;
  for (const std::string& key : keys) list += text(key);
  list += appends + stop;
  return "\x80\x02\x8a\x0a\x6c\xfc\x9c\x46\xf9\x20\x6a\xa8\x50\x19\x2e" + proto + integer(1001) + stop +
         dict({{"little_endian", "\x88"}}) + pickle_bytes + list + storages;
}

}  // namespace weft::test
