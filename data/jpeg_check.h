#pragma once
// What stands between a JPEG file and its decoder. stb_image before 2.28 writes past its tables on a
// crafted Huffman table, reads memory that was never written where a scan is missing, and turns the rest
// of a truncated picture grey without a word. So the whole structure is walked first, the entropy-coded
// data included (data/jpeg_scan.h), and only a file that is consistent to the end goes on.

#include <cstdint>
#include <string_view>

#include "data/byte_reader.h"

namespace weft {

struct JpegInfo {
  int width = 0, height = 0;
  int components = 0;   // 1 grey, 3 colour
  int orientation = 1;  // EXIF, see data/exif.h
};

/// Accepts 8-bit Huffman-coded sequential and progressive JPEG of 1 or 3 components, up to the
/// end-of-image marker; what follows that does not matter. Throws Error starting with `name` for
/// anything else: corrupt, truncated, unsupported (named), or more than `max_pixels`. Nothing the size
/// of the picture is allocated before the data have proved to hold it.
JpegInfo check_jpeg(Bytes file, std::string_view name, std::int64_t max_pixels);

}  // namespace weft
