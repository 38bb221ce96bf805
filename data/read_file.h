#pragma once
// Pictures, masks and lists. They lie in folders where other programs are at work, and a mapped file that is cut short
// kills its reader, so they are copied into memory, as models are (core/formats/file_bytes.h).

#include <cstdint>
#include <filesystem>
#include <string>
#include <vector>

namespace weft {

/// The whole file. Throws Error "path: what is wrong": missing, a folder, unreadable, more than
/// `max_bytes`, or shortened while it was read.
std::vector<std::uint8_t> read_file(const std::filesystem::path& path, std::size_t max_bytes = std::size_t{1} << 30);

/// What comes on an open descriptor, to its end; `name` begins the messages. Throws Error as above.
std::vector<std::uint8_t> read_stream(int descriptor, const std::string& name,
                                      std::size_t max_bytes = std::size_t{1} << 30);

/// Asks the system to fetch the file, as it will be read soon. Does not wait, and nothing depends on it.
void announce_read(const std::filesystem::path& path) noexcept;

}  // namespace weft
