#pragma once
// Builders for the bytes of test files.

#include <bit>
#include <cstdint>
#include <cstring>
#include <filesystem>
#include <fstream>
#include <initializer_list>
#include <iterator>
#include <string>
#include <string_view>
#include <vector>

#include "tests/temporary_folder.h"

namespace weft::test {

/// A number's own bytes: little-endian, as all the formats have it.
template <class Number>
std::string raw(Number value) {
  std::string bytes(sizeof(Number), '\0');
  std::memcpy(bytes.data(), &value, sizeof(Number));
  return bytes;
}

inline std::string floats(std::initializer_list<float> values) {
  std::string bytes;
  for (const float value : values) bytes += raw(value);
  return bytes;
}

/// A safetensors file: the header's length, the header, the data.
inline std::string safetensors(std::string_view header, std::string_view data = {}) {
  return raw(static_cast<std::uint64_t>(header.size())) + std::string(header) + std::string(data);
}

inline std::string read_file(const std::filesystem::path& path) {
  std::ifstream in(path, std::ios::binary);
  return {std::istreambuf_iterator<char>(in), {}};
}

}  // namespace weft::test
