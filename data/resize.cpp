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

  Taps(int old_size, int new_size, Sampling sampling) {
    const double step = static_cast<double>(old_size) / new_size;
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

template <int channels, class Store>
void blend_columns(const float* row, const Taps& taps, Store&& store) {
  for (std::size_t x = 0; x < taps.first.size(); ++x) {
    const float* source = row + taps.first[x] * channels;
    const float* weights = &taps.weights[x * static_cast<std::size_t>(taps.count)];
    float sums[channels] = {};
    for (int k = 0; k < taps.count; ++k) {
      for (int c = 0; c < channels; ++c) sums[c] += weights[k] * source[k * channels + c];
    }
    for (int c = 0; c < channels; ++c) store(x * channels + static_cast<std::size_t>(c), sums[c]);
  }
}

std::uint8_t to_byte(float value) { return static_cast<std::uint8_t>(std::clamp(value + 0.5f, 0.0f, 255.0f)); }
void put(std::uint8_t* out, float value) { *out = to_byte(value); }
void put(float* out, float value) { *out = value; }

template <int channels, class Sample>
void resize(const Sample* source, int width, int height, Sample* target, int new_width, int new_height,
            Sampling sampling) {
  const Taps columns(width, new_width, sampling), rows(height, new_height, sampling);
  const std::size_t row_samples = static_cast<std::size_t>(width) * channels;
  std::vector<float> row(row_samples);
  for (int y = 0; y < new_height; ++y) {
    const float* weights = &rows.weights[static_cast<std::size_t>(y) * static_cast<std::size_t>(rows.count)];
    blend_rows(source, row_samples, rows.first[static_cast<std::size_t>(y)], rows.count, weights, row.data());
    Sample* out = target + static_cast<std::size_t>(y) * static_cast<std::size_t>(new_width) * channels;
    blend_columns<channels>(row.data(), columns, [out](std::size_t at, float value) { put(out + at, value); });
  }
}

void check_sizes(const char* what, int width, int height, int new_width, int new_height) {
  WEFT_CHECK(width > 0 && height > 0 && new_width > 0 && new_height > 0,
             "[{}] expected sizes above 0, got {} x {} to {} x {}", what, width, height, new_width, new_height);
}

}  // namespace

Image resize_bilinear(const Image& image, int width, int height, Sampling sampling) {
  check_sizes("resize_bilinear", image.width, image.height, width, height);
  if (image.width == width && image.height == height) return image;
  Image out(width, height, image.channels);
  const auto run = [&]<int channels>() {
    resize<channels>(image.pixels.data(), image.width, image.height, out.pixels.data(), width, height, sampling);
  };
  switch (image.channels) {
    case 1: run.template operator()<1>(); break;
    case 3: run.template operator()<3>(); break;
    case 4: run.template operator()<4>(); break;
    default: fail("[resize_bilinear] expected 1, 3 or 4 channels, got {}", image.channels);
  }
  return out;
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

std::vector<float> resize_plane(std::span<const float> plane, int width, int height, int new_width, int new_height) {
  check_sizes("resize_plane", width, height, new_width, new_height);
  WEFT_CHECK(plane.size() == static_cast<std::size_t>(width) * static_cast<std::size_t>(height),
             "[resize_plane] expected {} x {} values, got {}", width, height, plane.size());
  if (width == new_width && height == new_height) return {plane.begin(), plane.end()};
  std::vector<float> out(static_cast<std::size_t>(new_width) * static_cast<std::size_t>(new_height));
  resize<1>(plane.data(), width, height, out.data(), new_width, new_height, Sampling::plain);
  return out;
}

}  // namespace weft
