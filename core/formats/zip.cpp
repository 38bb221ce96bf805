#include "core/formats/zip.h"

#include <zlib.h>

#include <algorithm>
#include <cstring>
#include <limits>

#include "core/check.h"
#include "core/formats/checksum.h"
#include "core/formats/printable.h"

namespace weft {

namespace {

constexpr std::uint32_t local_signature = 0x04034B50, directory_signature = 0x02014B50, end_signature = 0x06054B50,
                        end64_signature = 0x06064B50, locator64_signature = 0x07064B50;
constexpr std::size_t local_bytes = 30, directory_bytes = 46, end_bytes = 22, end64_bytes = 56, locator64_bytes = 20;
constexpr std::uint16_t flag_encrypted = 1 << 0, flag_sizes_follow = 1 << 3, flag_strong_encryption = 1 << 6;
constexpr std::uint32_t saturated = 0xFFFF'FFFF;   // "see the ZIP64 field"
constexpr std::uint64_t max_deflate_ratio = 1032;  // zlib.net/zlib_tech.html

/// A run of bytes with bounds-checked little-endian fields.
class Fields {
 public:
  Fields(std::span<const std::byte> bytes, const std::string& file) : bytes_(bytes), file_(file) {}

  Fields part(std::uint64_t begin, std::uint64_t length, const char* what) const {
    WEFT_CHECK(begin <= bytes_.size() && length <= bytes_.size() - begin, "{}: damaged zip: {} lies outside the file",
               file_, what);
    return {bytes_.subspan(begin, length), file_};
  }
  std::uint16_t u16(std::size_t position) const { return load<std::uint16_t>(position); }
  std::uint32_t u32(std::size_t position) const { return load<std::uint32_t>(position); }
  std::uint64_t u64(std::size_t position) const { return load<std::uint64_t>(position); }
  std::size_t size() const { return bytes_.size(); }
  std::string_view text() const { return {reinterpret_cast<const char*>(bytes_.data()), bytes_.size()}; }
  const std::string& file() const { return file_; }

