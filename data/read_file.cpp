#include "data/read_file.h"

#include "core/check.h"
#include "core/formats/input_file.h"

namespace weft {

std::vector<std::uint8_t> read_file(const std::filesystem::path& path, std::size_t max_bytes) {
  InputFile file(path);
  WEFT_CHECK(file.size() <= max_bytes, "{}: has {} bytes, the limit is {}", file.name(), file.size(), max_bytes);
  std::vector<std::uint8_t> bytes(file.size());
  file.read_all(bytes.data());
  return bytes;
}

}  // namespace weft
