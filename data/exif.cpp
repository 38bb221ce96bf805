#include "data/exif.h"

#include <cstring>

#include "core/check.h"

namespace weft {

namespace {
constexpr std::uint32_t orientation_tag = 0x0112;
constexpr std::uint32_t type_short = 3;
constexpr std::size_t entry_bytes = 12;  // tag 2, type 2, count 4, value 4
}  // namespace

// Only the first directory is read and its links are not followed, so a block whose directories form a
// circle costs nothing.
int exif_orientation(Bytes tiff) {
  if (tiff.size() < 8) return 1;
  const bool little = tiff[0] == 'I' && tiff[1] == 'I', big = tiff[0] == 'M' && tiff[1] == 'M';
  if (!little && !big) return 1;
  const ByteOrder order = little ? ByteOrder::little : ByteOrder::big;
  if (read_uint(tiff, 2, 2, order) != 42u) return 1;

  const std::size_t directory = *read_uint(tiff, 4, 4, order);
  const auto entries = read_uint(tiff, directory, 2, order);
  if (!entries) return 1;
  for (std::size_t i = 0; i < *entries; ++i) {
    const std::size_t entry = directory + 2 + i * entry_bytes;
    const auto tag = read_uint(tiff, entry, 2, order);
    if (!tag) return 1;
    if (*tag != orientation_tag) continue;
    const auto value = read_uint(tiff, entry + 8, 2, order);
    const bool is_legal =
        read_uint(tiff, entry + 2, 2, order) == type_short && read_uint(tiff, entry + 4, 4, order) == 1u;
    return is_legal && value && *value >= 1 && *value <= 8 ? static_cast<int>(*value) : 1;
  }
  return 1;
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
