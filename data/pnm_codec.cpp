#include "data/pnm_codec.h"

#include <algorithm>

#include "core/check.h"

namespace weft {

namespace {

constexpr bool is_space(int c) { return c == ' ' || (c >= '\t' && c <= '\r'); }

class Reader {
 public:
  Reader(Bytes file, std::string_view name) : file_(file), name_(name), at_(2) {}

  /// A decimal number behind white space and comments.
  std::int64_t number() {
    skip_space();
    if (at_ >= file_.size()) truncated();
    std::int64_t value = 0;
    int digits = 0;
    for (; at_ < file_.size() && file_[at_] >= '0' && file_[at_] <= '9' && digits <= 9; ++at_, ++digits)
      value = 10 * value + (file_[at_] - '0');
    WEFT_CHECK(digits > 0 && digits <= 9, "{}: corrupt PNM: no number at byte {}", name_, at_);
    return value;
  }
  /// A single digit, as P1 has its pixels, with or without space between them.
  int digit() {
    skip_space();
    if (at_ >= file_.size()) truncated();
    WEFT_CHECK(file_[at_] == '0' || file_[at_] == '1', "{}: corrupt PNM: no 0 or 1 at byte {}", name_, at_);
    return file_[at_++] - '0';
  }
  /// The one white space that ends the header; then the data.
  Bytes data(std::size_t bytes) {
    if (at_ >= file_.size() || file_.size() - at_ - 1 < bytes) truncated();
    WEFT_CHECK(is_space(file_[at_]), "{}: corrupt PNM: no white space behind its header", name_);
    return file_.subspan(at_ + 1, bytes);
  }
  [[noreturn]] void truncated() const { fail("{}: truncated PNM: it ends at byte {}", name_, file_.size()); }

 private:
  void skip_space() {
    while (at_ < file_.size() && (is_space(file_[at_]) || file_[at_] == '#')) {
      if (file_[at_] == '#') {
        while (at_ < file_.size() && file_[at_] != '\n') ++at_;
      } else {
        ++at_;
      }
    }
  }

  Bytes file_;
  std::string_view name_;
  std::size_t at_;
};

}  // namespace

DecodedPicture decode_pnm(Bytes file, std::string_view name, const DecodeOptions& options) {
  WEFT_CHECK(file.size() > 2 && file[0] == 'P' && file[1] >= '1' && file[1] <= '6', "{}: corrupt PNM: no P1 to P6",
             name);
  const int kind = file[1] - '0';
  const bool is_bitmap = kind == 1 || kind == 4, is_plain = kind <= 3;
  Reader reader(file, name);
  const std::int64_t width = reader.number(), height = reader.number();
  const std::int64_t most = is_bitmap ? 1 : reader.number();
  WEFT_CHECK(most >= 1 && most <= 65535, "{}: corrupt PNM: its largest value is {}, expected 1 to 65535", name, most);
  check_size(width, height, file.size(), options.max_pixels, name);
  const int channels = kind == 3 || kind == 6 ? 3 : 1;
  const std::int64_t values = width * height * channels;
  // A plain value takes a byte at least, a packed one a bit.
  if (values / 8 > static_cast<std::int64_t>(file.size()) ||
      (!is_bitmap && values > static_cast<std::int64_t>(file.size())))
    reader.truncated();

  DecodedPicture picture;
  picture.width = static_cast<int>(width);
  picture.height = static_cast<int>(height);
  picture.samples = channels == 1 ? Samples::grey : Samples::rgb;
  picture.image = Image(picture.width, picture.height, channels);
  auto& pixels = picture.image.pixels;
  const auto scaled = [most](std::int64_t value) {
    return static_cast<std::uint8_t>((std::min(value, most) * 255 + most / 2) / most);
  };
  if (is_bitmap) {  // 1 is black
    const std::int64_t row_bytes = (width + 7) / 8;
    const Bytes data = is_plain ? Bytes() : reader.data(static_cast<std::size_t>(row_bytes * height));
    for (std::int64_t i = 0; i < values; ++i) {
      const std::int64_t y = i / width, x = i % width;
      const int bit =
          is_plain ? reader.digit() : data[static_cast<std::size_t>(y * row_bytes + x / 8)] >> (7 - x % 8) & 1;
      pixels[static_cast<std::size_t>(i)] = bit == 1 ? 0 : 255;
    }
  } else if (is_plain) {
    for (std::uint8_t& value : pixels) value = scaled(reader.number());
  } else {
    const bool is_wide = most > 255;
    const Bytes data = reader.data(pixels.size() * (is_wide ? 2 : 1));
    for (std::size_t i = 0; i < pixels.size(); ++i) {
      pixels[i] = is_wide ? scaled(256 * data[2 * i] + data[2 * i + 1]) : most == 255 ? data[i] : scaled(data[i]);
    }
  }
  return picture;
}

}  // namespace weft
