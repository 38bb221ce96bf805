#pragma once
// One view of every file that weights come in: safetensors, safetensors in shards with an index, and PyTorch's
// two containers. The format is recognised by content, never by the file's name. Opening a file reads its
// description; numbers are read when they are asked for.

#include <cstdint>
#include <filesystem>
#include <map>
#include <memory>
#include <span>
#include <string>
#include <string_view>
#include <unordered_map>
#include <vector>

#include "core/formats/element_type.h"
#include "core/formats/file_bytes.h"
#include "core/formats/zip.h"

namespace weft {

/// One tensor: a view of a storage, which other tensors may share.
struct WeightsEntry {
  std::string name;
  ElementType type;
  std::vector<std::int64_t> shape;
  std::size_t storage;                // entries with equal numbers share a storage
  std::int64_t offset = 0;            // of the first number in its storage, in numbers
  std::vector<std::int64_t> strides;  // in numbers; empty where the tensor is contiguous

  /// The product of the shape: 1 for rank 0.
  std::int64_t count() const;
};

/// The bytes of one storage: a run of a file, or an entry of a zip archive that has not been checked yet.
struct WeightsStorage {
  std::span<const std::byte> bytes;
  const ZipEntry* unread = nullptr;
  std::vector<std::byte> inflated;
};

/// What the readers of the formats fill in.
struct WeightsParts {
  std::string path, format;
  std::map<std::string, std::string> metadata;
  std::vector<std::string> notes;
  std::vector<WeightsEntry> tensors;
  std::vector<WeightsStorage> storages;
  std::vector<FileBytes> files;  // keeps the storages' bytes alive
  std::unique_ptr<ZipFile> zip;
};

/// Not for use by several threads at once: reading a zip archive's storage keeps what it inflated.
class WeightsFile {
 public:
  /// Throws Error where two tensors have one name.
  explicit WeightsFile(WeightsParts parts);

  const std::string& path() const { return parts_.path; }
  /// "safetensors", "safetensors in 2 shards", "PyTorch zip", "PyTorch legacy stream".
  const std::string& format() const { return parts_.format; }
  /// The safetensors metadata; empty for the other formats.
  const std::map<std::string, std::string>& metadata() const { return parts_.metadata; }
  /// What was done on the way, for the user to read: "took the state dict under 'model'", "removed the prefix
  /// 'module.'".
  const std::vector<std::string>& notes() const { return parts_.notes; }
  /// In the file's order.
  const std::vector<WeightsEntry>& tensors() const { return parts_.tensors; }
  /// nullptr where the file holds no tensor of this name.
  const WeightsEntry* find(std::string_view name) const;
  /// Throws Error where the file holds no tensor of this name.
  const WeightsEntry& at(std::string_view name) const;

  /// The numbers in row-major order as float32 (see to_f32). Throws Error for types that weft does not read, and for
  /// a damaged archive.
  std::vector<float> read_f32(const WeightsEntry& entry) const;
  std::vector<float> read_f32(std::string_view name) const { return read_f32(at(name)); }
  /// The numbers of an integer tensor. Throws Error for other types.
  std::vector<std::int64_t> read_i64(const WeightsEntry& entry) const;
  std::vector<std::int64_t> read_i64(std::string_view name) const { return read_i64(at(name)); }
  /// The numbers in row-major order as they are stored.
  std::vector<std::byte> read_bytes(const WeightsEntry& entry) const;

 private:
  std::span<const std::byte> storage_bytes(const WeightsEntry& entry) const;
  /// The entry's numbers as contiguous bytes: a view of the storage where that will do, otherwise gathered in `buffer`.
  std::span<const std::byte> contiguous(const WeightsEntry& entry, std::vector<std::byte>& buffer) const;
  template <class Number>
  std::vector<Number> read(const WeightsEntry& entry,
                           void (*convert)(ElementType, std::span<const std::byte>, Number*)) const;

  mutable WeightsParts parts_;  // storages are read at first use
  std::unordered_map<std::string, std::size_t> index_;
};

/// Opens a file of any of the formats. Throws Error where it is none of them, or is damaged or hostile.
WeightsFile open_weights(const std::filesystem::path& path);
/// The same for bytes that are held already; a sharded file looks for its shards beside file.name().
WeightsFile open_weights(FileBytes file);

}  // namespace weft
