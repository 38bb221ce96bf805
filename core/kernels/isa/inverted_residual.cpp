// An inverted residual block at inference (core/kernels/inverted_residual.h has the formulas), by bands of rows.
//
// Expanded, an image is six times as large as before and after: 25 MB for 256 x 256 x 96. Here a thread keeps a few
// rows of it, in a ring, for some of its channels:
//
//   tasks: bands of output rows
//     chunks of expanded channels                            We, wd, Wp of a chunk stay in the cache
//       groups of output rows, one or a few
//         1. expand the input rows that the group adds  -> ring [rows][1 + w + 1][chunk], zeros around the image
//         2. depthwise from the ring                    -> d [pixels of the group][chunk]
//         3. y += d Wp                                     y holds the sums over earlier chunks
//
// Neighbouring bands both expand the rows between them, so bands are not made too low. A small image has too few of
// them to share out. There, a task is a band and a chunk for steps 1 and 2, d is stored whole, and step 3 follows:
//
//   tasks: bands x chunks: groups of rows: steps 1, 2 -> d      tasks: blocks of pixels x panels of channels: y = d Wp
//
// Steps 1 and 3 are matrix products with the register tile of tap_tile.h. A pixel's sums are the same whatever band,
// group or tile it is in.

#include "core/kernels/isa/kernels.h"
#include "core/kernels/isa/tap_tile.h"
#include "core/kernels/scratch.h"
#include "core/parallel.h"

namespace weft::kernels::WEFT_ISA {
namespace {

constexpr std::int64_t scratch_floats = 96 * 1024;  // of ring and d: 384 KB of L2; with half, some blocks lose 9%
constexpr std::int64_t least_group_pixels = 64;     // fewer would leave register tiles unfilled
constexpr std::int64_t band_input_rows = 16;
constexpr std::int64_t many_tasks = 8;
constexpr std::int64_t least_band_rows = 8, split_pixels = 96;
constexpr float six = 6;  // where ReLU6 ends

/// Channels cut into panels of up to max_tile_vectors vectors. Of many panels there is an even number: two threads
/// that share out nine have one of them wait while the other does the ninth.
struct Panels {
  std::int64_t vectors, count;

  explicit Panels(std::int64_t channels)
      : vectors(ceil_div(channels, lanes)), count(ceil_div(vectors, max_tile_vectors)) {
    if (count >= many_tasks) count += count % 2;
  }
  /// First channel and number of channels, rounded up to vectors, of `size` panels from `begin` on.
  Part channels(std::int64_t begin, std::int64_t size) const {
    const std::int64_t first = part_of(vectors, count, begin).begin;
    const Part last = part_of(vectors, count, begin + size - 1);
    return {first * lanes, (last.begin + last.size - first) * lanes};
  }
};

/// Where the parts of the packed weights begin. Matrices are [panel of output channels][input channel][panel's width],
/// the depthwise filters [tap][c_mid], all channels rounded up.
struct Layout {
  std::int64_t mid, expand_bias, depthwise, depthwise_bias, project, project_bias, floats;

