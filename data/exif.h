#pragma once
// EXIF orientation: cameras store the sensor's rows as they come and note how the picture was held.
// A reader that ignores the note cuts a portrait out lying on its side.

#include "data/byte_reader.h"
#include "data/image.h"

namespace weft {

/// The orientation (1..8, CIPA DC-008 tag 0x0112) in a TIFF block, the content of an EXIF segment after
/// "Exif\0\0" or of a PNG eXIf chunk. 1 ("as stored") where the block is damaged or says nothing.
int exif_orientation(Bytes tiff);

/// The picture as it is to be looked at. Orientations 5 to 8 swap width and height.
Image apply_orientation(Image stored, int orientation);

}  // namespace weft
