#include "data/jpeg_codec.h"

#include <cstdio>
#include <cstdlib>

#include <jpeglib.h>
#include <jerror.h>

#include <algorithm>
#include <bit>
#include <csetjmp>
#include <cstring>
#include <memory>

#include "core/check.h"
#include "data/exif.h"
#include "data/software_note.h"

namespace weft {

namespace {

using MallocBytes = std::unique_ptr<unsigned char, void (*)(void*)>;

// libjpeg leaves an error by longjmp, which runs no destructors: what is called between setjmp and it is C, or looks
// like it. jpeg_error_mgr comes first, so that a pointer to it is one to this.
struct Errors {
  jpeg_error_mgr manager;
  std::jmp_buf escape;
  char message[JMSG_LENGTH_MAX] = {};
  bool is_data_missing = false;  // blocks are missing; else what libjpeg says
  bool has_no_end = false;       // the file ended before the marker that ends the picture
};

Errors& errors_of(j_common_ptr jpeg) { return *reinterpret_cast<Errors*>(jpeg->err); }

[[noreturn]] void leave(j_common_ptr jpeg) {
  (*jpeg->err->format_message)(jpeg, errors_of(jpeg).message);
  std::longjmp(errors_of(jpeg).escape, 1);
}

/// Warnings: most are about bytes that nobody needs. Not those after which libjpeg makes pixels up.
void on_message(j_common_ptr jpeg, int level) {
  if (level >= 0) return;
  switch (jpeg->err->msg_code) {
    case JWRN_HIT_MARKER:
      errors_of(jpeg).is_data_missing = true;
      leave(jpeg);
    case JWRN_HUFF_BAD_CODE:
    case JWRN_ARITH_BAD_CODE:
    case JWRN_MUST_RESYNC:
      leave(jpeg);
    case JWRN_JPEG_EOF:
      errors_of(jpeg).has_no_end = true;
      break;
    default:
      break;
  }
}

void no_output(j_common_ptr) {}

jpeg_error_mgr* set_up(Errors& errors) {
  jpeg_std_error(&errors.manager);
  errors.manager.error_exit = leave;
  errors.manager.emit_message = on_message;
  errors.manager.output_message = no_output;
  return &errors.manager;
}

/// Runs C calls; false where one of them left.
template <class Calls>
bool attempt(Errors& errors, Calls&& calls) {
  if (setjmp(errors.escape)) return false;
  calls();
  return true;
}

class Decoder {
 public:
  Decoder(Bytes file, std::string_view name) : file_(file), name_(name) {
    jpeg_.err = set_up(errors_);
    run([&] { jpeg_create_decompress(&jpeg_); });
  }
  ~Decoder() { jpeg_destroy_decompress(&jpeg_); }
  Decoder(const Decoder&) = delete;
  Decoder& operator=(const Decoder&) = delete;

  DecodedPicture decode(const DecodeOptions& options) {
    DecodedPicture picture;
    read_header(options.max_pixels, picture);
    read_markers(picture);
    set_output(options, picture);
    const bool has_many_scans = jpeg_has_multiple_scans(&jpeg_) != 0;
    jpeg_.buffered_image = has_many_scans ? TRUE : FALSE;
    run([&] { jpeg_start_decompress(&jpeg_); });
    if (has_many_scans) read_scans();
    read_rows(picture.image);
    // An arithmetic decoder takes zeros for what is missing, as an encoder may leave them out at the end.
    if (jpeg_.arith_code && errors_.has_no_end) fail("{}: truncated JPEG: its end is missing", name_);
    // Without Adobe's note 255 is full ink, with it none, as this program has it.
    if (picture.samples == Samples::cmyk && !jpeg_.saw_Adobe_marker) {
      for (std::uint8_t& value : picture.image.pixels) value = static_cast<std::uint8_t>(255 - value);
    }
    return picture;
  }

 private:
  void read_header(std::int64_t max_pixels, DecodedPicture& picture) {
    run([&] {
      jpeg_save_markers(&jpeg_, JPEG_APP0 + 1, 0xFFFF);  // EXIF
      jpeg_save_markers(&jpeg_, JPEG_APP0 + 2, 0xFFFF);  // ICC
      jpeg_mem_src(&jpeg_, file_.data(), file_.size());
      jpeg_read_header(&jpeg_, TRUE);
    });
    check_size(jpeg_.image_width, jpeg_.image_height, file_.size(), max_pixels, name_);
    // Huffman codes have a bit at least: one for each block's mean, and one for its end where there is a single scan.
    std::int64_t least_bits = 0;
    for (int c = 0; c < jpeg_.num_components; ++c) {
      least_bits += std::int64_t{jpeg_.comp_info[c].width_in_blocks} * jpeg_.comp_info[c].height_in_blocks *
                    (jpeg_.progressive_mode ? 1 : 2);
    }
    if (!jpeg_.arith_code && least_bits / 8 > static_cast<std::int64_t>(file_.size())) {
      fail("{}: truncated JPEG: {} bytes cannot hold {} x {} pixels", name_, file_.size(), jpeg_.image_width,
           jpeg_.image_height);
    }
    picture.width = static_cast<int>(jpeg_.image_width);
    picture.height = static_cast<int>(jpeg_.image_height);
  }

