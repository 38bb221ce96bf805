#include "core/formats/safetensors.h"

#include <algorithm>
#include <cstring>
#include <nlohmann/json.hpp>

#include "core/check.h"
#include "core/formats/checksum.h"
#include "core/formats/input_file.h"
#include "core/formats/json.h"
#include "core/formats/printable.h"
#include "core/formats/safetensors_checksum.h"

namespace weft {

namespace {

using nlohmann::json;

constexpr std::uint64_t length_bytes = 8, max_header_bytes = 100'000'000;
// A network has hundreds of tensors. In memory a description takes ten times its bytes in the file.
constexpr std::ptrdiff_t max_tensors = 100'000, max_commas = 2'000'000;

/// Counted before the header is parsed, which would take memory that the file never paid for.
void check_counts(std::string_view header, const std::string& file) {
  const auto braces = std::count(header.begin(), header.end(), '{');
  WEFT_CHECK(braces <= max_tensors, "{}: refused: its header describes {} tensors, the limit is {}", file, braces - 1,
             max_tensors);
  const auto commas = std::count(header.begin(), header.end(), ',');
  WEFT_CHECK(commas <= max_commas, "{}: refused: its header holds {} values, the limit is {}", file, commas,
             max_commas);
}

void check_rest(std::int64_t rest, const std::string& file) {
  WEFT_CHECK(rest == 0, "{}: the last {} bytes belong to no tensor", file, rest);
}

/// The header's text, after the checks that need no JSON.
std::string_view header_text(const FileBytes& file) {
  WEFT_CHECK(file.size() >= length_bytes,
             "{}: not a safetensors file: it has {} bytes, the length of the header alone takes {}", file.name(),
             file.size(), length_bytes);
  std::uint64_t length = 0;
  std::memcpy(&length, file.bytes().data(), sizeof(length));
  WEFT_CHECK(length <= max_header_bytes,
             "{}: not a safetensors file: it says that its header has {} bytes, the limit is {}", file.name(), length,
             max_header_bytes);
  WEFT_CHECK(length <= file.size() - length_bytes,
             "{}: the header says it has {} bytes, but only {} follow; is the file truncated?", file.name(), length,
             file.size() - length_bytes);
  const std::string_view text = file.text().substr(length_bytes, length);
  WEFT_CHECK(text.starts_with('{'), "{}: not a safetensors file: the header does not begin with '{{'", file.name());
  check_counts(text, file.name());
  WEFT_CHECK(is_utf8(text), "{}: the header is not UTF-8", file.name());
  return text;
}

/// A non-negative integer below 2^63, which is what sizes and offsets must be.
std::int64_t natural(const json& value, const std::string& where) {
  WEFT_CHECK(value.is_number_unsigned(), "{}: expected a natural number, got {}", where, printable(value.dump(), 40));
  const auto number = value.get<std::uint64_t>();
  WEFT_CHECK(number <= INT64_MAX, "{}: {} is too large", where, number);
  return static_cast<std::int64_t>(number);
}

/// The member of a tensor's description, which must exist.
const json& member(const json& description, const char* key, const std::string& where) {
  const auto found = description.find(key);
  WEFT_CHECK(found != description.end(), "{}: the header gives no {}", where, key);
  return *found;
}

/// Reads {"dtype", "shape", "data_offsets"}. Other members are passed over, as the format's own library does.
SafetensorsEntry parse_entry(const std::string& name, const json& description, std::span<const std::byte> data,
                             const std::string& file) {
  const std::string where = fmt::format("{}: tensor '{}'", file, printable(name));
  WEFT_CHECK(description.is_object(), "{}: the header describes it by something else than an object", where);
  SafetensorsEntry entry{name, ElementType::F32, {}, {}};

  const json& type = member(description, "dtype", where);
  WEFT_CHECK(type.is_string(), "{}: dtype is not a string", where);
  const auto known = element_type(type.get_ref<const std::string&>());
  WEFT_CHECK(known, "{}: unknown dtype '{}'", where, printable(type.get_ref<const std::string&>(), 40));
  entry.type = *known;

  const json& shape = member(description, "shape", where);
  WEFT_CHECK(shape.is_array(), "{}: shape is not a list", where);
  for (const json& size : shape) entry.shape.push_back(natural(size, where + ": shape"));

  const json& offsets = member(description, "data_offsets", where);
  WEFT_CHECK(offsets.is_array() && offsets.size() == 2, "{}: data_offsets is not a list of two numbers", where);
  const auto begin = static_cast<std::uint64_t>(natural(offsets[0], where + ": data_offsets"));
  const auto end = static_cast<std::uint64_t>(natural(offsets[1], where + ": data_offsets"));
  WEFT_CHECK(begin <= end && end <= data.size(), "{}: data_offsets [{}, {}] leave the {} bytes of data", where, begin,
             end, data.size());

  const auto bytes = byte_count(entry.type, entry.shape);
  WEFT_CHECK(bytes, "{}: its shape {} of {} has no valid size in bytes", where, printable(shape_text(entry.shape)),
             name_of(entry.type));
  WEFT_CHECK(*bytes == end - begin, "{}: {} of shape {} takes {} bytes, data_offsets [{}, {}] give it {}", where,
             name_of(entry.type), printable(shape_text(entry.shape)), *bytes, begin, end, end - begin);
  entry.bytes = data.subspan(begin, end - begin);
  return entry;
}

std::map<std::string, std::string> parse_metadata(const json& object, const std::string& file) {
  WEFT_CHECK(object.is_object(), "{}: __metadata__ is not an object", file);
  std::map<std::string, std::string> metadata;
  for (const auto& [key, value] : object.items()) {
    WEFT_CHECK(value.is_string(), "{}: __metadata__ '{}' is not a string", file, printable(key));
    metadata.emplace(key, value.get_ref<const std::string&>());
  }
  return metadata;
}

/// Sorts by position and requires that the tensors fill the data without an overlap, a hole or a rest.
void sort_and_check_tiling(std::vector<SafetensorsEntry>& tensors, std::span<const std::byte> data,
                           const std::string& file) {
  std::sort(tensors.begin(), tensors.end(), [](const SafetensorsEntry& a, const SafetensorsEntry& b) {
    return std::pair(a.bytes.data(), a.bytes.size()) < std::pair(b.bytes.data(), b.bytes.size());
  });
  std::int64_t expected = 0;
  for (const SafetensorsEntry& entry : tensors) {
    const std::int64_t begin = entry.bytes.data() - data.data();
    WEFT_CHECK(begin >= expected, "{}: tensor '{}' begins at offset {}, inside the one before it, which ends at {}",
               file, printable(entry.name), begin, expected);
    WEFT_CHECK(begin <= expected, "{}: {} bytes before tensor '{}' belong to no tensor", file, begin - expected,
               printable(entry.name));
    expected = begin + static_cast<std::int64_t>(entry.bytes.size());
  }
  check_rest(static_cast<std::int64_t>(data.size()) - expected, file);
}

}  // namespace

void look_at_safetensors(const InputFile& file) {
  constexpr std::size_t worth_a_look = 32 << 20;  // less is read as fast as it is looked at
  const std::string start = file.head(length_bytes + 1);
  if (file.size() < worth_a_look || start.size() <= length_bytes || start.back() != '{') return;
  std::uint64_t length = 0;
  std::memcpy(&length, start.data(), sizeof(length));
  if (length > max_header_bytes || length > file.size() - length_bytes) return;
  const std::string text = file.head(length_bytes + length).substr(length_bytes);
  check_counts(text, file.name());
  std::uint64_t end = 0;
  const json header = parse_json(text, file.name() + ": header", 4);
  for (const auto& [name, value] : header.items()) {
    if (name == "__metadata__" || !value.is_object()) continue;
    const auto offsets = value.find("data_offsets");
    if (offsets == value.end() || !offsets->is_array() || offsets->size() != 2 || !(*offsets)[1].is_number_unsigned())
      return;
    end = std::max(end, (*offsets)[1].get<std::uint64_t>());
  }
  const std::uint64_t data = file.size() - length_bytes - length;
  if (end < data) check_rest(static_cast<std::int64_t>(data - end), file.name());
}

std::int64_t SafetensorsEntry::count() const { return element_count(shape).value(); }

SafetensorsFile::SafetensorsFile(const std::filesystem::path& path)
    : SafetensorsFile(FileBytes::read(path, look_at_safetensors)) {}

SafetensorsFile::SafetensorsFile(FileBytes file) : file_(std::move(file)) {
  const std::string_view text = header_text(file_);
  const std::span<const std::byte> data = file_.bytes().subspan(length_bytes + text.size());

  const json header = parse_json(text, path() + ": header", 4);
  for (const auto& [name, value] : header.items()) {
    if (name == "__metadata__") {
      metadata_ = parse_metadata(value, path());
    } else {
      tensors_.push_back(parse_entry(name, value, data, path()));
    }
  }
  sort_and_check_tiling(tensors_, data, path());
  for (std::size_t i = 0; i < tensors_.size(); ++i) index_.emplace(tensors_[i].name, i);
}

const SafetensorsEntry* SafetensorsFile::find(std::string_view name) const {
  const auto found = index_.find(name);
  return found == index_.end() ? nullptr : &tensors_[found->second];
}

const SafetensorsEntry& SafetensorsFile::at(std::string_view name) const {
  const SafetensorsEntry* entry = find(name);
  WEFT_CHECK(entry, "{}: holds no tensor '{}'", path(), printable(name));
  return *entry;
}

void SafetensorsFile::read_f32(const SafetensorsEntry& entry, float* out) const {
  try {
    to_f32(entry.type, entry.bytes, out);
  } catch (const Error& error) {
    fail("{}: tensor '{}': {}", path(), printable(entry.name), error.what());
  }
}

std::vector<float> SafetensorsFile::read_f32(const SafetensorsEntry& entry) const {
  std::vector<float> numbers(static_cast<std::size_t>(entry.count()));
  read_f32(entry, numbers.data());
  return numbers;
}

std::vector<std::int64_t> SafetensorsFile::read_i64(const SafetensorsEntry& entry) const {
  std::vector<std::int64_t> numbers(static_cast<std::size_t>(entry.count()));
  try {
    to_i64(entry.type, entry.bytes, numbers.data());
  } catch (const Error& error) {
    fail("{}: tensor '{}': {}", path(), printable(entry.name), error.what());
  }
  return numbers;
}

void SafetensorsFile::verify_checksum() const {
  WEFT_CHECK(has_checksum(), "{}: holds no checksum ({}); it was not written by weft, or it is damaged", path(),
             checksum_key);
  const std::size_t digits = checksum_position(file_.text());
  const std::string& stored = metadata_.at(checksum_key);
  WEFT_CHECK(digits != std::string_view::npos && stored.size() == checksum_digits,
             "{}: its checksum is not in the form that weft writes; the file is damaged", path());

  std::uint32_t sum = crc32(file_.bytes().first(digits));
  sum = crc32(std::string(checksum_digits, '0'), sum);
  sum = crc32(file_.bytes().subspan(digits + checksum_digits), sum);
  const std::string computed = checksum_text(sum);
  WEFT_CHECK(computed == stored, "{}: the file is damaged: its checksum is {}, its bytes give {}", path(),
             printable(stored), computed);
}

}  // namespace weft