  explicit Layout(const InvertedResidualProblem& p) {
    mid = round_up(p.c_mid, cache_line_floats);
    const std::int64_t out = round_up(p.c_out, cache_line_floats);
    expand_bias = p.has_expansion ? p.c_in * mid : 0;
    depthwise = expand_bias + (p.has_expansion ? mid : 0);
    depthwise_bias = depthwise + 9 * mid;
    project = depthwise_bias + mid;
    project_bias = project + p.c_mid * out;
    floats = project_bias + out;
  }
};

void pack_matrix(const float* w, std::int64_t rows, std::int64_t columns, float* packed) {
  const Panels panels(columns);
  for (std::int64_t panel = 0; panel < panels.count; ++panel) {
    const Part part = panels.channels(panel, 1);
    for (std::int64_t k = 0; k < rows; ++k) {
      for (std::int64_t n = part.begin; n < part.begin + part.size; ++n) *packed++ = n < columns ? w[n * rows + k] : 0;
    }
  }
}

void pack_bias(const float* bias, std::int64_t count, std::int64_t padded, float* packed) {
  for (std::int64_t n = 0; n < padded; ++n) packed[n] = n < count ? bias[n] : 0;
}

/// How the work is cut; from shapes alone.
struct Plan {
  Panels mid_panels, out_panels;
  std::int64_t out_h, out_w;
  std::int64_t chunk_panels, chunks, chunk_width;  // panels in a chunk; channels of the widest
  std::int64_t group_rows, ring_rows, ring_floats, group_floats;
  std::int64_t band_rows, bands;  // of one image
  bool is_split;                  // d is stored whole
};

/// The widest chunks whose ring and d take at most scratch_floats.
void plan_chunks(const InvertedResidualProblem& p, Plan& plan) {
  const std::int64_t ring_pixels = plan.ring_rows * (p.w + 2), group_pixels = plan.group_rows * plan.out_w;
  const std::int64_t panels = plan.mid_panels.count, panel_width = plan.mid_panels.channels(0, 1).size;
  const std::int64_t fitting = max64(1, scratch_floats / ((ring_pixels + group_pixels) * panel_width));
  plan.chunk_panels = plan.is_split ? 1 : ceil_div(panels, ceil_div(panels, fitting));
  plan.chunks = ceil_div(panels, plan.chunk_panels);
  plan.chunk_width = plan.mid_panels.channels(0, plan.chunk_panels).size;
  plan.ring_floats = ring_pixels * plan.chunk_width;
  plan.group_floats = plan.is_split ? 0 : group_pixels * plan.chunk_width;
}

Plan make_plan(const InvertedResidualProblem& p) {
  Plan plan = {Panels(p.c_mid), Panels(p.c_out), p.out_h(), p.out_w(), 0, 0, 0, 0, 0, 0, 0, 0, 0, false};
  plan.band_rows = max64(1, band_input_rows / p.stride);
  plan.bands = ceil_div(plan.out_h, plan.band_rows);
  plan.is_split = p.n * plan.bands < many_tasks;
  plan.group_rows = min64(max64(1, least_group_pixels / plan.out_w), plan.band_rows);
  plan.ring_rows = (plan.group_rows - 1) * p.stride + 3;
  plan_chunks(p, plan);
  return plan;
}

/// Everything that one call shares.
struct Block {
  const InvertedResidualProblem& p;
  const Plan& plan;
  const Layout& layout;
  const float* x;
  const float* packed;
  float* y;
};

/// Register tiles of one pixel each row: y[pixel] = x[pixel] W for a panel of output channels.
struct Tiles {
  TapTile tile = {};
  std::int64_t size;
  RunTapTile run;
  const float* pixels[max_tile_pixels];
  std::int64_t out_at[max_tile_pixels];
  const std::int64_t offset = 0;

  Tiles(std::int64_t channels, const Part& columns, const float* packed, const float* bias, float high) {
    const std::int64_t vectors = columns.size / lanes;
    size = tile_pixels(static_cast<int>(vectors));
    run = tap_tile_function(vectors);
    tile.pixels = pixels;
    tile.offsets = &offset;
    tile.taps = 1;
    tile.channels = channels;
    tile.packed = packed;
    tile.out_at = out_at;
    tile.columns = columns.size;
    tile.is_first = tile.is_last = true;
    tile.bias = bias;
    tile.low = -high, tile.high = high;
  }
  Tiles(const Tiles&) = delete;
  Tiles& operator=(const Tiles&) = delete;
};

/// Some expanded channels of one image, of which the rows that the depthwise convolution needs next are in a ring.
class ExpandedRows {
 public:
  /// `ring` has plan.ring_floats.
  ExpandedRows(const Block& block, float* ring)
      : block_(block), p_(block.p), width_(block.plan.chunk_width), row_floats_((block.p.w + 2) * width_), ring_(ring) {
    for (std::int64_t row = 0; row < block.plan.ring_rows; ++row) {
      clear(ring_ + row * row_floats_, width_);
      clear(ring_ + (row + 1) * row_floats_ - width_, width_);
    }
  }

  /// Turns to output rows from `row` on of an image, and to `panel_count` panels of its channels.
  void start(std::int64_t image, std::int64_t row, std::int64_t first_panel, std::int64_t panel_count) {
    image_ = image;
    next_row_ = row * p_.stride - 1;
    first_panel_ = first_panel;
    panel_count_ = panel_count;
    chunk_ = block_.plan.mid_panels.channels(first_panel, panel_count);
  }

