#include "data/jpeg_check.h"

#include <algorithm>
#include <array>

#include "core/check.h"
#include "data/exif.h"
#include "data/jpeg_scan.h"

namespace weft {

namespace {

// Marker codes, T.81 table B.1.
enum Marker : int {
  sof0 = 0xC0, sof1 = 0xC1, sof2 = 0xC2, dht = 0xC4, rst0 = 0xD0, rst7 = 0xD7, soi = 0xD8, eoi = 0xD9,
  sos = 0xDA, dqt = 0xDB, dnl = 0xDC, dri = 0xDD, app0 = 0xE0, app1 = 0xE1, app15 = 0xEF, com = 0xFE
};

// More scans than any encoder writes (ten or so); each one makes a decoder pass over the whole picture.
constexpr int max_scans = 64;

const char* unsupported_frame(int marker) {
  switch (marker) {
    case 0xC3: return "lossless JPEG";
    case 0xC5: case 0xC6: case 0xC7: return "hierarchical JPEG";
    case 0xC9: case 0xCA: case 0xCB: case 0xCD: case 0xCE: case 0xCF: case 0xCC: return "arithmetic-coded JPEG";
    default: return nullptr;
  }
}

class JpegChecker {
 public:
  JpegChecker(Bytes file, std::string_view name, std::int64_t max_pixels)
      : file_(file), name_(name), max_pixels_(max_pixels) {}

  JpegInfo run() {
    at_ = 2;  // after SOI, by which the format was recognised
    for (;;) {
      const int marker = next_marker();
      if (marker == eoi) break;
      handle(marker, next_segment(marker));
    }
    if (frame_.components.empty()) corrupt("it has no picture");
    for (const JpegComponent& c : frame_.components) {
      if (c.precision[0] < 0) corrupt("component {} has no data", c.id);
    }
    info_.width = frame_.width;
    info_.height = frame_.height;
    info_.components = static_cast<int>(frame_.components.size());
    return info_;
  }

 private:
  int next_marker() {
    if (at_ >= file_.size()) truncated("no end-of-image marker");
    if (file_[at_] != 0xFF) corrupt("expected a marker at byte {}, found {:#04x}", at_, file_[at_]);
    while (at_ < file_.size() && file_[at_] == 0xFF) ++at_;
    if (at_ >= file_.size()) truncated("no end-of-image marker");
    return file_[at_++];
  }

  /// The content of a segment, without its length.
  Bytes next_segment(int marker) {
    if ((marker >= rst0 && marker <= soi) || marker <= 0x01) corrupt("marker {:#04x} at byte {}", marker, at_ - 1);
    const auto length = read_uint(file_, at_, 2);
    if (!length) truncated("marker {:#04x} has no segment", marker);
    if (*length < 2) corrupt("segment {:#04x} at byte {} has length {}", marker, at_, *length);
    if (file_.size() - at_ < *length) {
      truncated("segment {:#04x} at byte {} has {} bytes, {} are left", marker, at_, *length, file_.size() - at_);
    }
    const Bytes content = file_.subspan(at_ + 2, *length - 2);
    at_ += *length;
    return content;
  }

  void handle(int marker, Bytes segment) {
    if (const char* kind = unsupported_frame(marker))
      fail("{}: {} is not supported; save it as baseline JPEG or PNG", name_, kind);
    switch (marker) {
      case sof0: case sof1: case sof2: return start_of_frame(marker, segment);
      case dht: return huffman_tables(segment);
      case dqt: return quantisation_tables(segment);
      case dri:
        if (segment.size() != 2) corrupt("the restart interval has {} bytes, expected 2", segment.size());
        restart_interval_ = static_cast<int>(*read_uint(segment, 0, 2));
        return;
      case sos: return start_of_scan(segment);
      case app1: return exif(segment);
      default:
        // Other application segments and comments are passed over; nothing else belongs here.
        if ((marker < app0 || marker > app15) && marker != com) corrupt("unknown marker {:#04x}", marker);
    }
  }

  void exif(Bytes segment) {
    constexpr std::array<std::uint8_t, 6> tag{'E', 'x', 'i', 'f', 0, 0};
    if (has_exif_ || segment.size() < tag.size() || !std::equal(tag.begin(), tag.end(), segment.begin())) return;
    has_exif_ = true;
    info_.orientation = exif_orientation(segment.subspan(tag.size()));
  }

  void quantisation_tables(Bytes segment) {
    while (!segment.empty()) {
      const int is_wide = segment[0] >> 4, index = segment[0] & 15;
      if (is_wide > 1 || index > 3) corrupt("quantisation table with header {:#04x}", segment[0]);
      const std::size_t value_bytes = is_wide ? 2 : 1, bytes = 1 + 64 * value_bytes;
      if (segment.size() < bytes) corrupt("quantisation table {} is cut short", index);
      for (std::size_t i = 0; i < 64; ++i) {
        if (*read_uint(segment, 1 + i * value_bytes, is_wide + 1) == 0)
          corrupt("quantisation table {} holds a zero", index);
      }
      has_quantisation_[static_cast<std::size_t>(index)] = true;
      segment = segment.subspan(bytes);
    }
  }

