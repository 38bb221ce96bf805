#include "core/formats/npy.h"

#include <fmt/ranges.h>

#include <charconv>
#include <cstring>
#include <set>

#include "core/atomic_file.h"
#include "core/check.h"
#include "core/formats/printable.h"

namespace weft {

namespace {

constexpr std::string_view magic = "\x93NUMPY";
constexpr std::size_t max_header_bytes = 10'000;  // numpy's own limit

/// Reads the header, a Python dictionary: {'descr': '<f4', 'fortran_order': False, 'shape': (2, 3), }
class HeaderParser {
 public:
  HeaderParser(std::string_view text, const std::string& file) : text_(text), file_(file) {}

  std::string_view descr;
  bool fortran_order = false;
  std::vector<std::int64_t> shape;

  void parse() {
    std::set<std::string_view> seen;
    expect('{');
    while (!accept('}')) {
      const std::string_view key = string();
      check(seen.insert(key).second, "a key appears twice");
      expect(':');
      if (key == "descr") {
        check(!peek('['), "it holds records, weft reads arrays of numbers");
        descr = string();
      } else if (key == "fortran_order") {
        fortran_order = boolean();
      } else if (key == "shape") {
        tuple();
      } else {
        check(false, "it has an unknown key");
      }
      if (!accept(',')) check(peek('}'), "expected ',' or '}'");
    }
    skip_blanks();
    check(text_.empty(), "something follows the dictionary");
    check(seen.size() == 3, "it does not give descr, fortran_order and shape");
  }

 private:
  void check(bool condition, const char* what) const { WEFT_CHECK(condition, "{}: npy header: {}", file_, what); }

  void skip_blanks() {
    while (text_.starts_with(' ') || text_.starts_with('\n')) text_.remove_prefix(1);
  }
  bool peek(char c) {
    skip_blanks();
    return text_.starts_with(c);
  }
  bool accept(char c) {
    if (!peek(c)) return false;
    text_.remove_prefix(1);
    return true;
  }
  void expect(char c) {
    WEFT_CHECK(accept(c), "{}: npy header: expected '{}' before '{}'", file_, c, printable(text_, 20));
  }

  std::string_view string() {
    const char quote = peek('"') ? '"' : '\'';
    expect(quote);
    const std::size_t end = text_.find(quote);
    check(end != std::string_view::npos, "a string does not end");
    const std::string_view content = text_.substr(0, end);
    text_.remove_prefix(end + 1);
    return content;
  }

  bool boolean() {
    skip_blanks();
    const bool value = text_.starts_with("True");
    check(value || text_.starts_with("False"), "fortran_order is neither True nor False");
    text_.remove_prefix(value ? 4 : 5);
    return value;
  }

  void tuple() {
    expect('(');
    while (!accept(')')) {
      skip_blanks();
      std::int64_t size = 0;
      const auto [end, error] = std::from_chars(text_.data(), text_.data() + text_.size(), size);
      check(error == std::errc() && size >= 0, "shape is not a tuple of natural numbers");
      text_.remove_prefix(static_cast<std::size_t>(end - text_.data()));
      shape.push_back(size);
      if (!accept(',')) check(peek(')'), "expected ',' or ')' in shape");
    }
  }

