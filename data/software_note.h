#pragma once
// Pictures that weft writes say so, in the place that each format has for it: PNG in the text "Software", JPEG in a
// comment, WebP in EXIF's "Software". What holds the note can be made again by the same command; every other file may
// be the only one of its kind. An editor that saves a mask drops the note or writes its own, and so a retouched mask
// counts as the user's.

#include <filesystem>

namespace weft {

/// The text of the note.
inline constexpr const char* software_note = "weft";

/// True where the picture carries weft's note; false for other files. Throws Error where it can't be read.
bool has_software_note(const std::filesystem::path& file);

}  // namespace weft
