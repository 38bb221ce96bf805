#include "data/fit.h"

#include <algorithm>
#include <cmath>

#include "core/check.h"
#include "data/resize.h"

namespace weft {
namespace {

constexpr int max_side = 1 << 20;  // float coordinates of a warp are exact to a sixteenth of a pixel up to here
constexpr int side_multiple = 32;  // the U-Net halves its input five times

void check_picture(const char* what, const Image& picture, const Placement& p) {
  WEFT_CHECK(picture.width == p.picture_width && picture.height == p.picture_height,
             "[{}] expected a picture of {} x {}, got {} x {}", what, p.picture_width, p.picture_height, picture.width,
             picture.height);
}

void paste(const Image& part, const Placement& p, Image& canvas) {
  for (int y = 0; y < p.height; ++y) {
    std::copy_n(part.at(y, 0), static_cast<std::size_t>(p.width) * static_cast<std::size_t>(part.channels),
                canvas.at(p.y + y, p.x));
  }
}

/// sqrt(A / (w h)) scales a picture of w x h to the area A. A side of the smallest size leaves the other one A / 32.
Placement place_by_area(Placement p) {
  const double area = static_cast<double>(p.canvas_width) * p.canvas_height;
  const double scale = std::sqrt(area / (static_cast<double>(p.picture_width) * p.picture_height));
  const double most = std::max(area / side_multiple, static_cast<double>(side_multiple));
  const auto side = [&](int picture_side) {
    const double wanted = std::min(picture_side * scale, most);
    return std::max(1, static_cast<int>(std::lround(wanted / side_multiple))) * side_multiple;
  };
  p.width = p.canvas_width = side(p.picture_width);
  p.height = p.canvas_height = side(p.picture_height);
  return p;
}

}  // namespace

Fit fit_from(const std::string& name) {
  if (name == "stretch") return Fit::stretch;
  if (name == "letterbox") return Fit::letterbox;
  if (name == "area") return Fit::area;
  fail("unknown fit '{}'; expected stretch, letterbox or area", name);
}

Placement place(int picture_width, int picture_height, int canvas_width, int canvas_height, Fit fit) {
  WEFT_CHECK(picture_width > 0 && picture_height > 0 && canvas_width > 0 && canvas_height > 0,
             "[place] expected sizes above 0, got a picture of {} x {} on {} x {}", picture_width, picture_height,
             canvas_width, canvas_height);
  WEFT_CHECK(picture_width <= max_side && picture_height <= max_side,
             "[place] a picture of {} x {}: sides may have {} pixels at most", picture_width, picture_height, max_side);
  Placement p{picture_width, picture_height, canvas_width, canvas_height, 0, 0, canvas_width, canvas_height};
  if (fit == Fit::stretch) return p;
  if (fit == Fit::area) return place_by_area(p);
  const double scale =
      std::min(static_cast<double>(canvas_width) / picture_width, static_cast<double>(canvas_height) / picture_height);
  p.width = std::clamp(static_cast<int>(std::lround(picture_width * scale)), 1, canvas_width);
  p.height = std::clamp(static_cast<int>(std::lround(picture_height * scale)), 1, canvas_height);
  p.x = (canvas_width - p.width) / 2;
  p.y = (canvas_height - p.height) / 2;
  return p;
}

Placement place_native(int picture_width, int picture_height, int multiple) {
  WEFT_CHECK(picture_width > 0 && picture_height > 0 && multiple > 0,
             "[place_native] expected sizes above 0, got {} x {}, multiple {}", picture_width, picture_height,
             multiple);
  const auto round_up = [multiple](int size) { return (size + multiple - 1) / multiple * multiple; };
  return {picture_width, picture_height, round_up(picture_width), round_up(picture_height), 0, 0,
          picture_width, picture_height};
}

int divisor_for(const Placement& p) {
  int divisor = 1;
  while (shrunk(p.picture_width, 2 * divisor) >= p.width && shrunk(p.picture_height, 2 * divisor) >= p.height &&
         2 * divisor <= std::min(p.picture_width, p.picture_height)) {
    divisor *= 2;
  }
  return divisor;
}

Image fit_picture(const Image& picture, const Placement& p) {
  int come_by = 1;  // the divisor that the picture comes shrunk by
  while (come_by < max_side &&
         (picture.width != shrunk(p.picture_width, come_by) || picture.height != shrunk(p.picture_height, come_by)))
    come_by *= 2;
  WEFT_CHECK(come_by <= divisor_for(p), "[fit_picture] expected a picture of {} x {}, got {} x {}", p.picture_width,
             p.picture_height, picture.width, picture.height);
  WEFT_CHECK(picture.channels == 3, "[fit_picture] expected 3 channels, got {}", picture.channels);
  const int divisor = divisor_for(p), left = divisor / come_by;
  Image smaller;
  if (left > 1) smaller = shrink(picture, left);
  Image part =
      resize_shrunk(left > 1 ? smaller : picture, p.picture_width, p.picture_height, divisor, p.width, p.height);
  if (p.fills_canvas()) return part;
  Image canvas(p.canvas_width, p.canvas_height, 3);
  for (std::size_t i = 0; i < canvas.pixels.size(); ++i) canvas.pixels[i] = border_colour[i % 3];
  paste(part, p, canvas);
  return canvas;
}

Image fit_mask(const Image& ids, const Placement& p) {
  check_picture("fit_mask", ids, p);
  Image part = resize_nearest(ids, p.width, p.height);
  if (p.fills_canvas()) return part;
  Image canvas(p.canvas_width, p.canvas_height, 1);
  paste(part, p, canvas);
  return canvas;
}

std::vector<float> unfit_rows(std::span<const float> canvas, const Placement& p, int first_row, int rows) {
  WEFT_CHECK(canvas.size() == static_cast<std::size_t>(p.canvas_width) * static_cast<std::size_t>(p.canvas_height),
             "[unfit_plane] expected {} x {} values, got {}", p.canvas_width, p.canvas_height, canvas.size());
  std::vector<float> part;  // what the picture covers, where that is less than all
  if (!p.fills_canvas()) {
    part.resize(static_cast<std::size_t>(p.width) * static_cast<std::size_t>(p.height));
    for (int y = 0; y < p.height; ++y) {
      const std::size_t row =
          static_cast<std::size_t>(p.y + y) * static_cast<std::size_t>(p.canvas_width) + static_cast<std::size_t>(p.x);
      std::copy_n(canvas.begin() + static_cast<std::ptrdiff_t>(row), p.width,
                  part.begin() + std::ptrdiff_t{y} * p.width);
    }
    canvas = part;
  }
  return resize_plane_rows(canvas, p.width, p.height, p.picture_width, p.picture_height, first_row, rows);
}

std::vector<float> unfit_plane(std::span<const float> canvas, const Placement& p) {
  return unfit_rows(canvas, p, 0, p.picture_height);
}

}  // namespace weft