  const Part& chunk() const { return chunk_; }

  /// Steps 1 and 2 for the next group of output rows [begin, end); d's pixels are d_step floats apart.
  void run_group(std::int64_t begin, std::int64_t end, float* d, std::int64_t d_step) {
    const std::int64_t row_end = (end - 1) * p_.stride + 2;
    fill_ring(next_row_, row_end);
    next_row_ = row_end;
    for (std::int64_t i = begin; i < end; ++i) depthwise_row(i, d + (i - begin) * block_.plan.out_w * d_step, d_step);
  }

 private:
  static void clear(float* to, std::int64_t floats) {
    for (std::int64_t i = 0; i < floats; ++i) to[i] = 0;
  }

  /// The first pixel of input row `row` >= -1 in the ring.
  float* ring_row(std::int64_t row) const { return ring_ + (row + 1) % block_.plan.ring_rows * row_floats_ + width_; }

  /// Brings input rows [begin, end) into the ring; those outside the image are zeros.
  void fill_ring(std::int64_t begin, std::int64_t end) {
    for (std::int64_t row = begin; row < end; ++row) {
      if (row < 0 || row >= p_.h) clear(ring_row(row), p_.w * width_);
    }
    begin = max64(begin, 0), end = min64(end, p_.h);
    if (p_.has_expansion) {
      for (std::int64_t panel = first_panel_; panel < first_panel_ + panel_count_; ++panel) expand(panel, begin, end);
    } else {
      for (std::int64_t row = begin; row < end; ++row) copy_row(row);
    }
  }

  const float* input_row(std::int64_t row) const { return block_.x + (image_ * p_.h + row) * p_.w * p_.c_in; }

  void copy_row(std::int64_t row) const {
    const float* from = input_row(row) + chunk_.begin;
    float* to = ring_row(row);
    const std::int64_t channels = min64(chunk_.size, p_.c_in - chunk_.begin);
    for (std::int64_t col = 0; col < p_.w; ++col, from += p_.c_in, to += width_)
      for_each_vector(channels, [&](auto part, std::int64_t c) { store(to + c, part.load_from(from + c)); });
  }

  void expand(std::int64_t panel, std::int64_t begin, std::int64_t end) const {
    const Part columns = block_.plan.mid_panels.channels(panel, 1);
    Tiles tiles(p_.c_in, columns, block_.packed + columns.begin * p_.c_in,
                block_.packed + block_.layout.expand_bias + columns.begin, six);
    tiles.tile.low = 0;
    tiles.tile.prefetch = tiles.size * p_.c_in;
    tiles.tile.out = ring_ + columns.begin - chunk_.begin;
    const float* x = input_row(begin);
    std::int64_t row = begin, col = 0, at = ring_row(row) - ring_;
    for (std::int64_t left = (end - begin) * p_.w; left > 0; left -= tiles.size) {
      tiles.tile.count = min64(tiles.size, left);
      for (std::int64_t m = 0; m < tiles.size; ++m) {
        tiles.pixels[m] = x;
        tiles.out_at[m] = at;
        if (m + 1 >= left) continue;  // pixels that do not exist repeat the last one
        x += p_.c_in;
        at += width_;
        if (++col == p_.w) col = 0, at = ring_row(++row) - ring_;
      }
      tiles.run(tiles.tile);
    }
  }

  void depthwise_row(std::int64_t i, float* d, std::int64_t d_step) const {
    if (p_.stride == 1) {
      depthwise_row<1>(i, d, d_step);
    } else {
      depthwise_row<2>(i, d, d_step);
    }
  }

  template <int stride>
  void depthwise_row(std::int64_t i, float* d, std::int64_t d_step) const {
    const float* rows[3];
    for (int u = 0; u < 3; ++u) rows[u] = ring_row(i * stride - 1 + u) - width_;
    const std::int64_t step = stride * width_, out_w = block_.plan.out_w;
    std::int64_t j = 0;
    for (; j + 8 <= out_w; j += 8) depthwise_pixels<stride, 8>(rows, j * step, d + j * d_step, d_step);
    for (; j < out_w; ++j) depthwise_pixels<stride, 1>(rows, j * step, d + j * d_step, d_step);
  }

