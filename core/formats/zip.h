#pragma once
// Zip archives as torch.save writes them: entries stored (or, where someone zipped the file again, deflated),
// with ZIP64 fields. PKWARE's APPNOTE.TXT 6.3 gives the format; docs/formats.md has what weft uses of it.
//
// Two readers of one archive must not see two different things, so whatever is said twice must agree: the
// directory must end where the end record begins, each entry's two headers must match, entries may not overlap.

#include <cstddef>
#include <cstdint>
#include <span>
#include <string>
#include <string_view>
#include <unordered_map>
#include <vector>

#include "core/formats/file_bytes.h"

namespace weft {

struct ZipEntry {
  std::string name;
  std::uint64_t size;             // of the content
  std::uint64_t compressed_size;  // in the archive; equal to size where the entry is stored
  std::uint32_t crc;
  bool deflated;
  std::uint64_t header_offset, data_offset;  // from the beginning of the archive
};

class ZipFile {
 public:
  /// Reads the directory. Throws Error for a damaged archive, and refuses by name entries that are encrypted, are
  /// symbolic links, overlap, appear twice, leave the archive's folder ("../x", "/x") or claim an impossible size.
  explicit ZipFile(FileBytes file);
  ZipFile(ZipFile&&) = default;
  ZipFile& operator=(ZipFile&&) = default;

  const std::string& path() const { return file_.name(); }
  /// In the order of their bytes in the archive.
  const std::vector<ZipEntry>& entries() const { return entries_; }
  /// nullptr where there is no entry of this name.
  const ZipEntry* find(std::string_view name) const;

  /// The content of an entry, checked against its CRC: a view of the file where it is stored; where it is deflated,
  /// it is inflated into `buffer`. Throws Error where it is damaged.
  std::span<const std::byte> read(const ZipEntry& entry, std::vector<std::byte>& buffer) const;

 private:
  FileBytes file_;
  std::vector<ZipEntry> entries_;
  std::unordered_map<std::string_view, std::size_t> index_;  // views of the names in entries_
};

}  // namespace weft
