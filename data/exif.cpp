#include "data/exif.h"

#include <cmath>
#include <cstring>
#include <utility>
#include <vector>

#include "core/check.h"

namespace weft {

namespace {

enum Tag : std::uint32_t {
  orientation_tag = 0x0112,
  x_resolution = 0x011A,
  y_resolution = 0x011B,
  resolution_unit = 0x0128,
  software_tag = 0x0131
};
enum Type : std::uint32_t {
  type_byte = 1,
  type_ascii = 2,
  type_short = 3,
  type_long = 4,
  type_rational = 5,
  type_sbyte = 6,
  type_sshort = 8,
  type_slong = 9
};
constexpr std::size_t entry_bytes = 12;  // tag 2, type 2, count 4, value or its offset 4
constexpr double metres_per_inch = 0.0254;

struct Entry {
  Bytes tiff;
  ByteOrder order;
  std::uint32_t tag, type, count;
  std::size_t value;  // where the four bytes of the value lie

  /// An integer of any type, as cameras and programs differ in it; 0 where there is none.
  std::uint32_t integer() const {
    const int bytes = type == type_byte || type == type_sbyte     ? 1
                      : type == type_short || type == type_sshort ? 2
                      : (type == type_long || type == type_slong) ? 4
                                                                  : 0;
    return bytes == 0 || count == 0 ? 0 : read_uint(tiff, value, bytes, order).value_or(0);
  }

  double rational() const {
    if (type != type_rational || count == 0) return 0;
    const std::size_t at = read_uint(tiff, value, 4, order).value_or(0);
    const std::uint32_t over = read_uint(tiff, at, 4, order).value_or(0),
                        under = read_uint(tiff, at + 4, 4, order).value_or(0);
    return under == 0 ? 0 : static_cast<double>(over) / under;
  }