  /// Neighbouring pixels of a row, whose first taps lie `at` floats from the rows' beginnings. What is loaded once
  /// meets all taps of its row.
  template <int stride, int pixels>
  void depthwise_pixels(const float* const* rows, std::int64_t at, float* d, std::int64_t d_step) const {
    const std::int64_t filter_step = block_.layout.mid;
    const float* filters = block_.packed + block_.layout.depthwise + chunk_.begin;
    const float* biases = block_.packed + block_.layout.depthwise_bias + chunk_.begin;
    for (std::int64_t c = 0; c < chunk_.size; c += lanes) {
      Vec acc[pixels];
      WEFT_UNROLL
      for (int m = 0; m < pixels; ++m) acc[m] = load(biases + c);
      for (int u = 0; u < 3; ++u) {
        Vec weights[3];
        WEFT_UNROLL
        for (int v = 0; v < 3; ++v) weights[v] = kept_in_register(load(filters + (3 * u + v) * filter_step + c));
        const float* source = rows[u] + at + c;
        WEFT_UNROLL
        for (int col = 0; col < (pixels - 1) * stride + 3; ++col) {
          const Vec value = kept_in_register(load(source + col * width_));
          WEFT_UNROLL
          for (int v = 0; v < 3; ++v) {
            const int m = (col - v) / stride;
            if (col >= v && (col - v) % stride == 0 && m < pixels) acc[m] += value * weights[v];
          }
        }
      }
      WEFT_UNROLL
      for (int m = 0; m < pixels; ++m) store(d + m * d_step + c, clamp(acc[m], Vec{}, broadcast(six)));
    }
  }

