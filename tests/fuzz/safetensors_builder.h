#pragma once
// A safetensors file with a right checksum, around parts that a fuzzer chose: no input that it finds has a right one.

#include <nlohmann/json.hpp>
#include <string>
#include <string_view>

#include "core/formats/checksum.h"
#include "core/formats/safetensors_checksum.h"

namespace weft::fuzz {

/// Cuts the text up to the next line break off `rest`.
inline std::string take_line(std::string_view& rest) {
  const std::string line(rest.substr(0, rest.find('\n')));
  rest.remove_prefix(std::min(rest.size(), line.size() + 1));
  return line;
}

/// `text` as a json string, with its quotes.
inline std::string quoted(const std::string& text) {
  return nlohmann::json(text).dump(-1, ' ', false, nlohmann::json::error_handler_t::replace);
}

/// `metadata` and `tensors` are members of json objects, as text, each after a comma.
inline std::string build_safetensors(const std::string& metadata, const std::string& tensors,
                                     std::string_view numbers) {
  const std::string header = R"({"__metadata__":{"weft.crc32":"00000000")" + metadata + "}" + tensors + "}";
  std::string file(8, '\0');
  for (std::size_t i = 0; i < 8; ++i) file[i] = static_cast<char>(header.size() >> (8 * i));
  file += header;
  file += numbers;
  return file.replace(checksum_position(file), checksum_digits, checksum_text(crc32(file)));
}

}  // namespace weft::fuzz