  std::string text() const {
    if (type != type_ascii || count == 0) return "";
    const std::size_t at = count <= 4 ? value : read_uint(tiff, value, 4, order).value_or(0);
    if (at > tiff.size() || tiff.size() - at < count) return "";
    return std::string(reinterpret_cast<const char*>(tiff.data()) + at, count - 1);
  }
};

/// Pixels per metre; 0 for what no printer does.
std::uint32_t per_metre(double per_unit, std::uint32_t unit) {
  const double value = unit == 3 ? per_unit * 100 : per_unit / metres_per_inch;  // centimetres, else inches
  return value >= 1 && value < 1e7 ? static_cast<std::uint32_t>(std::lround(value)) : 0;
}

}  // namespace

// Only the first directory is read and its links are not followed, so a block whose directories form a
// circle costs nothing.
Exif read_exif(Bytes block) {
  Exif exif;
  constexpr std::size_t prefix_bytes = 6;
  if (block.size() > prefix_bytes && std::memcmp(block.data(), "Exif\0\0", prefix_bytes) == 0)
    block = block.subspan(prefix_bytes);
  if (block.size() < 8) return exif;
  const bool little = block[0] == 'I' && block[1] == 'I', big = block[0] == 'M' && block[1] == 'M';
  const ByteOrder order = little ? ByteOrder::little : ByteOrder::big;
  if ((!little && !big) || read_uint(block, 2, 2, order) != 42u) return exif;

  const std::size_t directory = *read_uint(block, 4, 4, order);
  const std::uint32_t entries = read_uint(block, directory, 2, order).value_or(0);
  double across = 0, down = 0;
  std::uint32_t unit = 2;
  for (std::uint32_t i = 0; i < entries; ++i) {
    const std::size_t at = directory + 2 + i * entry_bytes;
    const auto tag = read_uint(block, at, 2, order), type = read_uint(block, at + 2, 2, order),
               count = read_uint(block, at + 4, 4, order);
    if (!count) break;
    const Entry entry{block, order, *tag, *type, *count, at + 8};
    switch (*tag) {
      case orientation_tag:
        if (const std::uint32_t value = entry.integer(); value >= 1 && value <= 8)
          exif.orientation = static_cast<int>(value);
        break;
      case x_resolution:
        across = entry.rational();
        break;
      case y_resolution:
        down = entry.rational();
        break;
      case resolution_unit:
        unit = entry.integer();
        break;
      case software_tag:
        exif.software = entry.text();
        break;
      default:
        break;
    }
  }
  exif.density = {per_metre(across, unit), per_metre(down, unit)};
  if (unit == 1 || exif.density.x == 0 || exif.density.y == 0)
    exif.density = {};  // 1: no unit, a shape of pixels alone
  return exif;
}

std::string write_exif(const Exif& exif) {
  std::string values;  // those that do not fit into their entries
  std::vector<std::string> entries;
  const auto number = [](std::uint32_t value, int bytes) {
    std::string text;
    for (int i = 0; i < bytes; ++i) text += static_cast<char>(value >> (8 * i));
    return text;
  };
  const bool has_density = exif.density.x > 0 && exif.density.y > 0;
  const std::size_t count = (has_density ? 3 : 0) + (exif.software.empty() ? 0 : 1);
  const std::size_t values_at = 8 + 2 + count * entry_bytes + 4;
  const auto entry = [&](Tag tag, Type type, std::size_t values_of, const std::string& inside) {
    entries.push_back(number(tag, 2) + number(type, 2) + number(static_cast<std::uint32_t>(values_of), 4) + inside);
  };
  const auto outside = [&](const std::string& value) {
    const auto offset = static_cast<std::uint32_t>(values_at + values.size());
    values += value + (value.size() % 2 == 1 ? std::string(1, '\0') : "");
    return number(offset, 4);
  };
  if (has_density) {  // pixels per metre as pixels per centimetre
    entry(x_resolution, type_rational, 1, outside(number(exif.density.x, 4) + number(100, 4)));
    entry(y_resolution, type_rational, 1, outside(number(exif.density.y, 4) + number(100, 4)));
    entry(resolution_unit, type_short, 1, number(3, 4));
  }
  if (!exif.software.empty()) {
    std::string text = exif.software + '\0';
    const std::size_t length = text.size();
    text.resize(std::max<std::size_t>(length, 4));
    entry(software_tag, type_ascii, length, length <= 4 ? text : outside(text));
  }
  std::string block = "II" + number(42, 2) + number(8, 4) + number(static_cast<std::uint32_t>(entries.size()), 2);
  for (const std::string& each : entries) block += each;
  return block + number(0, 4) + values;
}

// Each orientation is a transposition or none, then a flip of the stored rows, columns, both or none:
//
//   1 none   2 columns   3 both   4 rows       5 none   6 rows   7 both   8 columns  (5..8 transposed)
Image apply_orientation(Image stored, int orientation) {
  WEFT_CHECK(orientation >= 1 && orientation <= 8, "[apply_orientation] expected 1 to 8, got {}", orientation);
  if (orientation == 1) return stored;
  const bool transposed = orientation >= 5;
  const bool flips_rows = orientation == 3 || orientation == 4 || orientation == 6 || orientation == 7;
  const bool flips_columns = orientation == 2 || orientation == 3 || orientation == 7 || orientation == 8;

  Image upright(transposed ? stored.height : stored.width, transposed ? stored.width : stored.height, stored.channels);
  const std::size_t pixel_bytes = static_cast<std::size_t>(stored.channels);
  for (int y = 0; y < upright.height; ++y) {
    std::uint8_t* out = upright.at(y, 0);
    for (int x = 0; x < upright.width; ++x, out += pixel_bytes) {
      const int row = transposed ? x : y, column = transposed ? y : x;
      std::memcpy(
          out,
          stored.at(flips_rows ? stored.height - 1 - row : row, flips_columns ? stored.width - 1 - column : column),
          pixel_bytes);
    }
  }
  return upright;
}

}  // namespace weft
