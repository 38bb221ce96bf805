// Max pooling, a row of windows at a time, and its adjoint, a row of inputs at a time. core/kernels/reference/pooling.h
// defines both.
//
// Channels fill the vectors. The reference passes over a pixel's channels once for each input of the window, and so
// loads and stores y nine times; here a vector of y meets its whole window in a register, and the winners' places with
// it. They are integers while they are compared and bytes in memory.

#include "core/kernels/isa/kernels.h"
#include "core/kernels/isa/store_sums.h"
#include "core/kernels/isa/vec.h"

namespace weft::kernels::WEFT_ISA {
namespace {

typedef std::int32_t Ints __attribute__((vector_size(4 * lanes)));
typedef std::uint8_t Bytes __attribute__((vector_size(lanes)));

// Bytes as integers, and back. (__builtin_convertvector says the same, but gcc 12 goes through it lane by lane.)
WEFT_ALWAYS_INLINE Ints widen(Bytes bytes) {
#if defined(WEFT_ISA_avx512)
  return reinterpret_cast<Ints>(_mm512_maskz_cvtepu8_epi32(0xffff, reinterpret_cast<__m128i>(bytes)));
#elif defined(WEFT_ISA_avx2)
  return reinterpret_cast<Ints>(_mm256_cvtepu8_epi32(_mm_set_epi64x(0, reinterpret_cast<long long>(bytes))));
#else
  return __builtin_convertvector(bytes, Ints);
#endif
}
WEFT_ALWAYS_INLINE Bytes narrow(Ints places) {
#if defined(WEFT_ISA_avx512)
  return reinterpret_cast<Bytes>(_mm512_maskz_cvtepi32_epi8(0xffff, reinterpret_cast<__m512i>(places)));
#elif defined(WEFT_ISA_avx2)
  const __m256i all = reinterpret_cast<__m256i>(places);
  const __m128i words = _mm_packus_epi32(_mm256_castsi256_si128(all), _mm256_extracti128_si256(all, 1));
  return reinterpret_cast<Bytes>(_mm_cvtsi128_si64(_mm_packus_epi16(words, words)));
#else
  return __builtin_convertvector(places, Bytes);
#endif
}

/// The places of a whole vector, or of its first channels.
template <bool is_whole>
WEFT_ALWAYS_INLINE Ints load_places(const std::uint8_t* from, Lanes<is_whole> part) {
  Bytes bytes = {};
  __builtin_memcpy(&bytes, from, is_whole ? sizeof(bytes) : static_cast<std::size_t>(part.count));
  return widen(bytes);
}
template <bool is_whole>
WEFT_ALWAYS_INLINE void store_places(std::uint8_t* to, Ints places, Lanes<is_whole> part) {
  const Bytes bytes = narrow(places);
  __builtin_memcpy(to, &bytes, is_whole ? sizeof(bytes) : static_cast<std::size_t>(part.count));
}

WEFT_ALWAYS_INLINE Ints all_equal(std::int64_t place) { return static_cast<std::int32_t>(place) - Ints{}; }

struct Range {
  std::int64_t begin, end;
};

/// The elements of window o of an axis that lie inside it: 0 .. kernel - 1, less what padding covers.
WEFT_ALWAYS_INLINE Range inside(const Pool2d& p, std::int64_t o, std::int64_t size) {
  const std::int64_t start = o * p.stride - p.padding;
  return {max64(-start, 0), min64(p.kernel, size - start)};
}

/// The windows that hold input i: o * stride <= i + padding < o * stride + kernel.
WEFT_ALWAYS_INLINE Range windows_of(const Pool2d& p, std::int64_t i, std::int64_t windows) {
  const std::int64_t from_start = i + p.padding;
  return {from_start < p.kernel ? 0 : (from_start - p.kernel) / p.stride + 1,
          min64(from_start / p.stride + 1, windows)};
}

/// The maximum of some rows and columns of a window that begins at `corner`, and its place in the window, for a vector
/// of channels: to y[at, ...) and positions[at, ...).
template <bool keeps_places, class Part>
WEFT_ALWAYS_INLINE void pool_window(const float* corner, std::int64_t w, std::int64_t c, std::int64_t kernel,
                                    const Range& rows, const Range& columns, const Part& part, std::int64_t at,
                                    float* y, std::uint8_t* positions) {
  Vec best = part.load_from(corner + (rows.begin * w + columns.begin) * c);
  Ints places = all_equal(rows.begin * kernel + columns.begin);
  _Pragma("GCC unroll 3") for (std::int64_t i = rows.begin; i < rows.end; ++i) {
    _Pragma("GCC unroll 3") for (std::int64_t j = columns.begin; j < columns.end; ++j) {
      const Vec v = part.load_from(corner + (i * w + j) * c);
      const Ints wins = (v > best) | (v != v);  // the first of equals stays, a NaN is not lost
      best = wins ? v : best;
      if (keeps_places) places = wins ? all_equal(i * kernel + j) : places;
    }
  }
  part.store_to(y + at, best);
  if (keeps_places) store_places(positions + at, places, part);
}

template <bool keeps_places>
WEFT_ALWAYS_INLINE void pool_row(const Pool2d& p, const float* x, std::int64_t out_row, float* y,
                                 std::uint8_t* positions) {
  const std::int64_t image = out_row / p.oh, o = out_row % p.oh;
  const Range rows = inside(p, o, p.h);
  const float* top = x + (image * p.h + o * p.stride - p.padding) * p.w * p.c;
  for (std::int64_t q = 0; q < p.ow; ++q) {
    const Range columns = inside(p, q, p.w);
    const float* corner = top + (q * p.stride - p.padding) * p.c;
    const std::int64_t at = (out_row * p.ow + q) * p.c;
    const bool is_whole = rows.end - rows.begin == p.kernel && columns.end - columns.begin == p.kernel;
    for_each_vector(p.c, [&](auto part, std::int64_t c) {
      if (is_whole && p.kernel == 3) {  // nearly all windows of a ResNet: no loops over them
        pool_window<keeps_places>(corner + c, p.w, p.c, 3, {0, 3}, {0, 3}, part, at + c, y, positions);
      } else {
        pool_window<keeps_places>(corner + c, p.w, p.c, p.kernel, rows, columns, part, at + c, y, positions);
      }
    });
  }
}

// Pixels of dx whose sums stay in registers.
constexpr int gradient_run = 8;

/// What the pixels of a row of dx have in common.
struct GradientRow {
  const Pool2d& p;
  const float* dy;
  const std::uint8_t* positions;
  std::int64_t row, i, first_window;  // of all images, of its image; of its image
  Range down;

