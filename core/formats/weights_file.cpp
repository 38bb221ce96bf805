#include "core/formats/weights_file.h"

#include <cstring>
#include <nlohmann/json.hpp>

#include "core/check.h"
#include "core/formats/file_kind.h"
#include "core/formats/json.h"
#include "core/formats/printable.h"
#include "core/formats/safetensors.h"
#include "core/formats/torch_file.h"

namespace weft {

namespace {

/// True where the numbers already lie in row-major order.
bool is_contiguous(const WeightsEntry& entry) {
  if (entry.strides.empty()) return true;
  std::int64_t expected = 1;
  for (std::size_t i = entry.shape.size(); i-- > 0;) {
    if (entry.shape[i] != 1 && entry.strides[i] != expected) return false;
    expected *= entry.shape[i];
  }
  return true;
}

/// Copies a strided view to `out` in row-major order, moving an index over the shape like an odometer.
void gather(const WeightsEntry& entry, std::size_t number_bytes, const std::byte* storage, std::byte* out) {
  std::vector<std::int64_t> index(entry.shape.size(), 0);
  std::int64_t position = entry.offset;
  for (std::int64_t left = entry.count(); left > 0; --left) {
    std::memcpy(out, storage + static_cast<std::size_t>(position) * number_bytes, number_bytes);
    out += number_bytes;
    for (std::size_t axis = index.size(); axis-- > 0;) {
      position += entry.strides[axis];
      if (++index[axis] < entry.shape[axis]) break;
      position -= entry.shape[axis] * entry.strides[axis];
      index[axis] = 0;
    }
  }
}

void add_safetensors(WeightsParts& parts, const SafetensorsFile& file) {
  for (const SafetensorsEntry& entry : file.tensors()) {
    parts.tensors.push_back({entry.name, entry.type, entry.shape, parts.storages.size(), 0, {}});
    parts.storages.push_back({entry.bytes, nullptr, {}});
  }
}

WeightsFile open_safetensors(FileBytes bytes) {
  const SafetensorsFile file(bytes);
  WeightsParts parts;
  parts.path = bytes.name();
  parts.format = "safetensors";
  parts.metadata = file.metadata();
  parts.files.push_back(std::move(bytes));
  add_safetensors(parts, file);
  return WeightsFile(std::move(parts));
}

/// A shard is named by the index, which may come from anywhere: it must be a plain file name.
void check_shard_name(const std::string& shard, const std::string& file) {
  const bool plain = !shard.empty() && shard != "." && shard != ".." &&
                     shard.find_first_of("/\\") == std::string::npos && shard.find('\0') == std::string::npos;
  WEFT_CHECK(plain, "{}: refused: shard '{}' is not the name of a file beside it", file, printable(shard));
}

/// {"metadata": {...}, "weight_map": {TENSOR: SHARD}}: each tensor must be in its shard, and no shard may hold another.
WeightsFile open_sharded(const FileBytes& index) {
  const nlohmann::json json = parse_json(index.text(), index.name());
  const auto map = json.find("weight_map");
  WEFT_CHECK(map != json.end() && map->is_object(),
             "{}: json, but not the index of a sharded safetensors file: it has no weight_map", index.name());
  std::map<std::string, std::vector<std::string>> names_of_shard;
  for (const auto& [name, shard] : map->items()) {
    WEFT_CHECK(shard.is_string(), "{}: the shard of '{}' is not a string", index.name(), printable(name));
    check_shard_name(shard.get_ref<const std::string&>(), index.name());
    names_of_shard[shard.get<std::string>()].push_back(name);
  }

  WeightsParts parts;
  parts.path = index.name();
  parts.format = fmt::format("safetensors in {} shards", names_of_shard.size());
  for (const auto& [shard, names] : names_of_shard) {
    const FileBytes bytes =
        FileBytes::read(std::filesystem::path(index.name()).parent_path() / shard, look_at_safetensors);
    const SafetensorsFile file(bytes);
    for (const std::string& name : names) {
      WEFT_CHECK(file.find(name), "{}: says that '{}' is in {}, which does not hold it", index.name(), printable(name),
                 shard);
    }
    WEFT_CHECK(names.size() == file.tensors().size(), "{}: lists {} tensors of {}, which holds {}", index.name(),
               names.size(), shard, file.tensors().size());
    parts.files.push_back(bytes);
    add_safetensors(parts, file);
  }
  return WeightsFile(std::move(parts));
}

}  // namespace

std::int64_t WeightsEntry::count() const { return element_count(shape).value(); }

WeightsFile::WeightsFile(WeightsParts parts) : parts_(std::move(parts)) {
  for (std::size_t i = 0; i < parts_.tensors.size(); ++i) {
    const bool is_new = index_.emplace(parts_.tensors[i].name, i).second;
    WEFT_CHECK(is_new, "{}: refused: two tensors are called '{}'", path(), printable(parts_.tensors[i].name));
  }
}

const WeightsEntry* WeightsFile::find(std::string_view name) const {
  const auto found = index_.find(std::string(name));
  return found == index_.end() ? nullptr : &parts_.tensors[found->second];
}

const WeightsEntry& WeightsFile::at(std::string_view name) const {
  const WeightsEntry* entry = find(name);
  WEFT_CHECK(entry, "{}: holds no tensor '{}'", path(), printable(name));
  return *entry;
}

std::span<const std::byte> WeightsFile::storage_bytes(const WeightsEntry& entry) const {
  WeightsStorage& storage = parts_.storages.at(entry.storage);
  if (storage.unread) {
    storage.bytes = parts_.zip->read(*storage.unread, storage.inflated);
    storage.unread = nullptr;
  }
  return storage.bytes;
}

std::span<const std::byte> WeightsFile::contiguous(const WeightsEntry& entry, std::vector<std::byte>& buffer) const {
  const std::span<const std::byte> storage = storage_bytes(entry);
  const std::uint64_t bytes = byte_count(entry.type, entry.shape).value();
  if (bytes == 0) return {};  // its offset may lie anywhere
  if (is_contiguous(entry))
    return storage.subspan(static_cast<std::size_t>(entry.offset) * bits_of(entry.type) / 8, bytes);
  buffer.resize(bytes);
  gather(entry, bits_of(entry.type) / 8, storage.data(), buffer.data());
  return buffer;
}

template <class Number>
std::vector<Number> WeightsFile::read(const WeightsEntry& entry,
                                      void (*convert)(ElementType, std::span<const std::byte>, Number*)) const {
  std::vector<std::byte> buffer;
  const std::span<const std::byte> bytes = contiguous(entry, buffer);
  std::vector<Number> numbers(static_cast<std::size_t>(entry.count()));
  try {
    convert(entry.type, bytes, numbers.data());
  } catch (const Error& error) {
    fail("{}: tensor '{}': {}", path(), printable(entry.name), error.what());
  }
  return numbers;
}

std::vector<float> WeightsFile::read_f32(const WeightsEntry& entry) const { return read<float>(entry, to_f32); }

std::vector<std::int64_t> WeightsFile::read_i64(const WeightsEntry& entry) const {
  return read<std::int64_t>(entry, to_i64);
}

std::vector<std::byte> WeightsFile::read_bytes(const WeightsEntry& entry) const {
  std::vector<std::byte> buffer;
  const std::span<const std::byte> bytes = contiguous(entry, buffer);
  return {bytes.begin(), bytes.end()};
}

WeightsFile open_weights(FileBytes file) {
  const std::string_view text = file.text();
  if (text.starts_with("PK\x03\x04") || text.starts_with("PK\x05\x06")) return open_torch_zip(std::move(file));
  if (is_torch_legacy(text)) return open_torch_legacy(std::move(file));
  if (text.size() > 8 && text[8] == '{') return open_safetensors(std::move(file));
  if (text.starts_with('{')) return open_sharded(file);
  WEFT_CHECK(
      text.size() < 512 || text.substr(257, 5) != "ustar",
      "{}: a tar file, PyTorch's container of 2016, which weft does not read; torchvision has newer files of the "
      "same weights, or load and save it with PyTorch",
      file.name());
  WEFT_CHECK(!text.starts_with('\x80'), "{}: refused: a pickle, but not one that torch.save wrote", file.name());
  const std::string kind = what_it_is(text, file.name());
  WEFT_CHECK(kind.empty(), "{}: {}", file.name(), kind);
  fail("{}: not a file of weights that weft knows (safetensors, its index, PyTorch's .pth)", file.name());
}

WeightsFile open_weights(const std::filesystem::path& path) {
  return open_weights(FileBytes::read(path, look_at_safetensors));
}

}  // namespace weft
