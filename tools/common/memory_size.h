#pragma once

#include <cstdint>
#include <string>

namespace weft::tools {

/// Bytes of "800MB", "1.5GB", "4096KB" or a plain number of bytes; 0 for an empty text. KB, MB and GB are powers of
/// 1024. Throws UsageError for anything else, and for less than a byte.
std::int64_t memory_bytes_from(const std::string& text);

}  // namespace weft::tools
