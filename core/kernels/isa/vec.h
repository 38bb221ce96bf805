#pragma once
// One vector register of floats, as wide as the instruction set that this file is compiled for.
//
// Files in core/kernels/isa are compiled once per instruction set, with WEFT_ISA naming a namespace. Everything in
// them has internal linkage or lives in that namespace, and they use no inline function or template of anybody
// else's: the linker keeps one copy of such a function, and if that were the AVX-512 one, older processors would
// crash in it. tests/core/kernels/check_isa_symbols.cmake looks at the objects.

#if defined(WEFT_ISA_avx2) || defined(WEFT_ISA_avx512)
#include <immintrin.h>
#endif

#include <cstdint>

#define WEFT_ALWAYS_INLINE inline __attribute__((always_inline))
// Loops over the registers of a tile vanish: only then do tiles live in registers.
#define WEFT_UNROLL _Pragma("GCC unroll 32")

namespace weft::kernels::WEFT_ISA {
namespace {

#if defined(WEFT_ISA_avx512)
constexpr int lanes = 16;
constexpr int vector_registers = 32;
#elif defined(WEFT_ISA_avx2)
constexpr int lanes = 8;
constexpr int vector_registers = 16;
#else
constexpr int lanes = 4;
constexpr int vector_registers = 16;
#endif

constexpr std::int64_t cache_line_floats = 16;

/// Multiply-adds that must be under way to keep the multipliers busy: two start in a cycle, each takes four.
constexpr int sums_under_way = 8;

typedef float Vec __attribute__((vector_size(4 * lanes)));
typedef float UnalignedVec __attribute__((vector_size(4 * lanes), aligned(4), may_alias));

WEFT_ALWAYS_INLINE Vec load(const float* p) { return *reinterpret_cast<const UnalignedVec*>(p); }
WEFT_ALWAYS_INLINE void store(float* p, Vec v) { *reinterpret_cast<UnalignedVec*>(p) = v; }
WEFT_ALWAYS_INLINE Vec broadcast(float value) {
  return value - Vec{};
}  // minus zero changes nothing, plus zero would change -0

/// The first `count` lanes from p, zeros in the others; 0 <= count <= lanes. Touches no byte beyond them.
WEFT_ALWAYS_INLINE Vec load_partial(const float* p, std::int64_t count) {
#if defined(WEFT_ISA_avx512)
  return _mm512_maskz_loadu_ps(static_cast<__mmask16>((1u << count) - 1), p);
#elif defined(WEFT_ISA_avx2)
  const __m256i lane = _mm256_setr_epi32(0, 1, 2, 3, 4, 5, 6, 7);
  return _mm256_maskload_ps(p, _mm256_cmpgt_epi32(_mm256_set1_epi32(static_cast<int>(count)), lane));
#else
  Vec v = {};
  for (std::int64_t i = 0; i < count; ++i) v[i] = p[i];
  return v;
#endif
}

WEFT_ALWAYS_INLINE void store_partial(float* p, Vec v, std::int64_t count) {
#if defined(WEFT_ISA_avx512)
  _mm512_mask_storeu_ps(p, static_cast<__mmask16>((1u << count) - 1), v);
#else
  for (std::int64_t i = 0; i < count; ++i) p[i] = v[i];
#endif
}

/// A store to an aligned p that does not fetch p's cache line first, where the instruction set has one. stream_fence()
/// makes such stores visible to other threads.
WEFT_ALWAYS_INLINE void store_past_caches(float* p, Vec v) {
#if defined(WEFT_ISA_avx512)
  _mm512_stream_ps(p, v);
#elif defined(WEFT_ISA_avx2)
  _mm256_stream_ps(p, v);
#else
  store(p, v);
#endif
}
WEFT_ALWAYS_INLINE void stream_fence() {
#if defined(WEFT_ISA_avx512) || defined(WEFT_ISA_avx2)
  _mm_sfence();
#endif
}

/// Floats in an image that is better stored past the caches: 16 MB, as its start has left them when its end is stored.
constexpr std::int64_t larger_than_caches = 4 << 20;
/// The same where little is computed for each vector that is stored, so that storing is what takes the time: 2 MB.
/// Memory that an operation writes has mostly left the caches since it was last used: its lines would come just to be
/// overwritten.
constexpr std::int64_t larger_than_l2 = 1 << 19;
/// True where an image [..., channels] of `count` floats, `least` or more, is to be stored so. Lines are filled vector
/// by vector.
WEFT_ALWAYS_INLINE bool belongs_past_caches(const float* image, std::int64_t count, std::int64_t channels,
                                            std::int64_t least = larger_than_caches) {
  return count >= least && channels % cache_line_floats == 0 && reinterpret_cast<std::uintptr_t>(image) % 64 == 0;
}

/// A whole vector, or the first `count` lanes of one: the end of a row of channels.
template <bool is_whole>
struct Lanes {
  std::int64_t count;

  WEFT_ALWAYS_INLINE Vec load_from(const float* p) const { return is_whole ? load(p) : load_partial(p, count); }
  WEFT_ALWAYS_INLINE void store_to(float* p, Vec v) const {
    if (is_whole) {
      store(p, v);
    } else {
      store_partial(p, v, count);
    }
  }
};

/// Calls body(lanes, c) for each vector of a row of channels; c is its first channel.
template <class Body>
WEFT_ALWAYS_INLINE void for_each_vector(std::int64_t channels, Body&& body) {
  std::int64_t c = 0;
  for (; c + lanes <= channels; c += lanes) body(Lanes<true>{lanes}, c);
  if (c < channels) body(Lanes<false>{channels - c}, c);
}

/// v, loaded here and once: the compiler would rather load it again for each use, and loads are the scarce thing.
WEFT_ALWAYS_INLINE Vec kept_in_register(Vec v) {
#if defined(WEFT_ISA_avx512) || defined(WEFT_ISA_avx2)
  asm("" : "+v"(v));
#endif
  return v;
}

/// The sum of all lanes, halves first.
WEFT_ALWAYS_INLINE float sum_lanes(Vec v) {
  float values[lanes];
  store(values, v);
  for (int half = lanes / 2; half > 0; half /= 2) {
    for (int i = 0; i < half; ++i) values[i] += values[i + half];
  }
  return values[0];
}

/// low where v < low, high where v > high, else v; a NaN passes.
WEFT_ALWAYS_INLINE Vec clamp(Vec v, Vec low, Vec high) {
  v = v < low ? low : v;
  return v > high ? high : v;
}

WEFT_ALWAYS_INLINE std::int64_t min64(std::int64_t a, std::int64_t b) { return a < b ? a : b; }
WEFT_ALWAYS_INLINE std::int64_t max64(std::int64_t a, std::int64_t b) { return a < b ? b : a; }
WEFT_ALWAYS_INLINE std::int64_t ceil_div(std::int64_t a, std::int64_t b) { return (a + b - 1) / b; }
WEFT_ALWAYS_INLINE std::int64_t round_up(std::int64_t count, std::int64_t unit) { return ceil_div(count, unit) * unit; }

/// Part `index` of `count` things cut into `parts` nearly equal runs.
struct Part {
  std::int64_t begin, size;
};
WEFT_ALWAYS_INLINE Part part_of(std::int64_t count, std::int64_t parts, std::int64_t index) {
  const std::int64_t each = count / parts, longer = count % parts;
  return {index * each + min64(index, longer), each + (index < longer ? 1 : 0)};
}

}  // namespace
}  // namespace weft::kernels::WEFT_ISA