  void read_markers(DecodedPicture& picture) {
    if (jpeg_.saw_JFIF_marker && jpeg_.density_unit != 0) {  // 1: per inch, 2: per centimetre
      const auto per_metre = [&](int density) {
        return static_cast<std::uint32_t>(jpeg_.density_unit == 1 ? (density * 10000 + 127) / 254 : density * 100);
      };
      picture.density = {per_metre(jpeg_.X_density), per_metre(jpeg_.Y_density)};
    }
    for (auto marker = jpeg_.marker_list; marker != nullptr; marker = marker->next) {
      const Bytes content(marker->data, marker->data_length);
      if (marker->marker != JPEG_APP0 + 1 || content.size() < 6 || std::memcmp(content.data(), "Exif\0", 5) != 0)
        continue;
      const Exif exif = read_exif(content);
      picture.orientation = exif.orientation;
      if (picture.density == Density{}) picture.density = exif.density;
      break;
    }
    JOCTET* profile = nullptr;
    unsigned length = 0;
    run([&] { jpeg_read_icc_profile(&jpeg_, &profile, &length); });
    const MallocBytes owned(profile, std::free);
    if (profile) picture.profile.assign(reinterpret_cast<const char*>(profile), length);
  }

  void set_output(const DecodeOptions& options, DecodedPicture& picture) {
    switch (jpeg_.jpeg_color_space) {
      case JCS_GRAYSCALE:
        picture.samples = Samples::grey;
        jpeg_.out_color_space = JCS_GRAYSCALE;
        break;
      case JCS_YCbCr:
      case JCS_RGB:
        picture.samples = Samples::rgb;
        jpeg_.out_color_space = JCS_RGB;
        break;
      case JCS_CMYK:
      case JCS_YCCK:
        picture.samples = Samples::cmyk;
        jpeg_.out_color_space = JCS_CMYK;
        break;
      default:
        fail("{}: JPEG with {} components is not supported", name_, jpeg_.num_components);
    }
    const bool is_turned = picture.orientation >= 5;
    const int width = is_turned ? picture.height : picture.width, height = is_turned ? picture.width : picture.height;
    const int wanted = options.reduction ? options.reduction(width, height) : 1;
    jpeg_.scale_num = 1;
    jpeg_.scale_denom = std::bit_floor(static_cast<unsigned>(std::clamp(wanted, 1, 8)));
  }

  /// Takes in all scans of a picture that has more than one, and looks whether they make a whole.
  void read_scans() {
    constexpr int most_scans = 500;  // each costs a pass over the picture, however few bytes it has
    unsigned seen = 0;
    const auto note_components = [&] {
      for (int i = 0; i < jpeg_.comps_in_scan; ++i) seen |= 1u << jpeg_.cur_comp_info[i]->component_index;
    };
    note_components();
    bool has_too_many = false;
    run([&] {
      for (int status = JPEG_SUSPENDED; status != JPEG_REACHED_EOI && !has_too_many;) {
        status = jpeg_consume_input(&jpeg_);
        if (status == JPEG_REACHED_SOS) note_components();
        has_too_many = jpeg_.input_scan_number > most_scans;
      }
    });
    if (has_too_many) fail("{}: corrupt JPEG: more than {} scans", name_, most_scans);
    for (int c = 0; c < jpeg_.num_components; ++c) {
      bool is_whole = (seen >> c & 1) != 0;
      if (errors_.has_no_end && jpeg_.coef_bits != nullptr) {  // scans may be missing, and nothing says that it is over
        for (int k = 0; k < DCTSIZE2; ++k) is_whole = is_whole && jpeg_.coef_bits[c][k] == 0;
      }
      if (!is_whole) fail("{}: truncated JPEG: scans of component {} are missing", name_, c + 1);
    }
    run([&] { jpeg_start_output(&jpeg_, jpeg_.input_scan_number); });
  }

  /// A few rows at a time, which stay in the cache on their way; a vector of the picture's size would be filled with
  /// zeros first, 6 ms for 12 megapixels.
  void read_rows(Image& image) {
    constexpr JDIMENSION rows_at_once = 16;
    const std::size_t row_bytes = std::size_t{jpeg_.output_width} * static_cast<std::size_t>(jpeg_.output_components);
    image.width = static_cast<int>(jpeg_.output_width);
    image.height = static_cast<int>(jpeg_.output_height);
    image.channels = jpeg_.output_components;
    reserve_pixels(image.pixels, row_bytes * jpeg_.output_height);
    std::vector<std::uint8_t> buffer(row_bytes * rows_at_once);
    JSAMPROW rows[rows_at_once];
    for (std::size_t i = 0; i < rows_at_once; ++i) rows[i] = &buffer[row_bytes * i];
    while (jpeg_.output_scanline < jpeg_.output_height) {
      const JDIMENSION before = jpeg_.output_scanline;
      run([&] {
        JDIMENSION count = 0;
        while (count < rows_at_once && jpeg_.output_scanline < jpeg_.output_height)
          count += jpeg_read_scanlines(&jpeg_, rows + count, rows_at_once - count);
      });
      const auto bytes = static_cast<std::ptrdiff_t>(row_bytes * (jpeg_.output_scanline - before));
      image.pixels.insert(image.pixels.end(), buffer.begin(), buffer.begin() + bytes);
    }
  }