  void huffman_tables(Bytes segment) {
    while (!segment.empty()) {
      const int kind = segment[0] >> 4, index = segment[0] & 15;
      if (kind > 1 || index > 3) corrupt("Huffman table with header {:#04x}", segment[0]);
      if (segment.size() < 17) corrupt("Huffman table {} is cut short", index);
      const auto counts = segment.subspan<1, 16>();
      std::size_t symbols = 0;
      for (const std::uint8_t count : counts) symbols += count;
      if (symbols > 256) corrupt("Huffman table {} has {} codes, at most 256 are possible", index, symbols);
      if (segment.size() < 17 + symbols) corrupt("Huffman table {} is cut short", index);
      HuffmanTable& table = (kind == 0 ? dc_ : ac_)[static_cast<std::size_t>(index)];
      if (!table.build(counts, segment.subspan(17, symbols)))
        corrupt("Huffman table {} has impossible code lengths", index);
      segment = segment.subspan(17 + symbols);
    }
  }

  void start_of_frame(int marker, Bytes segment) {
    if (!frame_.components.empty()) corrupt("it has two frames");
    if (segment.size() < 6) corrupt("the frame header has {} bytes", segment.size());
    const int precision = segment[0], components = segment[5];
    frame_.height = static_cast<int>(*read_uint(segment, 1, 2));
    frame_.width = static_cast<int>(*read_uint(segment, 3, 2));
    frame_.progressive = marker == sof2;
    if (precision != 8) fail("{}: {}-bit JPEG is not supported, only 8-bit", name_, precision);
    if (components == 4) fail("{}: CMYK JPEG (4 components) is not supported; convert it to RGB", name_);
    if (components != 1 && components != 3)
      fail("{}: JPEG with {} components is not supported, only 1 or 3", name_, components);
    if (frame_.height == 0) fail("{}: JPEG whose height comes after its data (DNL) is not supported", name_);
    if (frame_.width == 0) corrupt("its width is 0");
    const std::int64_t pixels = std::int64_t{frame_.width} * frame_.height;
    if (pixels > max_pixels_) {
      fail("{}: {} x {} are {} pixels, the limit is {}", name_, frame_.width, frame_.height, pixels, max_pixels_);
    }
    if (segment.size() != 6 + 3 * static_cast<std::size_t>(components))
      corrupt("the frame header has {} bytes", segment.size());
    for (int i = 0; i < components; ++i) add_component(segment.subspan(6 + 3 * static_cast<std::size_t>(i), 3));
    lay_out_blocks();
  }

  void add_component(Bytes header) {
    JpegComponent c;
    c.id = header[0];
    c.h = header[1] >> 4;
    c.v = header[1] & 15;
    c.quantisation = header[2];
    c.precision.fill(-1);
    if (c.h < 1 || c.h > 4 || c.v < 1 || c.v > 4) corrupt("component {} has sampling factors {} x {}", c.id, c.h, c.v);
    if (c.quantisation > 3) corrupt("component {} uses quantisation table {}", c.id, c.quantisation);
    for (const JpegComponent& other : frame_.components) {
      if (other.id == c.id) corrupt("two components have the id {}", c.id);
    }
    frame_.h_max = std::max(frame_.h_max, c.h);
    frame_.v_max = std::max(frame_.v_max, c.v);
    frame_.components.push_back(c);
  }

  // T.81, A.1.1 and A.2: a component has ceil(width * h / h_max) columns of samples; an MCU covers
  // h_max * 8 columns of the picture.
  void lay_out_blocks() {
    const auto ceil_div = [](int a, int b) { return (a + b - 1) / b; };
    const int mcus_x = ceil_div(frame_.width, 8 * frame_.h_max), mcus_y = ceil_div(frame_.height, 8 * frame_.v_max);
    for (JpegComponent& c : frame_.components) {
      if (frame_.h_max % c.h != 0 || frame_.v_max % c.v != 0) {
        fail("{}: JPEG with sampling factors {}/{} x {}/{} is not supported", name_, c.h, frame_.h_max, c.v,
             frame_.v_max);
      }
      c.blocks_x = ceil_div(ceil_div(frame_.width * c.h, frame_.h_max), 8);
      c.blocks_y = ceil_div(ceil_div(frame_.height * c.v, frame_.v_max), 8);
      c.stored_x = mcus_x * c.h;
      c.stored_y = mcus_y * c.v;
    }
  }

