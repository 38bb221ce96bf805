#pragma once
// JPEG files of kinds that weft does not write, made by libjpeg-turbo itself. A mistake ends the program.

#include <cstdio>
#include <cstdlib>

#include <jpeglib.h>

#include "tests/data/jpeg_builder.h"

namespace weft::jpeg {

struct Kind {
  J_COLOR_SPACE pixels = JCS_RGB;    // of the image given: JCS_GRAYSCALE, JCS_RGB, JCS_CMYK
  J_COLOR_SPACE stored = JCS_YCbCr;  // in the file
  bool is_progressive = false, is_arithmetic = false;
  bool is_one_scan_each = false;  // a scan for each component
  bool has_tables = true;         // Huffman tables; frames of MJPEG cameras come without
  bool has_adobe_note = false, has_jfif_note = true;
  int restart_rows = 0;
  int quality = 90;
};

/// `image` has as many channels as kind.pixels.
inline File write(const Image& image, const Kind& kind) {
  jpeg_error_mgr errors;
  jpeg_compress_struct jpeg = {};
  jpeg.err = jpeg_std_error(&errors);
  jpeg_create_compress(&jpeg);
  unsigned char* bytes = nullptr;
  unsigned long length = 0;
  jpeg_mem_dest(&jpeg, &bytes, &length);
  jpeg.image_width = static_cast<JDIMENSION>(image.width);
  jpeg.image_height = static_cast<JDIMENSION>(image.height);
  jpeg.input_components = image.channels;
  jpeg.in_color_space = kind.pixels;
  jpeg_set_defaults(&jpeg);
  jpeg_set_colorspace(&jpeg, kind.stored);
  jpeg_set_quality(&jpeg, kind.quality, TRUE);
  jpeg.arith_code = kind.is_arithmetic ? TRUE : FALSE;
  jpeg.restart_in_rows = kind.restart_rows;
  jpeg.write_Adobe_marker = kind.has_adobe_note ? TRUE : FALSE;
  jpeg.write_JFIF_header = kind.has_jfif_note ? TRUE : FALSE;
  if (kind.is_progressive) jpeg_simple_progression(&jpeg);
  jpeg_scan_info scans[4] = {};
  if (kind.is_one_scan_each) {
    for (int c = 0; c < jpeg.num_components; ++c) scans[c] = {1, {c}, 0, 63, 0, 0};
    jpeg.scan_info = scans;
    jpeg.num_scans = jpeg.num_components;
  }
  if (!kind.has_tables) jpeg_suppress_tables(&jpeg, TRUE);  // and then send those that MJPEG sends
  if (!kind.has_tables) {
    for (auto* table : jpeg.quant_tbl_ptrs) {
      if (table != nullptr) table->sent_table = FALSE;
    }
  }
  jpeg_start_compress(&jpeg, kind.has_tables ? TRUE : FALSE);
  while (jpeg.next_scanline < jpeg.image_height) {
    JSAMPROW row = const_cast<JSAMPROW>(image.at(static_cast<int>(jpeg.next_scanline), 0));
    jpeg_write_scanlines(&jpeg, &row, 1);
  }
  jpeg_finish_compress(&jpeg);
  jpeg_destroy_compress(&jpeg);
  const File file(bytes, bytes + length);
  std::free(bytes);
  return file;
}

/// Offset of the first byte of the first scan's data.
inline std::size_t data_of(const File& file) {
  const std::size_t scan = find(file, 0xDA);
  return scan + 2 + (std::size_t{file[scan + 2]} << 8) + file[scan + 3];
}

inline File with_bytes(File file, std::size_t at, const File& bytes) {
  file.insert(file.begin() + static_cast<std::ptrdiff_t>(at), bytes.begin(), bytes.end());
  return file;
}

}  // namespace weft::jpeg