 private:
  template <class Number>
  Number load(std::size_t position) const {
    WEFT_CHECK(position + sizeof(Number) <= bytes_.size(), "{}: damaged zip: a field is cut short", file_);
    Number value;
    std::memcpy(&value, bytes_.data() + position, sizeof(value));
    return value;
  }
  std::span<const std::byte> bytes_;
  const std::string& file_;
};

struct Directory {
  std::uint64_t offset, size, count;
};

/// Replaces the 16- and 32-bit fields of the end record by those of the ZIP64 one, which must end at its locator.
Directory find_directory64(const Fields& file, std::uint64_t locator_offset, const Directory& directory) {
  const Fields locator = file.part(locator_offset, locator64_bytes, "the ZIP64 locator");
  const std::uint64_t end64_offset = locator.u64(8);
  const Fields end64 = file.part(end64_offset, end64_bytes, "the ZIP64 end record");
  WEFT_CHECK(end64.u32(0) == end64_signature && end64_offset + end64_bytes == locator_offset,
             "{}: damaged zip: its ZIP64 end record is not where it should be", file.file());
  WEFT_CHECK(end64.u32(16) == 0 && end64.u32(20) == 0 && locator.u32(4) == 0 && locator.u32(16) <= 1,
             "{}: a zip in several parts, which weft does not read", file.file());

  const Directory directory64{end64.u64(48), end64.u64(40), end64.u64(32)};
  WEFT_CHECK((directory.offset == saturated || directory.offset == directory64.offset) &&
                 (directory.size == saturated || directory.size == directory64.size) &&
                 (directory.count == 0xFFFF || directory.count == directory64.count),
             "{}: damaged zip: its two end records disagree", file.file());
  WEFT_CHECK(directory64.offset <= end64_offset && directory64.size == end64_offset - directory64.offset,
             "{}: damaged zip: its directory does not end at its end record", file.file());
  return directory64;
}

Directory find_directory(const Fields& file) {
  WEFT_CHECK(file.size() >= end_bytes, "{}: not a zip file: it has {} bytes", file.file(), file.size());
  const std::uint64_t end_offset = file.size() - end_bytes;
  const Fields end = file.part(end_offset, end_bytes, "the end record");
  WEFT_CHECK(end.u32(0) == end_signature && end.u16(20) == 0,
             "{}: damaged zip: no end record at its end; is the file truncated? (zips with a comment are not read)",
             file.file());
  WEFT_CHECK(end.u16(4) == 0 && end.u16(6) == 0 && end.u16(8) == end.u16(10),
             "{}: a zip in several parts, which weft does not read", file.file());
  const Directory directory{end.u32(16), end.u32(12), end.u16(10)};

  if (end_offset >= locator64_bytes) {
    const std::uint64_t locator_offset = end_offset - locator64_bytes;
    if (file.part(locator_offset, 4, "the ZIP64 locator").u32(0) == locator64_signature) {
      return find_directory64(file, locator_offset, directory);
    }
  }
  WEFT_CHECK(directory.offset <= end_offset && directory.size == end_offset - directory.offset,
             "{}: damaged zip: its directory does not end at its end record", file.file());
  return directory;
}

/// Fills the sizes and the offset that a directory entry leaves to its ZIP64 extra field (id 1): those that are
/// saturated, in this order.
void read_zip64_extra(const Fields& extra, ZipEntry& entry) {
  for (std::size_t position = 0; position + 4 <= extra.size();) {
    const std::uint16_t id = extra.u16(position), length = extra.u16(position + 2);
    const Fields field = extra.part(position + 4, length, "an extra field");
    position += std::size_t{4} + length;
    if (id != 1) continue;
    std::size_t next = 0;
    for (std::uint64_t* value : {&entry.size, &entry.compressed_size, &entry.header_offset}) {
      if (*value != saturated) continue;
      *value = field.u64(next);
      next += 8;
    }
    return;
  }
}

/// Why an entry's name is refused; empty where it is not.
std::string_view fault_of_name(std::string_view name) {
  if (name.empty()) return "it has no name";
  if (!is_utf8(name)) return "its name is not UTF-8";
  for (const char c : name) {
    if (static_cast<unsigned char>(c) < 0x20 || c == '\x7f') return "its name holds control characters";
    if (c == '\\') return "its name holds a backslash";
  }
  if (name.front() == '/') return "its name is an absolute path";
  while (!name.empty()) {
    const std::size_t slash = name.find('/');
    if (name.substr(0, slash) == "..") return "its name leaves the archive's folder";
    name = slash == std::string_view::npos ? std::string_view() : name.substr(slash + 1);
  }
  return {};
}

/// Reads the directory's entry at `position` and moves on behind it.
ZipEntry parse_directory_entry(const Fields& directory, std::size_t& position) {
  const std::string& file = directory.file();
  const Fields head = directory.part(position, directory_bytes, "an entry of the directory");
  WEFT_CHECK(head.u32(0) == directory_signature, "{}: damaged zip: an entry of its directory has no signature", file);
  const std::size_t name_length = head.u16(28), extra_length = head.u16(30), comment_length = head.u16(32);
  const std::string name(directory.part(position + directory_bytes, name_length, "an entry's name").text());
  const std::size_t extra_offset = position + directory_bytes + name_length;
  const Fields extra = directory.part(extra_offset, extra_length + comment_length, "an entry's extra field");
  position = extra_offset + extra_length + comment_length;

  const std::string where = fmt::format("{}: refused: zip entry '{}'", file, printable(name));
  const std::string_view fault = fault_of_name(name);
  WEFT_CHECK(fault.empty(), "{}: {}", where, fault);
  const std::uint16_t flags = head.u16(8), method = head.u16(10);
  WEFT_CHECK((flags & (flag_encrypted | flag_strong_encryption)) == 0, "{} is encrypted", where);
  WEFT_CHECK(method == 0 || method == 8, "{} is compressed by method {}; weft reads stored and deflated ones", where,
             method);
  WEFT_CHECK((head.u32(38) >> 28) != 0xA, "{} is a symbolic link", where);  // the upper half is the Unix mode
  WEFT_CHECK(head.u16(34) == 0, "{} lies in another part of the archive", where);

  ZipEntry entry{name, head.u32(24), head.u32(20), head.u32(16), method == 8, head.u32(42), 0};
  read_zip64_extra(extra.part(0, extra_length, "an entry's extra field"), entry);
  WEFT_CHECK(entry.deflated || entry.size == entry.compressed_size, "{} is stored, but has two sizes, {} and {}", where,
             entry.size, entry.compressed_size);
  WEFT_CHECK(entry.size / max_deflate_ratio <= entry.compressed_size, "{} claims to inflate from {} to {} bytes", where,
             entry.compressed_size, entry.size);
  return entry;
}

/// Checks an entry's own header against the directory, and finds its data, which must end before the directory.
void locate_data(const Fields& file, const Directory& directory, ZipEntry& entry) {
  const std::string where = fmt::format("{}: damaged zip: entry '{}'", file.file(), printable(entry.name));
  const Fields head = file.part(entry.header_offset, local_bytes, "an entry's header");
  WEFT_CHECK(head.u32(0) == local_signature, "{} has no header where the directory says", where);
  const std::size_t name_length = head.u16(26), extra_length = head.u16(28);
  const Fields name = file.part(entry.header_offset + local_bytes, name_length, "an entry's name");
  WEFT_CHECK(name.text() == entry.name, "{} calls itself '{}'", where, printable(name.text()));
  WEFT_CHECK((head.u16(6) & flag_encrypted) == 0, "{} is encrypted", where);
  WEFT_CHECK((head.u16(8) == 8) == entry.deflated, "{} is compressed in another way than the directory says", where);
  if ((head.u16(6) & flag_sizes_follow) == 0) {
    const std::uint32_t compressed = head.u32(18), size = head.u32(22);
    WEFT_CHECK(head.u32(14) == entry.crc && (compressed == saturated || compressed == entry.compressed_size) &&
                   (size == saturated || size == entry.size),
               "{} has another size or CRC than the directory says", where);
  }
  entry.data_offset = entry.header_offset + local_bytes + name_length + extra_length;
  WEFT_CHECK(entry.data_offset <= directory.offset && entry.compressed_size <= directory.offset - entry.data_offset,
             "{} runs over the directory", where);
}

void check_overlaps(const std::vector<ZipEntry>& sorted, const std::string& file) {
  for (std::size_t i = 1; i < sorted.size(); ++i) {
    const ZipEntry &before = sorted[i - 1], &entry = sorted[i];
    WEFT_CHECK(entry.header_offset >= before.data_offset + before.compressed_size,
               "{}: refused: zip entries '{}' and '{}' overlap", file, printable(before.name), printable(entry.name));
  }
}

/// Inflates a raw deflate stream that must fill `content` exactly and end with its last byte.
bool inflate_exactly(std::span<const std::byte> compressed, std::span<std::byte> content) {
  z_stream stream = {};
  if (::inflateInit2(&stream, -MAX_WBITS) != Z_OK) return false;
  stream.next_in = reinterpret_cast<Bytef*>(const_cast<std::byte*>(compressed.data()));
  Bytef nowhere = 0;  // zlib wants an address even for no bytes
  stream.next_out = content.empty() ? &nowhere : reinterpret_cast<Bytef*>(content.data());
  // zlib counts in 32 bits, so it is fed in pieces.
  constexpr std::size_t piece = std::size_t{1} << 30;
  std::size_t in_left = compressed.size(), out_left = content.size();
  int result = Z_OK;
  while (result == Z_OK) {
    const auto in = static_cast<uInt>(std::min(in_left, piece)), out = static_cast<uInt>(std::min(out_left, piece));
    stream.avail_in = in;
    stream.avail_out = out;
    result =
        ::inflate(&stream, Z_NO_FLUSH);  // Z_BUF_ERROR where neither side can go on: the stream is too long or short
    in_left -= in - stream.avail_in;
    out_left -= out - stream.avail_out;
  }
  ::inflateEnd(&stream);
  return result == Z_STREAM_END && in_left == 0 && out_left == 0;
}

}  // namespace

ZipFile::ZipFile(FileBytes file) : file_(std::move(file)) {
  const Fields fields(file_.bytes(), file_.name());
  const Directory directory = find_directory(fields);
  const Fields directory_fields = fields.part(directory.offset, directory.size, "the directory");
  std::size_t position = 0;
  while (position < directory.size) {
    entries_.push_back(parse_directory_entry(directory_fields, position));
    locate_data(fields, directory, entries_.back());
  }
  WEFT_CHECK(entries_.size() == directory.count, "{}: damaged zip: it says it has {} entries, its directory lists {}",
             path(), directory.count, entries_.size());

  std::sort(entries_.begin(), entries_.end(),
            [](const ZipEntry& a, const ZipEntry& b) { return a.header_offset < b.header_offset; });
  check_overlaps(entries_, path());
  for (std::size_t i = 0; i < entries_.size(); ++i) {
    const bool is_new = index_.emplace(entries_[i].name, i).second;
    WEFT_CHECK(is_new, "{}: refused: zip entry '{}' appears twice", path(), printable(entries_[i].name));
  }
}

const ZipEntry* ZipFile::find(std::string_view name) const {
  const auto found = index_.find(name);
  return found == index_.end() ? nullptr : &entries_[found->second];
}

std::span<const std::byte> ZipFile::read(const ZipEntry& entry, std::vector<std::byte>& buffer) const {
  std::span<const std::byte> content = file_.bytes().subspan(entry.data_offset, entry.compressed_size);
  if (entry.deflated) {
    buffer.resize(entry.size);
    WEFT_CHECK(inflate_exactly(content, buffer), "{}: damaged zip: entry '{}' does not inflate to its {} bytes", path(),
               printable(entry.name), entry.size);
    content = buffer;
  }
  const std::uint32_t crc = crc32(content);
  WEFT_CHECK(crc == entry.crc, "{}: damaged zip: entry '{}' has CRC {:08x}, its bytes give {:08x}", path(),
             printable(entry.name), entry.crc, crc);
  return content;
}

}  // namespace weft
