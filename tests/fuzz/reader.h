#pragma once
// What every reader promises for any bytes: a result, or an Error of one line that starts with the file's name.

#include <algorithm>
#include <cstdint>
#include <cstdlib>
#include <string>
#include <string_view>
#include <utility>

#include "core/check.h"
#include "core/formats/file_bytes.h"

namespace weft::fuzz {

/// True for a message that starts with the file's name and holds no control character: one line, and nothing that a
/// terminal would obey.
inline bool is_clear(std::string_view message, std::string_view file) {
  return message.starts_with(file) && message.substr(file.size()).starts_with(": ") &&
         std::none_of(message.begin(), message.end(), [](char c) { return (c >= 0 && c < ' ') || c == 0x7F; });
}

/// Calls `read` with the bytes as a file called "f"; a broken promise ends the process, which is what libFuzzer looks
/// for.
template <class Read>
void read_any(std::string bytes, Read&& read) {
  try {
    read(FileBytes::hold("f", std::move(bytes)));
  } catch (const Error& error) {
    if (!is_clear(error.what(), "f")) std::abort();
  }
}

inline std::string as_string(const std::uint8_t* data, std::size_t size) {
  return {reinterpret_cast<const char*>(data), size};
}

}  // namespace weft::fuzz
