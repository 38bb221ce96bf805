#pragma once
// What every reader promises for any bytes: a result, or an Error of one line that starts with the file's name.

#include <cstdint>
#include <cstdlib>
#include <string>
#include <string_view>
#include <utility>

#include "core/check.h"
#include "core/formats/file_bytes.h"

namespace weft::fuzz {

/// Calls `read` with the bytes as a file called "f"; a broken promise ends the process, which is what libFuzzer looks
/// for.
template <class Read>
void read_any(std::string bytes, Read&& read) {
  try {
    read(FileBytes::hold("f", std::move(bytes)));
  } catch (const Error& error) {
    const std::string_view message = error.what();
    if (!message.starts_with("f: ") || message.find('\n') != std::string_view::npos) std::abort();
  }
}

inline std::string as_string(const std::uint8_t* data, std::size_t size) {
  return {reinterpret_cast<const char*>(data), size};
}

}  // namespace weft::fuzz
