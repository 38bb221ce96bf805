#include "data/resize.h"

#include <algorithm>
#include <cmath>
#include <cstring>

#include "core/check.h"

namespace weft {

namespace {

/// For each sample of the new axis: the first source sample and `count` weights.
struct Taps {
  int count = 0;
  std::vector<int> first;
  std::vector<float> weights;

  /// `extent` of the old samples are the picture's: all but for a part of the last one.
  Taps(int old_size, int new_size, Sampling sampling, double extent) {
    const double step = extent / new_size;
    const double radius = sampling == Sampling::antialias ? std::max(1.0, step) : 1.0;
    count = std::min(old_size, 2 * static_cast<int>(std::ceil(radius)));
    first.resize(static_cast<std::size_t>(new_size));
    weights.resize(static_cast<std::size_t>(new_size) * static_cast<std::size_t>(count));
    for (int i = 0; i < new_size; ++i) {
      const double centre = (i + 0.5) * step;
      const int start = std::clamp(static_cast<int>(std::floor(centre - radius + 0.5)), 0, old_size - count);
      float* w = &weights[static_cast<std::size_t>(i) * static_cast<std::size_t>(count)];
      double sum = 0;
      for (int k = 0; k < count; ++k) sum += weight(start + k, centre, radius);
      for (int k = 0; k < count; ++k) w[k] = static_cast<float>(weight(start + k, centre, radius) / sum);
      first[static_cast<std::size_t>(i)] = start;
    }
  }

