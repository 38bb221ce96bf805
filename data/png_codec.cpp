#include "data/png_codec.h"

#include <png.h>
#include <zlib.h>

#include <algorithm>
#include <csetjmp>
#include <cstdlib>
#include <cstring>
#include <vector>

#include "core/check.h"
#include "data/exif.h"
#include "data/software_note.h"

namespace weft {

namespace {

// Deflate can't do better: 258 bytes from two bits (RFC 1951, 3.2.5).
constexpr std::int64_t max_deflate_ratio = 1032;
constexpr std::size_t max_inflated = 8 << 20;  // of a text or a profile

// libpng leaves an error by longjmp, which runs no destructors: what is called between setjmp and it is C, or looks
// like it.
struct ReadState {
  Bytes file;
  std::size_t offset = 0;
  bool is_cut = false;  // libpng asked for more than there is
  std::size_t largest_block = 0;
  char error[128] = {};
};

/// A chunk that claims two gigabytes is a "benign error", for which libpng then takes the memory.
png_voidp take_memory(png_structp png, png_alloc_size_t bytes) {
  return bytes <= static_cast<ReadState*>(png_get_mem_ptr(png))->largest_block ? std::malloc(bytes) : nullptr;
}
void give_memory(png_structp, png_voidp block) { std::free(block); }

struct WriteState {
  std::string* file = nullptr;
  char error[128] = {};
};

template <class State>
[[noreturn]] void on_error(png_structp png, png_const_charp message) {
  auto* state = static_cast<State*>(png_get_error_ptr(png));
  std::strncpy(state->error, message, sizeof(state->error) - 1);
  png_longjmp(png, 1);
}

void on_warning(png_structp, png_const_charp) {}

void read_bytes(png_structp png, png_bytep out, std::size_t count) {
  auto* state = static_cast<ReadState*>(png_get_io_ptr(png));
  if (count > state->file.size() - state->offset) {
    state->is_cut = true;
    png_error(png, "the data end too early");
  }
  std::memcpy(out, state->file.data() + state->offset, count);
  state->offset += count;
}

void write_bytes(png_structp png, png_bytep data, std::size_t count) {
  auto* state = static_cast<WriteState*>(png_get_io_ptr(png));
  bool is_appended = true;
  try {
    state->file->append(reinterpret_cast<const char*>(data), count);
  } catch (...) {
    is_appended = false;
  }
  if (!is_appended) png_error(png, "out of memory");
}

/// Runs C calls; false where one of them left.
template <class Calls>
bool attempt(png_structp png, Calls&& calls) {
  if (setjmp(png_jmpbuf(png))) return false;
  calls();
  return true;
}

/// The TIFF block that ImageMagick writes as text, before and beside eXIf: "\nexif\n    1234\n" and hexadecimal digits.
std::vector<std::uint8_t> from_raw_profile(std::string_view text) {
  for (int line = 0; line < 3; ++line) {  // an empty one, the kind, the length
    const std::size_t end = text.find('\n');
    if (end == text.npos) return {};
    text.remove_prefix(end + 1);
  }
  std::vector<std::uint8_t> block;
  int high = -1;
  for (const char c : text) {
    const int digit = c >= '0' && c <= '9' ? c - '0' : c >= 'a' && c <= 'f' ? c - 'a' + 10 : -1;
    if (digit < 0) continue;
    if (high >= 0) block.push_back(static_cast<std::uint8_t>(16 * high + digit));
    high = high >= 0 ? -1 : digit;
  }
  return block;
}

class Decoder {
 public:
  Decoder(Bytes file, std::string_view name) : name_(name) {
    state_.file = file;
    state_.largest_block = file.size() + max_inflated;  // what is before the rows is in the file, or inflated from it
    png_ = png_create_read_struct_2(PNG_LIBPNG_VER_STRING, &state_, on_error<ReadState>, on_warning, &state_,
                                    take_memory, give_memory);
    if (png_ != nullptr) info_ = png_create_info_struct(png_);
    if (info_ == nullptr) {
      png_destroy_read_struct(&png_, nullptr, nullptr);
      throw std::bad_alloc();
    }
  }
  ~Decoder() { png_destroy_read_struct(&png_, &info_, nullptr); }
  Decoder(const Decoder&) = delete;
  Decoder& operator=(const Decoder&) = delete;