  GradientRow(const Pool2d& pool, const float* dy_, const std::uint8_t* positions_, std::int64_t row_)
      : p(pool),
        dy(dy_),
        positions(positions_),
        row(row_),
        i(row_ % pool.h),
        first_window(row_ / pool.h * pool.oh * pool.ow),
        down(windows_of(pool, i, pool.oh)) {}

  /// dx of pixel j, which the windows `along` hold, at a vector of channels.
  template <class Part>
  WEFT_ALWAYS_INLINE Vec gather(std::int64_t j, const Range& along, const Part& part, std::int64_t c) const {
    Vec sum = {};
    for (std::int64_t a = down.begin; a < down.end; ++a) {
      for (std::int64_t b = along.begin; b < along.end; ++b) {
        const std::int64_t place = (i + p.padding - a * p.stride) * p.kernel + j + p.padding - b * p.stride;
        const std::int64_t window = (first_window + a * p.ow + b) * p.c + c;
        const Ints is_mine = load_places(positions + window, part) == all_equal(place);
        sum += is_mine ? part.load_from(dy + window) : Vec{};
      }
    }
    return sum;
  }
};

void store_gradient_row(const GradientRow& row, const float* before, const StoreSums& sums, bool past_caches,
                        float* dx) {
  const Pool2d p = row.p;
  StoreSums so_far = sums;
  const float* const read[] = {before, sums.x, sums.y};
  for (std::int64_t first = 0; first < p.w; first += gradient_run) {
    const std::int64_t last = min64(p.w, first + gradient_run);
    Range along[gradient_run];
    for (std::int64_t j = first; j < last; ++j) along[j - first] = windows_of(p, j, p.ow);
    for_each_vector(p.c, [&](auto part, std::int64_t c) {
      VectorGradientSums of_run(so_far, c);
      for (std::int64_t j = first; j < last; ++j) {
        const std::int64_t at = (row.row * p.w + j) * p.c + c;
        // The next run's: pixel after pixel at one vector is not the order in which the processor would fetch.
        for (const float* image : read) {
          if (image != nullptr) __builtin_prefetch(image + at + gradient_run * p.c);
        }
        Vec sum = row.gather(j, along[j - first], part, c);
        if (before != nullptr) sum += part.load_from(before + at);
        if (so_far.are_of_gradient())
          sum = of_run.add(sum, part.load_from(so_far.x + at), [&] { return part.load_from(so_far.y + at); });
        if (past_caches) {
          store_past_caches(dx + at, sum);
        } else {
          part.store_to(dx + at, sum);
        }
      }
      if (so_far.are_of_gradient()) of_run.add_to(so_far, c);
    });
    so_far.is_first = false;
  }
}

}  // namespace

void max_pool_row(const Pool2d& p, const float* x, std::int64_t out_row, float* y, std::uint8_t* positions) {
  if (positions == nullptr) {
    pool_row<false>(p, x, out_row, y, positions);
  } else {
    pool_row<true>(p, x, out_row, y, positions);
  }
}

void max_pool_gradient_rows(const Pool2d& p, const float* dy, const std::uint8_t* positions, const float* before,
                            std::int64_t begin, std::int64_t end, const PartSums& sums, std::int64_t part, float* dx) {
  // Lines that are read before are near.
  const bool past_caches = before != dx && belongs_past_caches(dx, p.n * p.h * p.w * p.c, p.c);
  for (std::int64_t row = begin; row < end; ++row) {
    store_gradient_row(GradientRow(p, dy, positions, row), before, sums_of_part(sums, part, 0, row == begin),
                       past_caches, dx);
  }
  if (past_caches) stream_fence();
}

}  // namespace weft::kernels::WEFT_ISA
