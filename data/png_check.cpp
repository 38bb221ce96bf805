#include "data/png_check.h"

#include <zlib.h>

#include "core/check.h"
#include "data/exif.h"

namespace weft {

namespace {

constexpr std::size_t signature_bytes = 8;
constexpr std::size_t frame_bytes = 12;  // length, name, CRC
// Deflate can't do better: 258 bytes from two bits (RFC 1951, 3.2.5).
constexpr std::int64_t max_deflate_ratio = 1032;

constexpr std::uint32_t chunk_name(const char (&text)[5]) {
  std::uint32_t name = 0;
  for (int i = 0; i < 4; ++i) name = (name << 8) | static_cast<std::uint8_t>(text[i]);
  return name;
}

struct Chunk {
  std::uint32_t name = 0;
  Bytes content, whole;
  std::string text() const { return std::string(whole.begin() + 4, whole.begin() + 8); }
};

int samples_per_pixel(PngColour colour) {
  switch (colour) {
    case PngColour::rgb: return 3;
    case PngColour::grey_alpha: return 2;
    case PngColour::rgba: return 4;
    default: return 1;
  }
}

bool is_legal_depth(int colour, int depth) {
  const bool is_small = depth == 1 || depth == 2 || depth == 4;
  switch (colour) {
    case 0: return is_small || depth == 8 || depth == 16;
    case 3: return is_small || depth == 8;
    case 2: case 4: case 6: return depth == 8 || depth == 16;
    default: return false;
  }
}

class PngChecker {
 public:
  PngChecker(Bytes file, std::string_view name, std::int64_t max_pixels)
      : file_(file), name_(name), max_pixels_(max_pixels) {}

  PngInfo run() {
    at_ = signature_bytes;
    header(next_chunk());
    for (;;) {
      const Chunk chunk = next_chunk();
      if (chunk.name == chunk_name("IEND")) {
        keep(chunk);
        break;
      }
      handle(chunk);
    }
    if (info_.colour == PngColour::palette && palette_entries_ == 0) corrupt("it has no palette");
    const std::int64_t raw_bytes =
        std::int64_t{info_.width} * info_.height * samples_per_pixel(info_.colour) * info_.bit_depth / 8;
    if (data_bytes_ == 0) corrupt("it has no picture data");
    if (raw_bytes / max_deflate_ratio > data_bytes_) {
      fail("{}: truncated PNG: {} bytes of data cannot hold {} x {} pixels", name_, data_bytes_, info_.width,
           info_.height);
    }
    return std::move(info_);
  }

 private:
  Chunk next_chunk() {
    const std::size_t left = file_.size() - at_;
    if (left < frame_bytes) fail("{}: truncated PNG: it ends at byte {}, before the IEND chunk", name_, file_.size());
    Chunk chunk;
    const std::uint32_t length = *read_uint(file_, at_, 4);
    chunk.name = *read_uint(file_, at_ + 4, 4);
    chunk.whole = file_.subspan(at_);
    for (std::size_t i = 4; i < 8; ++i) {
      const int letter = chunk.whole[i] | 0x20;
      if (letter < 'a' || letter > 'z') corrupt("no chunk at byte {}", at_);
    }
    if (length > left - frame_bytes) {
      fail("{}: truncated PNG: chunk {} at byte {} has {} bytes, {} are left", name_, chunk.text(), at_, length,
           left - frame_bytes);
    }
    chunk.whole = chunk.whole.first(frame_bytes + length);
    chunk.content = chunk.whole.subspan(8, length);
    at_ += chunk.whole.size();
    return chunk;
  }

  void check_crc(const Chunk& chunk) const {
    const Bytes covered = chunk.whole.subspan(4, chunk.whole.size() - 8);
    const std::uint32_t stored = *read_uint(chunk.whole, chunk.whole.size() - 4, 4);
    if (crc32_z(0, covered.data(), covered.size()) != stored) corrupt("wrong CRC in chunk {}", chunk.text());
  }

  void keep(const Chunk& chunk) {
    check_crc(chunk);
    info_.chunks.push_back(chunk.whole);
  }

