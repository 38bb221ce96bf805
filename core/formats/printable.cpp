#include "core/formats/printable.h"

#include <fmt/format.h>

namespace weft {

namespace {

unsigned byte_at(std::string_view text, std::size_t i) { return static_cast<unsigned char>(text[i]); }

bool between(unsigned byte, unsigned low, unsigned high) { return low <= byte && byte <= high; }

}  // namespace

std::size_t utf8_sequence(std::string_view text) {
  if (text.empty()) return 0;
  const unsigned first = byte_at(text, 0);
  if (first < 0x80) return 1;
  const std::size_t length = between(first, 0xC2, 0xDF)   ? 2
                             : between(first, 0xE0, 0xEF) ? 3
                             : between(first, 0xF0, 0xF4) ? 4
                                                          : 0;
  if (length == 0 || text.size() < length) return 0;

  // The second byte's range is narrower after four of the first bytes; the others are always 80..BF.
  const unsigned low = first == 0xE0 ? 0xA0 : first == 0xF0 ? 0x90 : 0x80;
  const unsigned high = first == 0xED ? 0x9F : first == 0xF4 ? 0x8F : 0xBF;
  if (!between(byte_at(text, 1), low, high)) return 0;
  for (std::size_t i = 2; i < length; ++i) {
    if (!between(byte_at(text, i), 0x80, 0xBF)) return 0;
  }
  return length;
}

bool is_utf8(std::string_view text) {
  while (!text.empty()) {
    const std::size_t length = utf8_sequence(text);
    if (length == 0) return false;
    text.remove_prefix(length);
  }
  return true;
}

std::string printable(std::string_view text, std::size_t max_bytes) {
  std::string result;
  while (!text.empty()) {
    if (result.size() >= max_bytes) return result + "...";
    const std::size_t length = utf8_sequence(text);
    const unsigned first = byte_at(text, 0);
    // C1 control characters are C2 80 .. C2 9F.
    const bool control = first < 0x20 || first == 0x7F || (length == 2 && first == 0xC2 && byte_at(text, 1) < 0xA0);
    if (length == 0 || control) {
      result += fmt::format("\\x{:02x}", first);
      text.remove_prefix(1);
    } else {
      result += text.substr(0, length);
      text.remove_prefix(length);
    }
  }
  return result;
}

std::string message_line(std::string_view text) {
  constexpr std::size_t most = 980, half = 480;  // what stands before it, "error: ", counts as well
  std::string line = printable(text, text.size() * 4);
  if (line.size() <= most) return line;
  const auto is_inside = [&](std::size_t at) { return (byte_at(line, at) & 0xC0) == 0x80; };  // of a UTF-8 sequence
  std::size_t end = half, start = line.size() - half;
  while (is_inside(end)) --end;
  while (start < line.size() && is_inside(start)) ++start;
  return line.substr(0, end) + " ... " + line.substr(start);
}

}  // namespace weft
