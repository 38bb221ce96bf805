// The passes of batch normalisation over some rows of [rows, channels]; core/kernels/batch_norm.cpp cuts the work and
// joins the results. All are bound by memory or, where the caches hold the rows, by loads.
//
// So sums stay in registers: those of a strip of channels, over a tile of rows. A row of up to `most_strip_vectors` is
// one strip, and memory is read in the order of its addresses, which the processor foresees. Longer rows are several
// strips, and memory delivers those that lie a row apart at a third of its rate. Where that is common, with few
// registers, tiles are small and asked for in order before they are read strip by strip.

#include "core/kernels/isa/kernels.h"
#include "core/kernels/isa/limits.h"

namespace weft::kernels::WEFT_ISA {
namespace {

typedef decltype(Vec{} < Vec{}) Mask;

/// Where dz comes from: dy and no activation, dy and x, or dy and y.
enum class Slope { one, of_x, of_y };

/// dz of the vector at element `at`, whose first channel is c.
template <Slope slope, class Part>
WEFT_ALWAYS_INLINE Vec activation_gradient(const BatchNormBackward<float>& b, const Limits& limits, const Part& part,
                                           std::int64_t at, std::int64_t c) {
  const Vec dy = part.load_from(b.dy + at);
  if constexpr (slope == Slope::one) return dy;
  const Vec y = slope == Slope::of_y
                    ? part.load_from(b.y + at)
                    : part.load_from(b.x + at) * part.load_from(b.factor + c) + part.load_from(b.offset + c);
  const Mask passed = (y > limits.low) & (y < limits.high);
  return passed ? dy : Vec{};
}

/// Calls body.template operator()<slope>() with the slope that b asks for.
template <class Body>
WEFT_ALWAYS_INLINE void with_slope(const BatchNormBackward<float>& b, Body&& body) {
  if (!has_bounds(b.clamp)) {
    body.template operator()<Slope::one>();
  } else if (b.y == nullptr) {
    body.template operator()<Slope::of_x>();
  } else {
    body.template operator()<Slope::of_y>();
  }
}

// A strip's two sums for each vector and some temporaries fill the registers.
constexpr int most_strip_vectors = vector_registers == 32 ? 12 : 4;
constexpr std::int64_t tile_floats = 768;
constexpr std::int64_t least_tile_rows = 4;
constexpr std::int64_t most_tile_rows = 32;  // a sum of tiles' sums rounds less than one long sum
// Rows that do not fit 32 registers are those of small images, which the caches hold: no need of tiles.
constexpr bool has_tiles = vector_registers < 32;

/// Asks for `count` floats from p on, in order.
WEFT_ALWAYS_INLINE void prefetch_in_order(const float* p, std::int64_t count) {
  for (std::int64_t i = 0; i < count; i += cache_line_floats) __builtin_prefetch(p + i);
}

/// Calls body.template operator()<vectors>() with the number that is `wanted`, 1 to `most`.
template <int most, class Body>
WEFT_ALWAYS_INLINE void with_vectors(std::int64_t wanted, Body&& body) {
  if constexpr (most > 1) {
    if (wanted < most) return with_vectors<most - 1>(wanted, body);
  }
  body.template operator()<most>();
}

/// Calls add.template operator()<vectors>(part, first row, rows, channel) for each strip, tile by tile. `read` are the
/// matrices of which it reads these rows. (The compiler would drop calls of a function that only prefetches.)
template <int count, class Add>
WEFT_ALWAYS_INLINE void for_each_strip(const float* const (&read)[count], std::int64_t rows, std::int64_t channels,
                                       Add&& add) {
  const std::int64_t vectors = channels / lanes, strips = ceil_div(vectors, most_strip_vectors);
  const std::int64_t rest = channels - vectors * lanes;
  const bool is_tiled = has_tiles && strips + (rest > 0 ? 1 : 0) > 1;
  const std::int64_t tile_rows = is_tiled ? max64(least_tile_rows, tile_floats / (count * channels)) : most_tile_rows;
  for (std::int64_t first = 0; first < rows; first += tile_rows) {
    const std::int64_t tile = min64(tile_rows, rows - first);
    for (int i = 0; i < count && is_tiled; ++i) prefetch_in_order(read[i] + first * channels, tile * channels);
    for (std::int64_t s = 0; s < strips; ++s) {
      const Part strip = part_of(vectors, strips, s);
      with_vectors<most_strip_vectors>(strip.size, [&]<int size>() {
        add.template operator()<size>(Lanes<true>{lanes}, first, tile, strip.begin * lanes);
      });
    }
    if (rest > 0) add.template operator()<1>(Lanes<false>{rest}, first, tile, vectors * lanes);
  }
}

/// sums += x - centre and squares += (x - centre)^2 over a strip; all point to its first channel.
template <int vectors, class Part>
void add_deviations(const Part part, const float* x, std::int64_t rows, std::int64_t step, const float* centre,
                    float* sums, float* squares) {
  Vec middle[vectors], sum[vectors], square[vectors];
  WEFT_UNROLL
  for (int v = 0; v < vectors; ++v) {
    const std::int64_t c = v * lanes;
    middle[v] = part.load_from(centre + c), sum[v] = Vec{}, square[v] = Vec{};
  }
  for (std::int64_t r = 0; r < rows; ++r, x += step) {
    WEFT_UNROLL
    for (int v = 0; v < vectors; ++v) {
      const Vec d = part.load_from(x + v * lanes) - middle[v];
      sum[v] += d;
      square[v] += d * d;
    }
  }
  WEFT_UNROLL
  for (int v = 0; v < vectors; ++v) {
    part.store_to(sums + v * lanes, part.load_from(sums + v * lanes) + sum[v]);
    part.store_to(squares + v * lanes, part.load_from(squares + v * lanes) + square[v]);
  }
}

/// The same with dz and dz (x - mean), for rows from `first` and channels from c on. Stores dz where it is wanted.
template <Slope slope, bool stores_dz, int vectors, class Part>
void add_gradients(const Part part, const BatchNormBackward<float> b, const Limits limits, std::int64_t first,
                   std::int64_t rows, std::int64_t c, float* sum_dz, float* sum_dz_d, float* dz_out) {
  Vec sum[vectors], sum_d[vectors];
  WEFT_UNROLL
  for (int v = 0; v < vectors; ++v) sum[v] = Vec{}, sum_d[v] = Vec{};
  for (std::int64_t r = first; r < first + rows; ++r) {
    WEFT_UNROLL
    for (int v = 0; v < vectors; ++v) {
      const std::int64_t channel = c + v * lanes, at = r * b.channels + channel;
      const Vec dz = activation_gradient<slope>(b, limits, part, at, channel);
      const Vec d = part.load_from(b.x + at) - part.load_from(b.mean + channel);
      if (stores_dz) part.store_to(dz_out + at, dz);
      sum[v] += dz;
      sum_d[v] += dz * d;
    }
  }
  WEFT_UNROLL
  for (int v = 0; v < vectors; ++v) {
    float *to = sum_dz + c + v * lanes, *to_d = sum_dz_d + c + v * lanes;
    part.store_to(to, part.load_from(to) + sum[v]);
    part.store_to(to_d, part.load_from(to_d) + sum_d[v]);
  }
}

/// The rows of scale_shift_rows, with y stored by write(part, p, vector).
template <class Write>
WEFT_ALWAYS_INLINE void scale_shift_each(const float* x, const float* residual, std::int64_t rows,
                                         std::int64_t channels, const float* factor, const float* offset,
                                         const Limits& limits, float* y, Write&& write) {
  for (std::int64_t r = 0; r < rows; ++r) {
    for_each_vector(channels, [&](auto part, std::int64_t c) {
      const std::int64_t at = r * channels + c;
      Vec value = part.load_from(x + at) * part.load_from(factor + c) + part.load_from(offset + c);
      if (residual != nullptr) value += part.load_from(residual + at);
      write(part, y + at, clamp(value, limits.low, limits.high));
    });
  }
}

void set_zero(float* values, std::int64_t count) {
  for (std::int64_t i = 0; i < count; ++i) values[i] = 0;
}

}  // namespace

void column_deviations(const float* x, std::int64_t rows, std::int64_t channels, float* centre, float* sums,
                       float* squares) {
  set_zero(centre, channels);
  set_zero(sums, channels);
  set_zero(squares, channels);
  const std::int64_t samples = min64(rows, 16);
  for (std::int64_t k = 0; k < samples; ++k) {
    for (std::int64_t c = 0; c < channels; ++c) centre[c] += x[k * channels + c];
  }
  for (std::int64_t c = 0; c < channels; ++c) centre[c] /= static_cast<float>(samples);

  const float* const read[] = {x};
  for_each_strip(
      read, rows, channels, [&]<int vectors>(auto part, std::int64_t first, std::int64_t count, std::int64_t c) {
        add_deviations<vectors>(part, x + first * channels + c, count, channels, centre + c, sums + c, squares + c);
      });
}

void scale_shift_rows(const float* x, const float* residual, std::int64_t rows, std::int64_t channels,
                      const float* factor, const float* offset, Clamp clamp, bool past_caches, float* y) {
  const Limits limits(clamp);
  const bool is_aligned = channels % lanes == 0 && reinterpret_cast<std::uintptr_t>(y) % sizeof(Vec) == 0;
  if (past_caches && is_aligned) {
    scale_shift_each(x, residual, rows, channels, factor, offset, limits, y,
                     [](auto, float* p, Vec v) { store_past_caches(p, v); });
    stream_fence();
  } else {
    scale_shift_each(x, residual, rows, channels, factor, offset, limits, y,
                     [](auto part, float* p, Vec v) { part.store_to(p, v); });
  }
}

void column_gradients(const BatchNormBackward<float>& b, float* sum_dz, float* sum_dz_d, float* dz) {
  const Limits limits(b.clamp);
  set_zero(sum_dz, b.channels);
  set_zero(sum_dz_d, b.channels);
  const float* const read[] = {b.x, b.dy};
  with_slope(b, [&]<Slope slope>() {
    for_each_strip(read, b.rows, b.channels,
                   [&]<int vectors>(auto part, std::int64_t first, std::int64_t count, std::int64_t c) {
                     if (dz != nullptr) {
                       add_gradients<slope, true, vectors>(part, b, limits, first, count, c, sum_dz, sum_dz_d, dz);
                     } else {
                       add_gradients<slope, false, vectors>(part, b, limits, first, count, c, sum_dz, sum_dz_d, dz);
                     }
                   });
  });
}

void batch_norm_gradient_rows(const BatchNormBackward<float>& problem, const float* shift, const float* stretch,
                              float* dx) {
  const BatchNormBackward<float> b = problem;  // a store to dx can't change a copy, as far as the compiler knows
  const Limits limits(b.clamp);
  with_slope(b, [&]<Slope slope>() {
    for (std::int64_t r = 0; r < b.rows; ++r) {
      for_each_vector(b.channels, [&](auto part, std::int64_t c) {
        const std::int64_t at = r * b.channels + c;
        const Vec dz = activation_gradient<slope>(b, limits, part, at, c);
        const Vec d = part.load_from(b.x + at) - part.load_from(b.mean + c);
        part.store_to(dx + at,
                      part.load_from(b.factor + c) * dz - part.load_from(shift + c) - part.load_from(stretch + c) * d);
      });
    }
  });
}

}  // namespace weft::kernels::WEFT_ISA
