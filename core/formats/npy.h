#pragma once
// NumPy's .npy, for the logits that infer_unet writes and for exchanging arrays with Python
// (numpy.lib.format; docs/formats.md has it to the byte).

#include <cstdint>
#include <filesystem>
#include <span>
#include <string>
#include <vector>

#include "core/formats/element_type.h"
#include "core/formats/file_bytes.h"

namespace weft {

/// An array in a file: row-major, little-endian.
class NpyFile {
 public:
  /// Reads the file and validates its header. Reads versions 1.0 and 2.0 with <f4 <f8 <i4 <i8 |u1 |b1 in C order;
  /// throws Error for anything else (object arrays by name), and where the data's length is not the shape's.
  explicit NpyFile(const std::filesystem::path& path);
  explicit NpyFile(FileBytes file);

  ElementType type() const { return type_; }
  const std::vector<std::int64_t>& shape() const { return shape_; }
  std::vector<float> read_f32() const;
  std::vector<double> read_f64() const;

 private:
  FileBytes file_;
  ElementType type_ = ElementType::F32;
  std::vector<std::int64_t> shape_;
  std::span<const std::byte> data_;
};

/// Writes a float32 array as .npy version 1.0, whole or not at all; the data begin at a multiple of 64 bytes.
/// `values` holds the product of `shape` numbers. Throws Error where it does not, or the file can't be written.
void save_npy(const std::filesystem::path& path, std::span<const std::int64_t> shape, std::span<const float> values);

}  // namespace weft
