#pragma once
// EXIF: cameras store the sensor's rows as they come and note how the picture was held. A reader that ignores the note
// cuts a portrait out lying on its side.

#include <string>

#include "data/byte_reader.h"
#include "data/decoded_picture.h"

namespace weft {

/// What weft reads of a TIFF block, the content of an EXIF segment or chunk, with or without "Exif\0\0" in front.
struct Exif {
  int orientation = 1;  // CIPA DC-008 tag 0x0112, 1..8, of any integer type; 1 ("as stored") where it says nothing else
  Density density;      // XResolution, YResolution, ResolutionUnit
  std::string software;  // the program that wrote the file
};

/// A damaged block says what could be read of it.
Exif read_exif(Bytes block);
/// A TIFF block that says these, little-endian; what is 0 or empty is left out, and the orientation always.
std::string write_exif(const Exif& exif);

/// The picture as it is to be looked at. Orientations 5 to 8 swap width and height.
Image apply_orientation(Image stored, int orientation);

}  // namespace weft