  std::string_view text_;
  const std::string& file_;
};

ElementType type_of(std::string_view descr, const std::string& file) {
  if (descr == "<f4") return ElementType::F32;
  if (descr == "<f8") return ElementType::F64;
  if (descr == "<i4") return ElementType::I32;
  if (descr == "<i8") return ElementType::I64;
  if (descr == "|u1") return ElementType::U8;
  if (descr == "|b1") return ElementType::BOOL;
  WEFT_CHECK(!descr.starts_with("|O"), "{}: refused: an array of Python objects, which only running code could read",
             file);
  fail("{}: cannot read numbers of type '{}'; weft reads <f4 <f8 <i4 <i8 |u1 |b1", file, printable(descr, 40));
}

struct HeaderPosition {
  std::size_t begin, length;
};

/// Where the dictionary stands: after a length of 2 bytes in version 1.0, of 4 in 2.0.
HeaderPosition header_position(const FileBytes& file) {
  const std::string_view text = file.text();
  WEFT_CHECK(text.starts_with(magic) && text.size() >= 10, "{}: not an npy file", file.name());
  const int major = text[6], minor = text[7];
  WEFT_CHECK((major == 1 || major == 2) && minor == 0, "{}: npy version {}.{}; weft reads 1.0 and 2.0", file.name(),
             major, minor);
  const std::size_t width = major == 1 ? 2 : 4, begin = 8 + width;
  std::uint32_t length = 0;
  WEFT_CHECK(text.size() >= begin, "{}: truncated npy file", file.name());
  std::memcpy(&length, text.data() + 8, width);
  WEFT_CHECK(length <= max_header_bytes, "{}: npy header of {} bytes; the limit is {}", file.name(), length,
             max_header_bytes);
  WEFT_CHECK(length <= text.size() - begin, "{}: truncated npy file: its header has {} bytes, {} follow", file.name(),
             length, text.size() - begin);
  return {begin, length};
}

}  // namespace

NpyFile::NpyFile(const std::filesystem::path& path) : NpyFile(FileBytes::read(path)) {}

NpyFile::NpyFile(FileBytes file) : file_(std::move(file)) {
  const auto [begin, length] = header_position(file_);
  HeaderParser header(file_.text().substr(begin, length), file_.name());
  header.parse();
  type_ = type_of(header.descr, file_.name());
  shape_ = std::move(header.shape);
  WEFT_CHECK(!header.fortran_order || shape_.size() < 2,
             "{}: the array is in Fortran order; save numpy.ascontiguousarray(a)", file_.name());

  data_ = file_.bytes().subspan(begin + length);
  const auto expected = byte_count(type_, shape_);
  WEFT_CHECK(expected, "{}: its shape {} has no valid size", file_.name(), printable(shape_text(shape_)));
  WEFT_CHECK(*expected == data_.size(), "{}: shape {} takes {} bytes, the file holds {}", file_.name(),
             printable(shape_text(shape_)), *expected, data_.size());
}

std::vector<float> NpyFile::read_f32() const {
  std::vector<float> values(data_.size() * 8 / bits_of(type_));
  to_f32(type_, data_, values.data());
  return values;
}

std::vector<double> NpyFile::read_f64() const {
  std::vector<double> values(data_.size() * 8 / bits_of(type_));
  to_f64(type_, data_, values.data());
  return values;
}

void save_npy(const std::filesystem::path& path, std::span<const std::int64_t> shape, std::span<const float> values) {
  const auto count = element_count(shape);
  WEFT_CHECK(count && static_cast<std::size_t>(*count) == values.size(), "{}: cannot save {} numbers in shape {}",
             path.string(), values.size(), shape_text(shape));
  std::string header = fmt::format("{{'descr': '<f4', 'fortran_order': False, 'shape': ({}{}), }}",
                                   fmt::join(shape, ", "), shape.size() == 1 ? "," : "");
  const std::size_t before = magic.size() + 4;  // magic, version, length
  header.resize((before + header.size() + 1 + 63) / 64 * 64 - before - 1, ' ');
  header += '\n';
  WEFT_CHECK(header.size() <= UINT16_MAX, "{}: cannot save an array of rank {}", path.string(), shape.size());
  const auto length = static_cast<std::uint16_t>(header.size());

  AtomicFile out(path);
  out.write(magic.data(), magic.size());
  out.write("\x01\x00", 2);
  out.write(&length, sizeof(length));
  out.write(header.data(), header.size());
  out.write(values.data(), values.size_bytes());
  out.commit();
}

}  // namespace weft