  void header(const Chunk& chunk) {
    if (chunk.name != chunk_name("IHDR")) corrupt("it starts with chunk {}, expected IHDR", chunk.text());
    if (chunk.content.size() != 13) corrupt("IHDR has {} bytes, expected 13", chunk.content.size());
    keep(chunk);
    const std::uint32_t width = *read_uint(chunk.content, 0, 4), height = *read_uint(chunk.content, 4, 4);
    const int depth = chunk.content[8], colour = chunk.content[9];
    if (!is_legal_depth(colour, depth)) corrupt("colour type {} with {} bits", colour, depth);
    if (chunk.content[10] != 0 || chunk.content[11] != 0 || chunk.content[12] > 1)
      corrupt("unknown compression, filter or interlace");
    if (width == 0 || height == 0 || width > 0x7FFFFFFF || height > 0x7FFFFFFF)
      corrupt("its size is {} x {}", width, height);
    const std::int64_t pixels = std::int64_t{width} * height;
    if (pixels > max_pixels_)
      fail("{}: {} x {} are {} pixels, the limit is {}", name_, width, height, pixels, max_pixels_);
    info_.width = static_cast<int>(width);
    info_.height = static_cast<int>(height);
    info_.bit_depth = depth;
    info_.colour = static_cast<PngColour>(colour);
  }

  void handle(const Chunk& chunk) {
    if (chunk.name == chunk_name("IDAT")) return data(chunk);
    if (has_data_) data_has_ended_ = true;
    if (chunk.name == chunk_name("PLTE")) return palette(chunk);
    if (chunk.name == chunk_name("tRNS")) return transparency(chunk);
    if (chunk.name == chunk_name("eXIf")) {
      check_crc(chunk);
      info_.orientation = exif_orientation(chunk.content);
      return;
    }
    // A capital first letter says: who does not know this chunk can't show the picture.
    const bool is_critical = (chunk.name >> 24 & 0x20) == 0;
    if (is_critical) corrupt("unknown or second critical chunk {}", chunk.text());
  }

  void data(const Chunk& chunk) {
    if (data_has_ended_) corrupt("its IDAT chunks are not consecutive");
    has_data_ = true;
    data_bytes_ += static_cast<std::int64_t>(chunk.content.size());
    keep(chunk);
  }

  void palette(const Chunk& chunk) {
    const std::size_t bytes = chunk.content.size();
    if (has_data_ || palette_entries_ > 0) corrupt("PLTE is doubled or comes after the data");
    if (info_.colour == PngColour::grey || info_.colour == PngColour::grey_alpha)
      corrupt("a grey picture has a palette");
    if (bytes == 0 || bytes % 3 != 0 || bytes > 3 * 256) corrupt("PLTE has {} bytes", bytes);
    palette_entries_ = bytes / 3;
    if (info_.colour == PngColour::palette && palette_entries_ > (std::size_t{1} << info_.bit_depth)) {
      corrupt("{} palette entries for {}-bit pixels", palette_entries_, info_.bit_depth);
    }
    keep(chunk);
  }

  void transparency(const Chunk& chunk) {
    const std::size_t bytes = chunk.content.size();
    if (has_data_ || info_.has_transparency) corrupt("tRNS is doubled or comes after the data");
    const bool is_legal = info_.colour == PngColour::grey      ? bytes == 2
                          : info_.colour == PngColour::rgb     ? bytes == 6
                          : info_.colour == PngColour::palette ? bytes >= 1 && bytes <= palette_entries_
                                                               : false;
    if (!is_legal) corrupt("tRNS has {} bytes for colour type {}", bytes, static_cast<int>(info_.colour));
    info_.has_transparency = true;
    keep(chunk);
  }

  template <class... Args>
  [[noreturn]] void corrupt(fmt::format_string<Args...> format, Args&&... args) const {
    fail("{}: corrupt PNG: {}", name_, fmt::format(format, std::forward<Args>(args)...));
  }

  Bytes file_;
  std::string_view name_;
  std::int64_t max_pixels_;
  std::size_t at_ = 0;
  PngInfo info_;
  std::size_t palette_entries_ = 0;
  std::int64_t data_bytes_ = 0;
  bool has_data_ = false, data_has_ended_ = false;
};

}  // namespace

PngInfo check_png(Bytes file, std::string_view name, std::int64_t max_pixels) {
  return PngChecker(file, name, max_pixels).run();
}

}  // namespace weft
