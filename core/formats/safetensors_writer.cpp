#include <fmt/ranges.h>

#include <algorithm>
#include <cmath>
#include <cstring>
#include <nlohmann/json.hpp>

#include "core/atomic_file.h"
#include "core/check.h"
#include "core/formats/checksum.h"
#include "core/formats/half.h"
#include "core/formats/printable.h"
#include "core/formats/safetensors.h"
#include "core/formats/safetensors_checksum.h"

namespace weft {

namespace {

/// A tensor with the type it gets in the file.
struct Placed {
  const TensorToSave* tensor;
  ElementType type;
  std::uint64_t bytes;
};

std::vector<Placed> place(const std::vector<TensorToSave>& tensors, FloatStorage storage, const std::string& file) {
  std::vector<Placed> placed;
  for (const TensorToSave& tensor : tensors) {
    const bool halve = storage == FloatStorage::f16 && tensor.type == ElementType::F32 && tensor.shape.size() >= 2;
    const ElementType type = halve ? ElementType::F16 : tensor.type;
    const auto bytes = byte_count(type, tensor.shape);
    WEFT_CHECK(bytes, "{}: cannot save tensor '{}': its shape {} has no valid size", file, printable(tensor.name),
               shape_text(tensor.shape));
    WEFT_CHECK(tensor.name != "__metadata__", "{}: cannot save a tensor called __metadata__", file);
    placed.push_back({&tensor, type, *bytes});
  }
  std::sort(placed.begin(), placed.end(), [](const Placed& a, const Placed& b) {
    if (bits_of(a.type) != bits_of(b.type)) return bits_of(a.type) > bits_of(b.type);
    return a.tensor->name < b.tensor->name;
  });
  return placed;
}

/// `text` as a JSON string, with its quotes.
std::string quoted(const std::string& text, const std::string& file) {
  WEFT_CHECK(is_utf8(text), "{}: cannot save '{}': it is not UTF-8", file, printable(text));
  return nlohmann::json(text).dump();
}

/// The header, written by hand: a JSON library would choose the order of the keys.
std::string header_text(const std::map<std::string, std::string>& metadata, const std::vector<Placed>& placed,
                        const std::string& file) {
  std::string header = "{\"__metadata__\":{";
  for (const auto& [key, value] : metadata) {
    if (header.back() != '{') header += ',';
    header += quoted(key, file) + ':' + quoted(value, file);
  }
  header += '}';
  std::uint64_t offset = 0;
  for (const Placed& one : placed) {
    header +=
        fmt::format(",{}:{{\"dtype\":\"{}\",\"shape\":[{}],\"data_offsets\":[{},{}]}}", quoted(one.tensor->name, file),
                    name_of(one.type), fmt::join(one.tensor->shape, ","), offset, offset + one.bytes);
    offset += one.bytes;
  }
  header += '}';
  header.resize((header.size() + 7) / 8 * 8, ' ');
  return header;
}

void check_fits_f16(const TensorToSave& tensor, std::span<const float> numbers, const std::string& file) {
  for (const float value : numbers) {
    WEFT_CHECK(std::abs(value) < 65520.0f || !std::isfinite(value),
               "{}: cannot save tensor '{}' as float16: it holds {}, the largest is 65504", file,
               printable(tensor.name), value);
  }
}

/// Calls `consume` with the bytes of all tensors as they stand in the file, one tensor at a time.
template <class Consume>
void for_each_tensor(const std::vector<Placed>& placed, const std::string& file, Consume consume) {
  std::vector<std::byte> halves;
  for (const Placed& one : placed) {
    const auto* data = static_cast<const std::byte*>(one.tensor->data);
    if (one.type != one.tensor->type) {
      const std::span numbers(static_cast<const float*>(one.tensor->data), one.bytes / 2);
      check_fits_f16(*one.tensor, numbers, file);
      halves.resize(one.bytes);
      f32_to_f16(numbers.data(), numbers.size(), halves.data());
      data = halves.data();
    }
    consume(std::span(data, one.bytes));
  }
}

}  // namespace

void save_safetensors(const std::filesystem::path& path, std::map<std::string, std::string> metadata,
                      std::vector<TensorToSave> tensors, FloatStorage storage) {
  const std::string file = path.string();
  const std::vector<Placed> placed = place(tensors, storage, file);
  std::vector<std::string_view> names;
  for (const TensorToSave& tensor : tensors) names.push_back(tensor.name);
  std::sort(names.begin(), names.end());
  const auto twice = std::adjacent_find(names.begin(), names.end());
  WEFT_CHECK(twice == names.end(), "{}: cannot save two tensors called '{}'", file, printable(*twice));

  metadata[SafetensorsFile::checksum_key] = std::string(checksum_digits, '0');
  std::string header = header_text(metadata, placed, file);
  const std::uint64_t length = header.size();
  std::uint32_t sum = crc32(std::as_bytes(std::span(&length, 1)));
  sum = crc32(header, sum);
  for_each_tensor(placed, file, [&](std::span<const std::byte> bytes) { sum = crc32(bytes, sum); });
  header.replace(checksum_position(header), checksum_digits, checksum_text(sum));

  AtomicFile out(path);
  out.write(&length, sizeof(length));
  out.write(header.data(), header.size());
  for_each_tensor(placed, file, [&](std::span<const std::byte> bytes) { out.write(bytes.data(), bytes.size()); });
  out.commit();
}

}  // namespace weft
