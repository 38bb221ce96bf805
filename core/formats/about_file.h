#pragma once
// One seam for the promise that every message about a file is one line that begins with its name.

#include <string>
#include <string_view>

#include "core/check.h"
#include "core/formats/printable.h"

namespace weft {

/// Returns read(). An Error on the way gets the file's name in front where it is missing (a function that knows nothing
/// of the file threw it), and what the file itself put into the message, such as a name with line breaks or terminal
/// escapes, is made printable.
template <class Read>
auto about_file(const std::string& file, Read&& read) {
  try {
    return read();
  } catch (const Error& error) {
    std::string_view message = error.what();
    if (message.starts_with(file + ": ")) message.remove_prefix(file.size() + 2);
    fail("{}: {}", file, printable(message, 1000));
  }
}

}  // namespace weft
