#pragma once
// A picture in linear light, before the camera turns it into bytes.

#include <vector>

#include "data/synthetic/vec.h"

namespace weft::synthetic {

struct Raster {
  int width = 0, height = 0;
  std::vector<Colour> pixels;

  Raster() = default;
  Raster(int w, int h) : width(w), height(h), pixels(static_cast<std::size_t>(w) * static_cast<std::size_t>(h)) {}
  Colour& at(int x, int y) {
    return pixels[static_cast<std::size_t>(y) * static_cast<std::size_t>(width) + static_cast<std::size_t>(x)];
  }
  const Colour& at(int x, int y) const { return const_cast<Raster*>(this)->at(x, y); }
  /// Bilinear at pixel-centre coordinates; the border repeats outwards.
  Colour sample(float x, float y) const;
};

/// Gaussian blur of standard deviation `sigma` pixels, as three box blurs (Wells 1986); the border repeats.
Raster blurred(const Raster& raster, float sigma);

}  // namespace weft::synthetic
