#include "train/sample_panel.h"

#include <algorithm>

#include "core/check.h"
#include "data/ignored.h"
#include "data/resize.h"

namespace weft {

Image sample_panel(const Image& picture, const Image& truth, const Image& prediction) {
  for (const Image* mask : {&truth, &prediction}) {
    WEFT_CHECK(mask->channels == 1 && mask->width == picture.width && mask->height == picture.height,
               "[sample_panel] expected masks of {} x {}, got {} x {}", picture.width, picture.height, mask->width,
               mask->height);
  }
  const int height = std::min(picture.height, 512);
  const int width = std::max(1, static_cast<int>(std::int64_t{picture.width} * height / picture.height));
  Image panel(3 * width, height, 3);
  const Image photograph = resize_bilinear(picture, width, height, Sampling::antialias);
  const Image masks[] = {resize_nearest(truth, width, height), resize_nearest(prediction, width, height)};
  for (int y = 0; y < height; ++y) {
    std::copy_n(photograph.at(y, 0), 3 * width, panel.at(y, 0));
    for (int part = 0; part < 2; ++part) {
      for (int x = 0; x < width; ++x) {
        const int value = *masks[part].at(y, x);
        std::fill_n(panel.at(y, (part + 1) * width + x), 3, value == ignored_pixel ? 128 : value != 0 ? 255 : 0);
      }
    }
  }
  return panel;
}

}  // namespace weft