  template <class Calls>
  void run(Calls&& calls) {
    if (attempt(errors_, calls)) return;
    if (jpeg_.err->msg_code == JERR_OUT_OF_MEMORY) throw std::bad_alloc();
    if (!errors_.is_data_missing) {
      const bool is_cut = errors_.has_no_end && jpeg_.input_scan_number == 0;
      fail("{}: {} JPEG: {}", name_, is_cut ? "truncated" : "corrupt", errors_.message);
    }
    const auto row_height = static_cast<unsigned>(jpeg_.max_v_samp_factor * DCTSIZE);
    fail("{}: truncated JPEG: the picture ends after {} of {} rows{}", name_,
         std::min(jpeg_.input_iMCU_row * row_height, jpeg_.image_height), jpeg_.image_height,
         jpeg_.input_scan_number > 1 ? fmt::format(" of its scan {}", jpeg_.input_scan_number) : "");
  }

  Bytes file_;
  std::string_view name_;
  Errors errors_ = {};
  jpeg_decompress_struct jpeg_ = {};
};

/// The C side of encode_jpeg.
void write_jpeg(jpeg_compress_struct& jpeg, const Image& image, int quality, const PictureExtras& extras) {
  jpeg.image_width = static_cast<JDIMENSION>(image.width);
  jpeg.image_height = static_cast<JDIMENSION>(image.height);
  jpeg.input_components = image.channels;
  jpeg.in_color_space = image.channels == 1 ? JCS_GRAYSCALE : JCS_RGB;
  jpeg_set_defaults(&jpeg);
  jpeg_set_quality(&jpeg, quality, TRUE);
  if (quality > 90) jpeg.comp_info[0].h_samp_factor = jpeg.comp_info[0].v_samp_factor = 1;
  const auto per_centimetre = [](std::uint32_t density) {
    return static_cast<UINT16>(std::min<std::uint32_t>((density + 50) / 100, 65535));
  };
  const auto per_inch = [](std::uint32_t density) {
    return static_cast<UINT16>(std::min<std::uint64_t>((std::uint64_t{density} * 254 + 5000) / 10000, 65535));
  };
  if (extras.density.x > 0 && extras.density.y > 0) {
    // Whole numbers: of the two units the one that says it more exactly; 300 per inch are 118.11 per centimetre.
    const bool is_metric = extras.density.x % 100 == 0 && extras.density.y % 100 == 0;
    jpeg.density_unit = is_metric ? 2 : 1;
    jpeg.X_density = is_metric ? per_centimetre(extras.density.x) : per_inch(extras.density.x);
    jpeg.Y_density = is_metric ? per_centimetre(extras.density.y) : per_inch(extras.density.y);
  }
  jpeg_start_compress(&jpeg, TRUE);
  jpeg_write_marker(&jpeg, JPEG_COM, reinterpret_cast<const JOCTET*>(software_note),
                    static_cast<unsigned>(std::strlen(software_note)));
  if (!extras.profile.empty()) {
    jpeg_write_icc_profile(&jpeg, reinterpret_cast<const JOCTET*>(extras.profile.data()),
                           static_cast<unsigned>(extras.profile.size()));
  }
  while (jpeg.next_scanline < jpeg.image_height) {
    JSAMPROW row = const_cast<JSAMPROW>(image.at(static_cast<int>(jpeg.next_scanline), 0));
    jpeg_write_scanlines(&jpeg, &row, 1);
  }
  jpeg_finish_compress(&jpeg);
}

}  // namespace

DecodedPicture decode_jpeg(Bytes file, std::string_view name, const DecodeOptions& options) {
  return Decoder(file, name).decode(options);
}

std::string encode_jpeg(const Image& image, int quality, const PictureExtras& extras) {
  WEFT_CHECK(image.channels == 1 || image.channels == 3, "[encode_jpeg] expected 1 or 3 channels, got {}",
             image.channels);
  WEFT_CHECK(quality >= 1 && quality <= 100, "[encode_jpeg] expected a quality of 1 to 100, got {}", quality);
  Errors errors = {};
  jpeg_compress_struct jpeg = {};
  jpeg.err = set_up(errors);
  unsigned char* bytes = nullptr;
  unsigned long length = 0;
  const bool is_written = attempt(errors, [&] {
    jpeg_create_compress(&jpeg);
    jpeg_mem_dest(&jpeg, &bytes, &length);
    write_jpeg(jpeg, image, quality, extras);
  });
  jpeg_destroy_compress(&jpeg);
  // After an error `bytes` may point at a block that libjpeg has freed since.
  WEFT_CHECK(is_written, "[encode_jpeg] cannot encode {} x {}: {}", image.width, image.height, errors.message);
  const MallocBytes owned(bytes, std::free);
  return std::string(reinterpret_cast<const char*>(bytes), length);
}

}  // namespace weft
