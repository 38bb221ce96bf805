#pragma once
// safetensors, the format of weft's models and checkpoints (huggingface/safetensors; docs/formats.md has it
// to the byte):
//
//   8 bytes    N, the length of the header, little-endian
//   N bytes    JSON: {"__metadata__": {string: string}, NAME: {"dtype", "shape", "data_offsets": [begin, end]}, ...}
//   the rest   the numbers; offsets count from here
//
// The reader checks everything the specification demands before it lets anyone touch a number.

#include <cstdint>
#include <filesystem>
#include <map>
#include <span>
#include <string>
#include <string_view>
#include <unordered_map>
#include <vector>

#include "core/formats/element_type.h"
#include "core/formats/file_bytes.h"

namespace weft {

/// One tensor of a file. The bytes are the file's own: contiguous, row-major, little-endian, of any alignment.
struct SafetensorsEntry {
  std::string name;
  ElementType type;
  std::vector<std::int64_t> shape;
  std::span<const std::byte> bytes;

  /// The product of the shape: 1 for rank 0.
  std::int64_t count() const;
};

/// For FileBytes::read(): refuses a safetensors file with bytes behind its last tensor by its header and its size, so
/// that nobody waits for a gigabyte of nothing to be read. Other files, and what else is wrong, pass. Throws Error.
void look_at_safetensors(const InputFile& file);

class SafetensorsFile {
 public:
  /// Reads the file and validates its header. Throws Error: "model.safetensors: the header says ...".
  explicit SafetensorsFile(const std::filesystem::path& path);
  explicit SafetensorsFile(FileBytes file);
  SafetensorsFile(SafetensorsFile&&) = default;
  SafetensorsFile& operator=(SafetensorsFile&&) = default;

  const std::string& path() const { return file_.name(); }
  const std::map<std::string, std::string>& metadata() const { return metadata_; }
  /// In the order of their bytes in the file.
  const std::vector<SafetensorsEntry>& tensors() const { return tensors_; }
  /// nullptr where the file holds no tensor of this name.
  const SafetensorsEntry* find(std::string_view name) const;
  /// Throws Error where the file holds no tensor of this name.
  const SafetensorsEntry& at(std::string_view name) const;

  /// The numbers as float32 (see to_f32); `out` has room for entry.count() of them. Throws Error for types that weft
  /// does not read.
  void read_f32(const SafetensorsEntry& entry, float* out) const;
  std::vector<float> read_f32(const SafetensorsEntry& entry) const;
  /// The numbers of an integer tensor. Throws Error for other types.
  std::vector<std::int64_t> read_i64(const SafetensorsEntry& entry) const;

  /// Whether the metadata hold a checksum: true for files that weft wrote.
  bool has_checksum() const { return metadata_.contains(checksum_key); }
  /// Compares every byte of the file with the checksum. Throws Error where there is none or it differs.
  void verify_checksum() const;

  /// The metadata key of the checksum: eight hexadecimal digits, the CRC-32 of the whole file with these digits read as
  /// '0'.
  static constexpr const char* checksum_key = "weft.crc32";

 private:
  FileBytes file_;
  std::map<std::string, std::string> metadata_;
  std::vector<SafetensorsEntry> tensors_;
  std::unordered_map<std::string_view, std::size_t> index_;  // views of the names in tensors_
};

/// A tensor to be written: `data` points to contiguous numbers of this type and shape.
struct TensorToSave {
  std::string name;
  ElementType type;
  std::vector<std::int64_t> shape;
  const void* data;
};

/// How float32 tensors are stored. `f16` halves those of rank 2 and more; vectors (biases, batch norm) are
/// small, and their range (a running variance) may exceed float16's, so they stay float32.
enum class FloatStorage { f32, f16 };

/// Writes a safetensors file, whole or not at all. Equal input gives equal bytes: tensors are sorted by falling
/// size of their type, then by name; the header is padded with spaces to a multiple of 8 bytes; the metadata get a
/// checksum. Throws Error for a doubled name, a name that is not UTF-8, a finite number beyond float16's range.
void save_safetensors(const std::filesystem::path& path, std::map<std::string, std::string> metadata,
                      std::vector<TensorToSave> tensors, FloatStorage storage = FloatStorage::f32);

}  // namespace weft