  void start_of_scan(Bytes segment) {
    if (frame_.components.empty()) corrupt("a scan comes before the frame");
    if (++scans_ > max_scans) corrupt("it has more than {} scans", max_scans);
    const std::size_t parts = segment.empty() ? 0 : segment[0];
    if (parts < 1 || parts > frame_.components.size() || segment.size() != 4 + 2 * parts)
      corrupt("scan {} has a bad header", scans_);

    const Bytes tail = segment.subspan(1 + 2 * parts);
    JpegScan scan;
    scan.restart_interval = restart_interval_;
    scan.first = tail[0];
    scan.last = frame_.progressive ? tail[1] : 63;
    scan.high = tail[2] >> 4;
    scan.low = tail[2] & 15;
    if (frame_.progressive) {
      check_progression(scan, parts);
    } else if (scan.first != 0 || tail[2] != 0) {
      corrupt("scan {} is progressive, the frame is not", scans_);
    }
    for (std::size_t i = 0; i < parts; ++i) add_part(scan, segment[1 + 2 * i], segment[2 + 2 * i]);
    at_ = walk_scan(file_, at_, frame_, scan, name_);
  }

  // T.81, G.1.1.1: DC and AC coefficients come in scans of their own, AC scans are of one component,
  // and a refinement adds exactly the next bit.
  void check_progression(const JpegScan& scan, std::size_t parts) const {
    const bool is_band = scan.first == 0 ? scan.last == 0 : scan.first <= scan.last && scan.last <= 63 && parts == 1;
    if (!is_band) corrupt("scan {} sends the band {}..{} of {} components", scans_, scan.first, scan.last, parts);
    if (scan.low > 13 || (scan.high != 0 && scan.high != scan.low + 1)) {
      corrupt("scan {} goes from bit {} to bit {}", scans_, scan.high, scan.low);
    }
  }

  void add_part(JpegScan& scan, int id, int tables) {
    const auto found =
        std::find_if(frame_.components.begin(), frame_.components.end(), [&](auto& c) { return c.id == id; });
    if (found == frame_.components.end())
      corrupt("scan {} sends component {}, which the frame does not have", scans_, id);
    JpegScan::Part part;
    part.component = static_cast<int>(found - frame_.components.begin());
    for (const JpegScan::Part& other : scan.parts) {
      if (other.component >= part.component) corrupt("scan {} sends its components in the wrong order", scans_);
    }
    if (!has_quantisation_[static_cast<std::size_t>(found->quantisation)]) {
      corrupt("quantisation table {} is missing", found->quantisation);
    }
    const bool is_refinement = scan.high != 0;
    if (scan.first == 0 && !is_refinement) part.dc = defined(dc_, tables >> 4, "DC");
    if (!frame_.progressive || scan.first > 0) part.ac = defined(ac_, tables & 15, "AC");
    record_coefficients(*found, scan);
    scan.parts.push_back(part);
  }

  const HuffmanTable* defined(const std::array<HuffmanTable, 4>& tables, int index, const char* kind) const {
    if (index > 3 || !tables[static_cast<std::size_t>(index)].is_defined()) {
      corrupt("scan {} uses {} Huffman table {}, which is missing", scans_, kind, index);
    }
    return &tables[static_cast<std::size_t>(index)];
  }

  // Each bit of each coefficient comes once and in order: decoders rely on it (an AC scan adds to what
  // the DC scan set up).
  void record_coefficients(JpegComponent& c, const JpegScan& scan) {
    const int before = scan.high == 0 ? -1 : scan.high;
    for (int k = scan.first; k <= scan.last; ++k) {
      std::int8_t& precision = c.precision[static_cast<std::size_t>(k)];
      if (precision != before) corrupt("scan {} sends coefficient {} of component {} out of order", scans_, k, c.id);
      precision = static_cast<std::int8_t>(scan.low);
    }
    if (scan.first > 0 && c.precision[0] < 0) corrupt("scan {} comes before the DC scan of component {}", scans_, c.id);
    // By now a DC scan has proved that the file holds at least a bit for each block.
    if (scan.first > 0) c.nonzero.resize(static_cast<std::size_t>(c.stored_x) * static_cast<std::size_t>(c.stored_y));
  }

  template <class... Args>
  [[noreturn]] void corrupt(fmt::format_string<Args...> format, Args&&... args) const {
    fail("{}: corrupt JPEG: {}", name_, fmt::format(format, std::forward<Args>(args)...));
  }
  template <class... Args>
  [[noreturn]] void truncated(fmt::format_string<Args...> format, Args&&... args) const {
    fail("{}: truncated JPEG: {}", name_, fmt::format(format, std::forward<Args>(args)...));
  }

  Bytes file_;
  std::string_view name_;
  std::int64_t max_pixels_;
  std::size_t at_ = 0;
  JpegInfo info_;
  bool has_exif_ = false;
  JpegFrame frame_;
  std::array<HuffmanTable, 4> dc_, ac_;
  std::array<bool, 4> has_quantisation_{};
  int restart_interval_ = 0;
  int scans_ = 0;
};

}  // namespace

JpegInfo check_jpeg(Bytes file, std::string_view name, std::int64_t max_pixels) {
  return JpegChecker(file, name, max_pixels).run();
}

}  // namespace weft
