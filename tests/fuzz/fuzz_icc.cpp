// The bytes as a colour profile, of which lcms2 makes what it can: it is never an error, and nothing changes but
// colours.

#include <cstdlib>

#include "data/colour.h"
#include "tests/fuzz/reader.h"

using namespace weft;

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const std::string profile = fuzz::as_string(data, size);
  Image rgba(3, 2, 4, 77), cmyk(3, 2, 4, 200), grey(3, 2, 1, 99);
  to_srgb(rgba, profile);
  for (std::size_t i = 3; i < rgba.pixels.size(); i += 4) {
    if (rgba.pixels[i] != 77) std::abort();
  }
  if (cmyk_to_srgb(cmyk, profile).pixels.size() != 18 || grey_to_srgb(grey, profile).pixels.size() != 18) std::abort();
  return 0;
}