  /// Everything before the picture's data; checks the size.
  void read_header(std::int64_t max_pixels) {
    run([&] {
      png_set_read_fn(png_, &state_, read_bytes);
      png_set_benign_errors(png_, 1);
      png_set_user_limits(png_, PNG_UINT_31_MAX, PNG_UINT_31_MAX);  // check_size() looks at the whole
      // Texts and profiles may inflate, so there is a bound for each and for their number.
      png_set_chunk_malloc_max(png_, max_inflated);
      png_set_chunk_cache_max(png_, 64);
      png_read_info(png_, info_);
    });
    check_size(png_get_image_width(png_, info_), png_get_image_height(png_, info_), state_.file.size(), max_pixels,
               name_);
    width_ = static_cast<int>(png_get_image_width(png_, info_));
    height_ = static_cast<int>(png_get_image_height(png_, info_));
    depth_ = png_get_bit_depth(png_, info_);
    constexpr std::size_t most_pixel_bytes = 8;
    state_.largest_block += most_pixel_bytes * static_cast<std::size_t>(width_);
    colour_ = png_get_color_type(png_, info_);
    const std::int64_t raw_bytes = std::int64_t{width_} * height_ * png_get_channels(png_, info_) * depth_ / 8;
    if (raw_bytes / max_deflate_ratio > static_cast<std::int64_t>(state_.file.size())) {
      fail("{}: truncated PNG: {} bytes cannot hold {} x {} pixels", name_, state_.file.size(), width_, height_);
    }
  }

  int depth() const { return depth_; }
  int colour() const { return colour_; }
  bool has_transparency() const {
    return (colour_ & PNG_COLOR_MASK_ALPHA) != 0 || png_get_valid(png_, info_, PNG_INFO_tRNS) != 0;
  }

  /// `set_transforms` is called with the png_structp. The rows that it leads to have `channels` bytes a pixel.
  template <class SetTransforms>
  DecodedPicture read(int channels, SetTransforms&& set_transforms) {
    run([&] {
      set_transforms(png_);
      png_set_interlace_handling(png_);
      png_read_update_info(png_, info_);
    });
    DecodedPicture picture;
    picture.width = width_;
    picture.height = height_;
    picture.image = Image(width_, height_, channels);
    std::vector<png_bytep> rows(static_cast<std::size_t>(height_));
    for (int y = 0; y < height_; ++y) rows[static_cast<std::size_t>(y)] = picture.image.at(y, 0);
    run([&] {
      if (png_get_rowbytes(png_, info_) != static_cast<std::size_t>(width_) * static_cast<std::size_t>(channels))
        png_error(png_, "unexpected size of a row");
      png_read_image(png_, rows.data());
    });
    // What follows the rows: the checksum of the last of them, texts. That the file ends here takes nothing away.
    if (!attempt(png_, [&] { png_read_end(png_, info_); }) && !state_.is_cut) fail_with(state_.error);
    read_notes(picture);
    return picture;
  }

 private:
  void read_notes(DecodedPicture& picture) {
    png_charp profile_name = nullptr;
    png_bytep profile = nullptr;
    png_uint_32 length = 0, exif_length = 0;
    int compression = 0;
    if (png_get_iCCP(png_, info_, &profile_name, &compression, &profile, &length) != 0)
      picture.profile.assign(reinterpret_cast<const char*>(profile), length);
    png_uint_32 x = 0, y = 0;
    int unit = 0;
    if (png_get_pHYs(png_, info_, &x, &y, &unit) != 0 && unit == PNG_RESOLUTION_METER) picture.density = {x, y};

    png_bytep exif = nullptr;
    if (png_get_eXIf_1(png_, info_, &exif_length, &exif) != 0) {
      picture.orientation = read_exif({exif, exif_length}).orientation;
      return;
    }
    png_textp texts = nullptr;
    const int count = png_get_text(png_, info_, &texts, nullptr);
    for (int i = 0; i < count; ++i) {
      const std::string_view key = texts[i].key;
      if (key != "Raw profile type exif" && key != "Raw profile type APP1") continue;
      picture.orientation = read_exif(from_raw_profile(texts[i].text)).orientation;
    }
  }

  template <class Calls>
  void run(Calls&& calls) {
    if (!attempt(png_, calls)) fail_with(state_.error);
  }

  [[noreturn]] void fail_with(const char* message) const {
    fail("{}: {} PNG: {}", name_, state_.is_cut ? "truncated" : "corrupt", message);
  }

