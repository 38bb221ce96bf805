#pragma once
// Names that come out of a file may hold anything: line breaks, terminal escapes, half a UTF-8
// sequence, a megabyte. What goes into an error line is made printable first.

#include <cstddef>
#include <string>
#include <string_view>

namespace weft {

/// `text` with control characters and bytes that are not UTF-8 written as \xNN, cut to `max_bytes` (then "..."
/// follows).
std::string printable(std::string_view text, std::size_t max_bytes = 120);

/// A whole message: as above, but of one longer than 1,000 bytes the middle is left out, since what happened stands at
/// the end and where at the beginning.
std::string message_line(std::string_view text);

/// The length in bytes of the well-formed UTF-8 sequence at the start of `text`, 0 where there is none
/// (Unicode 15, table 3-7: no overlong forms, no surrogates, nothing above U+10FFFF).
std::size_t utf8_sequence(std::string_view text);

/// True where all of `text` is well-formed UTF-8.
bool is_utf8(std::string_view text);

}  // namespace weft