  const Block& block_;
  const InvertedResidualProblem& p_;
  const std::int64_t width_, row_floats_;
  float* ring_;
  std::int64_t image_ = 0, next_row_ = 0, first_panel_ = 0, panel_count_ = 0;  // next_row_: the first not in the ring
  Part chunk_ = {};
};

/// Step 3 for some pixels of y, one panel of its channels and the expanded channels `mid`, of which d[pixel] begins
/// at d + pixel d_step for the first of the pixels.
void project(const Block& block, const Part& pixels, std::int64_t panel, const Part& mid, const float* d,
             std::int64_t d_step) {
  const InvertedResidualProblem& p = block.p;
  const Part columns = block.plan.out_panels.channels(panel, 1);
  const float* packed = block.packed + block.layout.project + columns.begin * p.c_mid + mid.begin * columns.size;
  Tiles tiles(min64(mid.size, p.c_mid - mid.begin), columns, packed,
              block.packed + block.layout.project_bias + columns.begin, __builtin_inff());
  tiles.tile.columns = min64(columns.size, p.c_out - columns.begin);
  tiles.tile.is_first = mid.begin == 0;
  tiles.tile.is_last = mid.begin + mid.size >= p.c_mid;
  tiles.tile.residual = p.has_shortcut ? block.x + columns.begin : nullptr;
  tiles.tile.out = block.y + columns.begin;
  for (std::int64_t pixel = 0; pixel < pixels.size; pixel += tiles.size) {
    tiles.tile.count = min64(tiles.size, pixels.size - pixel);
    for (std::int64_t m = 0; m < tiles.size; ++m) {
      const std::int64_t place = pixel + min64(m, tiles.tile.count - 1);
      tiles.pixels[m] = d + place * d_step;
      tiles.out_at[m] = (pixels.begin + place) * p.c_out;
    }
    tiles.run(tiles.tile);
  }
}

/// All three steps for output rows [begin, end) of an image.
void run_band(const Block& block, std::int64_t image, std::int64_t begin, std::int64_t end) {
  const Plan& plan = block.plan;
  float* ring = thread_scratch(plan.ring_floats + plan.group_floats);
  float* d = ring + plan.ring_floats;
  ExpandedRows expanded(block, ring);
  for (std::int64_t panel = 0; panel < plan.mid_panels.count; panel += plan.chunk_panels) {
    expanded.start(image, begin, panel, min64(plan.chunk_panels, plan.mid_panels.count - panel));
    for (std::int64_t row = begin; row < end; row += plan.group_rows) {
      const std::int64_t group_end = min64(end, row + plan.group_rows);
      expanded.run_group(row, group_end, d, plan.chunk_width);
      const Part pixels = {(image * plan.out_h + row) * plan.out_w, (group_end - row) * plan.out_w};
      for (std::int64_t out_panel = 0; out_panel < plan.out_panels.count; ++out_panel)
        project(block, pixels, out_panel, expanded.chunk(), d, plan.chunk_width);
    }
  }
}

/// Steps 1 and 2 for output rows [begin, end) of an image and one chunk; d is [n, out_h, out_w, layout.mid].
void run_chunk(const Block& block, std::int64_t image, std::int64_t begin, std::int64_t end, std::int64_t chunk,
               float* d) {
  const Plan& plan = block.plan;
  ExpandedRows expanded(block, thread_scratch(plan.ring_floats));
  const std::int64_t panel = chunk * plan.chunk_panels;
  expanded.start(image, begin, panel, min64(plan.chunk_panels, plan.mid_panels.count - panel));
  for (std::int64_t row = begin; row < end; row += plan.group_rows) {
    const std::int64_t pixel = (image * plan.out_h + row) * plan.out_w;
    expanded.run_group(row, min64(end, row + plan.group_rows), d + pixel * block.layout.mid + expanded.chunk().begin,
                       block.layout.mid);
  }
}

void run_split(const Block& block, float* d) {
  const Plan& plan = block.plan;
  // A band for each thread: then d, which step 3 reads, lies in the caches of the thread that begins with its pixels.
  const std::int64_t wanted = min64(num_threads(), max64(1, plan.out_h / least_band_rows));
  const std::int64_t band_rows = ceil_div(plan.out_h, wanted);
  const std::int64_t bands = ceil_div(plan.out_h, band_rows);
  parallel_for(block.p.n * bands * plan.chunks, [&](std::int64_t task) {
    const std::int64_t band = task / plan.chunks, begin = band % bands * band_rows;
    run_chunk(block, band / bands, begin, min64(begin + band_rows, plan.out_h), task % plan.chunks, d);
  });
  const std::int64_t pixels = block.p.n * plan.out_h * plan.out_w, panels = plan.out_panels.count;
  parallel_for(ceil_div(pixels, split_pixels) * panels, [&](std::int64_t task) {
    const std::int64_t first = task / panels * split_pixels;
    project(block, {first, min64(split_pixels, pixels - first)}, task % panels, {0, block.layout.mid},
            d + first * block.layout.mid, block.layout.mid);
  });
}

}  // namespace

std::int64_t inverted_residual_packed_floats(const InvertedResidualProblem& p) { return Layout(p).floats; }

void inverted_residual_pack(const InvertedResidualProblem& p, const InvertedResidualWeights& weights, float* packed) {
  const Layout layout(p);
  if (p.has_expansion) {
    pack_matrix(weights.expand, p.c_in, p.c_mid, packed);
    pack_bias(weights.expand_bias, p.c_mid, layout.mid, packed + layout.expand_bias);
  }
  for (std::int64_t tap = 0; tap < 9; ++tap) {
    for (std::int64_t c = 0; c < layout.mid; ++c)
      packed[layout.depthwise + tap * layout.mid + c] = c < p.c_mid ? weights.depthwise[c * 9 + tap] : 0;
  }
  pack_bias(weights.depthwise_bias, p.c_mid, layout.mid, packed + layout.depthwise_bias);
  pack_matrix(weights.project, p.c_mid, p.c_out, packed + layout.project);
  pack_bias(weights.project_bias, p.c_out, round_up(p.c_out, cache_line_floats), packed + layout.project_bias);
}

std::int64_t inverted_residual_scratch(const InvertedResidualProblem& p) {
  const Plan plan = make_plan(p);
  return plan.is_split ? p.n * plan.out_h * plan.out_w * Layout(p).mid : 0;
}

void inverted_residual(const InvertedResidualProblem& p, const float* x, const float* packed, float* scratch,
                       float* y) {
  const Plan plan = make_plan(p);
  const Layout layout(p);
  const Block block = {p, plan, layout, x, packed, y};
  if (plan.is_split) return run_split(block, scratch);
  parallel_for(p.n * plan.bands, [&](std::int64_t task) {
    const std::int64_t begin = task % plan.bands * plan.band_rows;
    run_band(block, task / plan.bands, begin, min64(begin + plan.band_rows, plan.out_h));
  });
}

}  // namespace weft::kernels::WEFT_ISA