  static double weight(int sample, double centre, double radius) {
    return std::max(0.0, 1.0 - std::abs(sample + 0.5 - centre) / radius);
  }
};

// The rows around s are blended first: that runs along memory, over `count` rows; then the columns of the one row left.
template <class Sample>
void blend_rows(const Sample* source, std::size_t row_samples, int first, int count, const float* weights, float* out) {
  const Sample* row = source + static_cast<std::size_t>(first) * row_samples;
  for (std::size_t j = 0; j < row_samples; ++j) out[j] = weights[0] * static_cast<float>(row[j]);
  for (int k = 1; k < count; ++k) {
    row += row_samples;
    const float weight = weights[k];
    for (std::size_t j = 0; j < row_samples; ++j) out[j] += weight * static_cast<float>(row[j]);
  }
}

// A pixel of three channels is computed as one of four, which is what vector instructions hold; the next pixel
// overwrites the fourth. `fixed_count` is taps.count where that is 2, so that the loop over them is none, else 0.
template <int channels, int fixed_count>
void blend_columns(const float* row, const Taps& taps, float* out) {
  constexpr int lanes = channels == 3 && fixed_count > 0 ? 4 : channels;
  const int count = fixed_count > 0 ? fixed_count : taps.count;
  const float* weights = taps.weights.data();
  for (const int first : taps.first) {
    const float* source = row + first * channels;
    float sums[lanes] = {};
    for (int k = 0; k < count; ++k) {
      for (int c = 0; c < lanes; ++c) sums[c] += weights[k] * source[k * channels + c];
    }
    for (int c = 0; c < lanes; ++c) out[c] = sums[c];
    weights += count;
    out += channels;
  }
}

// In this order of arguments max and min are one vector instruction each.
std::uint8_t to_byte(float value) { return static_cast<std::uint8_t>(std::min(255.0f, std::max(0.0f, value + 0.5f))); }
void put(std::uint8_t* out, float value) { *out = to_byte(value); }
void put(float* out, float value) { *out = value; }

struct Extent {
  double width, height;
};

/// Rows [first_row, end_row) of the result.
template <int channels, class Sample>
void resize(const Sample* source, int width, int height, Sample* target, int new_width, int new_height,
            Sampling sampling, Extent extent, int first_row, int end_row) {
  const Taps columns(width, new_width, sampling, extent.width), rows(height, new_height, sampling, extent.height);
  const std::size_t row_samples = static_cast<std::size_t>(width) * channels;
  const std::size_t new_row_samples = static_cast<std::size_t>(new_width) * channels;
  std::vector<float> row(row_samples + 1), new_row(new_row_samples + 1);  // one more for the fourth lane
  for (int y = first_row; y < end_row; ++y) {
    const float* weights = &rows.weights[static_cast<std::size_t>(y) * static_cast<std::size_t>(rows.count)];
    blend_rows(source, row_samples, rows.first[static_cast<std::size_t>(y)], rows.count, weights, row.data());
    if (columns.count == 2) {
      blend_columns<channels, 2>(row.data(), columns, new_row.data());
    } else {
      blend_columns<channels, 0>(row.data(), columns, new_row.data());
    }
    Sample* out = target + static_cast<std::size_t>(y - first_row) * new_row_samples;
    for (std::size_t j = 0; j < new_row_samples; ++j) put(out + j, new_row[j]);
  }
}

void check_sizes(const char* what, int width, int height, int new_width, int new_height) {
  WEFT_CHECK(width > 0 && height > 0 && new_width > 0 && new_height > 0,
             "[{}] expected sizes above 0, got {} x {} to {} x {}", what, width, height, new_width, new_height);
}

Image resize_image(const Image& image, int width, int height, Sampling sampling, Extent extent) {
  Image out(width, height, image.channels);
  const auto run = [&]<int channels>() {
    resize<channels>(image.pixels.data(), image.width, image.height, out.pixels.data(), width, height, sampling, extent,
                     0, height);
  };
  switch (image.channels) {
    case 1:
      run.template operator()<1>();
      break;
    case 3:
      run.template operator()<3>();
      break;
    case 4:
      run.template operator()<4>();
      break;
    default:
      fail("[resize_bilinear] expected 1, 3 or 4 channels, got {}", image.channels);
  }
  return out;
}

}  // namespace

Image resize_bilinear(const Image& image, int width, int height, Sampling sampling) {
  check_sizes("resize_bilinear", image.width, image.height, width, height);
  if (image.width == width && image.height == height) return image;
  return resize_image(image, width, height, sampling,
                      {static_cast<double>(image.width), static_cast<double>(image.height)});
}

int shrunk(int size, int divisor) { return (size - 1) / divisor + 1; }

Image shrink(const Image& image, int divisor) {
  WEFT_CHECK(divisor >= 1, "[shrink] expected a divisor of at least 1, got {}", divisor);
  check_sizes("shrink", image.width, image.height, shrunk(image.width, divisor), shrunk(image.height, divisor));
  if (divisor == 1) return image;
  Image small(shrunk(image.width, divisor), shrunk(image.height, divisor), image.channels);
  const int channels = image.channels;
  std::vector<std::uint32_t> sums(static_cast<std::size_t>(small.width) * static_cast<std::size_t>(channels));
  for (int y = 0; y < small.height; ++y) {
    std::fill(sums.begin(), sums.end(), 0);
    const int top = y * divisor, bottom = std::min(image.height, top + divisor);
    for (int row = top; row < bottom; ++row) {
      const std::uint8_t* in = image.at(row, 0);
      for (int x = 0; x < small.width; ++x) {
        std::uint32_t* sum = &sums[static_cast<std::size_t>(x) * static_cast<std::size_t>(channels)];
        const int right = std::min(image.width, (x + 1) * divisor);
        for (int column = x * divisor; column < right; ++column) {
          for (int c = 0; c < channels; ++c) sum[c] += *in++;
        }
      }
    }
    std::uint8_t* out = small.at(y, 0);
    const std::uint32_t* sum = sums.data();
    for (int x = 0; x < small.width; ++x) {
      const int right = std::min(image.width, (x + 1) * divisor);
      const auto count = static_cast<std::uint32_t>((bottom - top) * (right - x * divisor));
      for (int c = 0; c < channels; ++c) *out++ = static_cast<std::uint8_t>((*sum++ + count / 2) / count);
    }
  }
  return small;
}

Image resize_shrunk(const Image& image, int full_width, int full_height, int divisor, int width, int height) {
  check_sizes("resize_shrunk", image.width, image.height, width, height);
  WEFT_CHECK(divisor >= 1 && image.width == shrunk(full_width, divisor) && image.height == shrunk(full_height, divisor),
             "[resize_shrunk] {} x {} is not {} x {} shrunk by {}", image.width, image.height, full_width, full_height,
             divisor);
  if (divisor == 1) return resize_bilinear(image, width, height);
  return resize_image(image, width, height, Sampling::plain,
                      {static_cast<double>(full_width) / divisor, static_cast<double>(full_height) / divisor});
}

Image resize_nearest(const Image& ids, int width, int height) {
  check_sizes("resize_nearest", ids.width, ids.height, width, height);
  WEFT_CHECK(ids.channels == 1, "[resize_nearest] expected 1 channel, got {}", ids.channels);
  if (ids.width == width && ids.height == height) return ids;
  // In whole numbers: floor((i + 1/2) * old/new) = (2i + 1) * old / (2 new).
  const auto source = [](int i, int old_size, int new_size) {
    return static_cast<int>((2 * std::int64_t{i} + 1) * old_size / (2 * std::int64_t{new_size}));
  };
  std::vector<int> columns(static_cast<std::size_t>(width));
  for (int x = 0; x < width; ++x) columns[static_cast<std::size_t>(x)] = source(x, ids.width, width);
  Image out(width, height, 1);
  for (int y = 0; y < height; ++y) {
    const std::uint8_t* row = ids.at(source(y, ids.height, height), 0);
    std::transform(columns.begin(), columns.end(), out.at(y, 0), [row](int x) { return row[x]; });
  }
  return out;
}

std::vector<float> resize_plane_rows(std::span<const float> plane, int width, int height, int new_width, int new_height,
                                     int first_row, int rows) {
  check_sizes("resize_plane", width, height, new_width, new_height);
  WEFT_CHECK(plane.size() == static_cast<std::size_t>(width) * static_cast<std::size_t>(height),
             "[resize_plane] expected {} x {} values, got {}", width, height, plane.size());
  WEFT_CHECK(first_row >= 0 && rows >= 0 && rows <= new_height - first_row, "[resize_plane] rows {} to {} of {}",
             first_row, first_row + rows, new_height);
  const std::size_t count = static_cast<std::size_t>(new_width) * static_cast<std::size_t>(rows);
  if (width == new_width && height == new_height) {
    const auto from = plane.begin() + std::ptrdiff_t{first_row} * width;
    return {from, from + static_cast<std::ptrdiff_t>(count)};
  }
  std::vector<float> out(count);
  resize<1>(plane.data(), width, height, out.data(), new_width, new_height, Sampling::plain,
            {static_cast<double>(width), static_cast<double>(height)}, first_row, first_row + rows);
  return out;
}

std::vector<float> resize_plane(std::span<const float> plane, int width, int height, int new_width, int new_height) {
  return resize_plane_rows(plane, width, height, new_width, new_height, 0, new_height);
}

}  // namespace weft