  std::string_view name_;
  ReadState state_;
  png_structp png_ = nullptr;
  png_infop info_ = nullptr;
  int width_ = 0, height_ = 0, depth_ = 0, colour_ = 0;
};

/// Samples of 16 bits, high byte first, as ids; each pixel's two bytes become one.
Image ids_of_16_bits(const Image& pairs, int width, std::string_view name) {
  Image ids(width, pairs.height, 1);
  bool are_small = true, are_scaled = true;
  for (std::size_t i = 0; i < ids.pixels.size(); ++i) {
    const int high = pairs.pixels[2 * i], low = pairs.pixels[2 * i + 1];
    are_small = are_small && high == 0;
    are_scaled = are_scaled && high == low;
    ids.pixels[i] = static_cast<std::uint8_t>(low);
  }
  WEFT_CHECK(are_small || are_scaled, "{}: a mask of 16 bits with values above 255; label ids are 0 to 255", name);
  return ids;
}

bool run_writer(png_structp png, png_infop png_info, WriteState& state, const Image& image, const PictureExtras& extras,
                png_bytepp rows) {
  if (setjmp(png_jmpbuf(png))) return false;
  png_set_write_fn(png, &state, write_bytes, nullptr);
  const int colour = image.channels == 1   ? PNG_COLOR_TYPE_GRAY
                     : image.channels == 3 ? PNG_COLOR_TYPE_RGB
                                           : PNG_COLOR_TYPE_RGBA;
  png_set_IHDR(png, png_info, static_cast<png_uint_32>(image.width), static_cast<png_uint_32>(image.height), 8, colour,
               PNG_INTERLACE_NONE, PNG_COMPRESSION_TYPE_DEFAULT, PNG_FILTER_TYPE_DEFAULT);
  // Differences to the row above, then runs: the fastest pair that also makes small files (550 x 832
  // photograph: 18 ms, 545 kB, where level 6 takes 95 ms for 449 kB; its mask: 1 ms, 5 kB).
  png_set_filter(png, PNG_FILTER_TYPE_BASE, PNG_FILTER_UP);
  png_set_compression_strategy(png, Z_RLE);
  png_set_user_limits(png, PNG_UINT_31_MAX, PNG_UINT_31_MAX);  // what weft has read it also writes
  png_text note = {};
  note.compression = PNG_TEXT_COMPRESSION_NONE;
  note.key = const_cast<char*>("Software");
  note.text = const_cast<char*>(software_note);
  png_set_text(png, png_info, &note, 1);
  png_set_benign_errors(png, 1);  // a profile that libpng finds fault with is left out
  if (!extras.profile.empty()) {
    png_set_iCCP(png, png_info, "ICC profile", PNG_COMPRESSION_TYPE_BASE,
                 reinterpret_cast<png_const_bytep>(extras.profile.data()),
                 static_cast<png_uint_32>(extras.profile.size()));
  }
  if (extras.density.x > 0 && extras.density.y > 0)
    png_set_pHYs(png, png_info, extras.density.x, extras.density.y, PNG_RESOLUTION_METER);
  png_write_info(png, png_info);
  png_write_image(png, rows);
  png_write_end(png, png_info);
  return true;
}

}  // namespace

DecodedPicture decode_png(Bytes file, std::string_view name, const DecodeOptions& options) {
  Decoder decoder(file, name);
  decoder.read_header(options.max_pixels);
  const bool has_alpha = decoder.has_transparency();
  DecodedPicture picture = decoder.read(has_alpha ? 4 : 3, [](png_structp png) {
    png_set_expand(png);  // palettes to RGB, small grey to 8 bits, tRNS to alpha
    png_set_scale_16(png);
    png_set_gray_to_rgb(png);
  });
  picture.samples = has_alpha ? Samples::rgba : Samples::rgb;
  return picture;
}

DecodedPicture decode_png_ids(Bytes file, std::string_view name, const DecodeOptions& options) {
  Decoder decoder(file, name);
  decoder.read_header(options.max_pixels);
  const int colour = decoder.colour();
  WEFT_CHECK(colour == PNG_COLOR_TYPE_GRAY || colour == PNG_COLOR_TYPE_PALETTE,
             "{}: a coloured mask ({}); expected label ids, as grey values or palette indices", name,
             colour == PNG_COLOR_TYPE_RGB    ? "RGB"
             : colour == PNG_COLOR_TYPE_RGBA ? "RGBA"
                                             : "grey with alpha");
  const bool is_wide = decoder.depth() == 16, is_grey = colour == PNG_COLOR_TYPE_GRAY;
  DecodedPicture picture = decoder.read(is_wide ? 2 : 1, [&](png_structp png) {
    if (is_grey && !is_wide) {
      png_set_expand_gray_1_2_4_to_8(png);
    } else {
      png_set_packing(png);
    }
  });
  picture.samples = Samples::grey;
  if (is_wide) picture.image = ids_of_16_bits(picture.image, picture.width, name);
  return picture;
}

std::string encode_png(const Image& image, const PictureExtras& extras) {
  WEFT_CHECK(image.channels == 1 || image.channels == 3 || image.channels == 4,
             "[encode_png] expected 1, 3 or 4 channels, got {}", image.channels);
  WEFT_CHECK(image.width > 0 && image.height > 0, "[encode_png] expected a picture, got {} x {}", image.width,
             image.height);
  std::string file;
  WriteState state;
  state.file = &file;
  std::vector<png_bytep> rows(static_cast<std::size_t>(image.height));
  for (int y = 0; y < image.height; ++y) rows[static_cast<std::size_t>(y)] = const_cast<png_bytep>(image.at(y, 0));
  png_structp png = png_create_write_struct(PNG_LIBPNG_VER_STRING, &state, on_error<WriteState>, on_warning);
  png_infop png_info = png ? png_create_info_struct(png) : nullptr;
  const bool is_written = png_info && run_writer(png, png_info, state, image, extras, rows.data());
  png_destroy_write_struct(&png, &png_info);
  WEFT_CHECK(is_written, "[encode_png] {}", state.error[0] ? state.error : "libpng cannot start");
  return file;
}

}  // namespace weft
