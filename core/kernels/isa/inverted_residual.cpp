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
// Neighbouring bands both expand the rows between them, so there are as few as keep the threads busy. Where even those
// would be low, or where chunks would be many because the channels are, a task of a small image is a band and a chunk
// for steps 1 and 2, d is stored whole, and step 3 follows:
//
//   tasks: bands x chunks: groups of rows: steps 1, 2 -> d      tasks: bands' blocks of pixels x panels: y = d Wp
//
// Steps 1 and 3 are matrix products with the register tile of tap_tile.h. A pixel's sums are the same whatever band,
// group or tile it is in.

#include "core/kernels/isa/kernels.h"
#include "core/kernels/isa/limits.h"
#include "core/kernels/isa/tap_tile.h"
#include "core/kernels/scratch.h"
#include "core/parallel.h"

namespace weft::kernels::WEFT_ISA {
namespace {

constexpr std::int64_t ring_and_d_floats = 96 * 1024;  // 384 KB of L2; with half, some blocks lose 9%
constexpr std::int64_t least_group_pixels = 64;        // fewer would leave register tiles unfilled
constexpr std::int64_t band_input_rows = 32, bands_per_thread = 4;
constexpr std::int64_t many_input_rows = 112;  // of all images: with more they are never split
constexpr std::int64_t many_panels = 8;
constexpr std::int64_t least_band_rows = 8, split_pixels = 96;

/// Channels cut into panels of up to max_tile_vectors vectors. Of many panels there is an even number: two threads
/// that share out nine have one of them wait while the other does the ninth.
struct Panels {
  std::int64_t vectors, count;

  explicit Panels(std::int64_t channels)
      : vectors(ceil_div(channels, lanes)), count(ceil_div(vectors, max_tile_vectors)) {
    if (count >= many_panels) count += count % 2;
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

/// How the work is cut. The order of sums follows from shapes alone: where threads decide whether d is stored whole,
/// there is one chunk otherwise.
struct Plan {
  Panels mid_panels, out_panels;
  std::int64_t out_h, out_w;
  std::int64_t chunk_panels, chunks, chunk_width;  // panels in a chunk; channels of the widest
  std::int64_t group_rows, ring_rows, ring_floats, group_floats;
  std::int64_t band_rows, bands;  // of one image
  bool is_split;                  // d is stored whole
};

/// The widest chunks whose ring and d take at most ring_and_d_floats; single panels where d is stored whole.
void plan_chunks(const InvertedResidualProblem& p, Plan& plan) {
  const std::int64_t ring_pixels = plan.ring_rows * (p.w + 2), group_pixels = plan.group_rows * plan.out_w;
  const std::int64_t panels = plan.mid_panels.count, panel_width = plan.mid_panels.channels(0, 1).size;
  const std::int64_t fitting = max64(1, ring_and_d_floats / ((ring_pixels + group_pixels) * panel_width));
  plan.chunk_panels = plan.is_split ? 1 : ceil_div(panels, ceil_div(panels, fitting));
  plan.chunks = ceil_div(panels, plan.chunk_panels);
  plan.chunk_width = plan.mid_panels.channels(0, plan.chunk_panels).size;
  plan.ring_floats = ring_pixels * plan.chunk_width;
  plan.group_floats = plan.is_split ? 0 : group_pixels * plan.chunk_width;
}

/// Bands that an image must have so that each thread gets one.
std::int64_t bands_needed(const InvertedResidualProblem& p) { return ceil_div(threads_to_share(), p.n); }

/// Output rows in a band: all for one thread, for several what leaves the last of them little to wait for.
std::int64_t plan_band_rows(const InvertedResidualProblem& p) {
  const std::int64_t threads = threads_to_share();
  if (threads == 1) return p.out_h();
  const std::int64_t wanted = ceil_div(p.n * p.out_h(), bands_per_thread * threads);
  return min64(max64(wanted, band_input_rows / p.stride), ceil_div(p.out_h(), bands_needed(p)));
}

Plan make_plan(const InvertedResidualProblem& p) {
  Plan plan = {Panels(p.c_mid), Panels(p.c_out), p.out_h(), p.out_w(), 0, 0, 0, 0, 0, 0, 0, 0, 0, false};
  plan.band_rows = plan_band_rows(p);
  plan.group_rows = min64(max64(1, least_group_pixels / plan.out_w), least_band_rows);
  plan.ring_rows = (plan.group_rows - 1) * p.stride + 3;
  plan_chunks(p, plan);
  // With one chunk the sums are the same either way, so the number of threads may decide.
  const bool is_small = p.n * plan.out_h * p.stride <= many_input_rows;
  plan.is_split = is_small && (plan.chunks > 1 || plan.band_rows < least_band_rows);
  if (plan.is_split) {
    plan_chunks(p, plan);
    // A band for each thread: then d, which step 3 reads, lies in the caches of the thread that begins with its pixels.
    plan.band_rows = ceil_div(plan.out_h, min64(bands_needed(p), max64(1, plan.out_h / least_band_rows)));
  }
  plan.bands = ceil_div(plan.out_h, plan.band_rows);
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

/// Where some pixels of a matrix product are read and written: listed once for all panels of channels.
class PixelList {
 public:
  static std::int64_t scratch_floats(std::int64_t pixels) {
    return round_up(4 * (pixels + max_tile_pixels), cache_line_floats);
  }

  /// `scratch` has scratch_floats of the most pixels; pointers and indices are as large as two floats.
  PixelList(std::int64_t most_pixels, float* scratch)
      : pixels_(reinterpret_cast<const float**>(scratch)),
        out_at_(reinterpret_cast<std::int64_t*>(pixels_ + most_pixels + max_tile_pixels)) {}

  void clear() { count_ = 0; }
  /// Adds `count` pixels, each `step` and `out_step` floats from the one before.
  void add(std::int64_t count, const float* pixel, std::int64_t step, std::int64_t out_at, std::int64_t out_step) {
    for (std::int64_t i = 0; i < count; ++i, pixel += step, out_at += out_step)
      pixels_[count_ + i] = pixel, out_at_[count_ + i] = out_at;
    count_ += count;
  }
  /// After the last: pixels of a tile that do not exist repeat it.
  void finish() {
    for (std::int64_t i = 0; i < max_tile_pixels && count_ > 0; ++i)
      pixels_[count_ + i] = pixels_[count_ - 1], out_at_[count_ + i] = out_at_[count_ - 1];
  }

  std::int64_t count() const { return count_; }
  const float* const* pixels() const { return pixels_; }
  const std::int64_t* out_at() const { return out_at_; }

 private:
  const float** pixels_;
  std::int64_t* out_at_;
  std::int64_t count_ = 0;
};

/// out[pixel] = x[pixel] W for a panel of output channels.
class Product {
 public:
  TapTile tile = {};

  Product(std::int64_t channels, const Part& columns, const float* packed, const float* bias, Clamp clamp)
      : size_(tile_pixels(static_cast<int>(columns.size / lanes))), run_(tap_tile_function(columns.size / lanes)) {
    tile.offsets = &offset_;
    tile.taps = 1;
    tile.channels = channels;
    tile.packed = packed;
    tile.columns = columns.size;
    tile.is_first = tile.is_last = true;
    tile.bias = bias;
    tile.low = clamp.lower, tile.high = clamp.upper;
  }
  Product(const Product&) = delete;
  Product& operator=(const Product&) = delete;

  std::int64_t tile_size() const { return size_; }

  void run(const PixelList& list) {
    for (std::int64_t pixel = 0; pixel < list.count(); pixel += size_) {
      tile.pixels = list.pixels() + pixel;
      tile.out_at = list.out_at() + pixel;
      tile.count = min64(size_, list.count() - pixel);
      run_(tile);
    }
  }

 private:
  const std::int64_t size_;
  const RunTapTile run_;
  const std::int64_t offset_ = 0;
};

/// Some expanded channels of one image, of which the rows that the depthwise convolution needs next are in a ring.
class ExpandedRows {
 public:
  static std::int64_t scratch_floats(const Block& block) {
    return block.plan.ring_floats + PixelList::scratch_floats(block.plan.ring_rows * block.p.w);
  }

  ExpandedRows(const Block& block, float* scratch)
      : block_(block),
        p_(block.p),
        width_(block.plan.chunk_width),
        row_floats_((block.p.w + 2) * width_),
        ring_(scratch),
        list_(block.plan.ring_rows * block.p.w, scratch + block.plan.ring_floats) {
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
      list_.clear();
      for (std::int64_t row = begin; row < end; ++row)
        list_.add(p_.w, input_row(row), p_.c_in, ring_row(row) - ring_, width_);
      list_.finish();
      for (std::int64_t panel = first_panel_; panel < first_panel_ + panel_count_; ++panel) expand(panel);
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

  /// One panel of the channels of all pixels listed.
  void expand(std::int64_t panel) const {
    const Part columns = block_.plan.mid_panels.channels(panel, 1);
    Product product(p_.c_in, columns, block_.packed + columns.begin * p_.c_in,
                    block_.packed + block_.layout.expand_bias + columns.begin, p_.expand_clamp);
    product.tile.prefetch = product.tile_size() * p_.c_in;
    product.tile.out = ring_ + columns.begin - chunk_.begin;
    product.run(list_);
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
    const Limits limits(p_.depthwise_clamp);
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
      for (int m = 0; m < pixels; ++m) store(d + m * d_step + c, clamp(acc[m], limits.low, limits.high));
    }
  }

  const Block& block_;
  const InvertedResidualProblem& p_;
  const std::int64_t width_, row_floats_;
  float* ring_;
  PixelList list_;
  std::int64_t image_ = 0, next_row_ = 0, first_panel_ = 0, panel_count_ = 0;  // next_row_: the first not in the ring
  Part chunk_ = {};
};

/// Lists `count` pixels of d, d_step floats apart, and those of y from `first` on.
void list_outputs(const Block& block, std::int64_t first, std::int64_t count, const float* d, std::int64_t d_step,
                  PixelList& list) {
  list.clear();
  list.add(count, d, d_step, first * block.p.c_out, block.p.c_out);
  list.finish();
}

/// Step 3 for some pixels of y, one panel of its channels and the expanded channels `mid`: the list tells where a
/// pixel's d lies, from the first of those on, and its y.
void project(const Block& block, const PixelList& list, std::int64_t panel, const Part& mid) {
  const InvertedResidualProblem& p = block.p;
  const Part columns = block.plan.out_panels.channels(panel, 1);
  const float* packed = block.packed + block.layout.project + columns.begin * p.c_mid + mid.begin * columns.size;
  Product product(min64(mid.size, p.c_mid - mid.begin), columns, packed,
                  block.packed + block.layout.project_bias + columns.begin, no_clamp);
  product.tile.columns = min64(columns.size, p.c_out - columns.begin);
  product.tile.is_first = mid.begin == 0;
  product.tile.is_last = mid.begin + mid.size >= p.c_mid;
  product.tile.residual = p.has_shortcut ? block.x + columns.begin : nullptr;
  product.tile.out = block.y + columns.begin;
  product.run(list);
}

/// All three steps for output rows [begin, end) of an image.
void run_band(const Block& block, std::int64_t image, std::int64_t begin, std::int64_t end) {
  const Plan& plan = block.plan;
  const std::int64_t expanded_floats = ExpandedRows::scratch_floats(block), most_pixels = plan.group_rows * plan.out_w;
  float* scratch = thread_scratch(expanded_floats + plan.group_floats + PixelList::scratch_floats(most_pixels));
  float* d = scratch + expanded_floats;
  ExpandedRows expanded(block, scratch);
  PixelList list(most_pixels, d + plan.group_floats);
  for (std::int64_t panel = 0; panel < plan.mid_panels.count; panel += plan.chunk_panels) {
    expanded.start(image, begin, panel, min64(plan.chunk_panels, plan.mid_panels.count - panel));
    for (std::int64_t row = begin; row < end; row += plan.group_rows) {
      const std::int64_t group_end = min64(end, row + plan.group_rows);
      expanded.run_group(row, group_end, d, plan.chunk_width);
      list_outputs(block, (image * plan.out_h + row) * plan.out_w, (group_end - row) * plan.out_w, d, plan.chunk_width,
                   list);
      for (std::int64_t out_panel = 0; out_panel < plan.out_panels.count; ++out_panel)
        project(block, list, out_panel, expanded.chunk());
    }
  }
}

/// Steps 1 and 2 for output rows [begin, end) of an image and one chunk; d is [n, out_h, out_w, layout.mid].
void run_chunk(const Block& block, std::int64_t image, std::int64_t begin, std::int64_t end, std::int64_t chunk,
               float* d) {
  const Plan& plan = block.plan;
  ExpandedRows expanded(block, thread_scratch(ExpandedRows::scratch_floats(block)));
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
  const std::int64_t all_bands = block.p.n * plan.bands;
  const auto rows_of = [&](std::int64_t band) {
    const std::int64_t begin = band % plan.bands * plan.band_rows;
    return Part{begin, min64(plan.band_rows, plan.out_h - begin)};
  };
  parallel_for(all_bands * plan.chunks, [&](std::int64_t task) {
    const std::int64_t band = task / plan.chunks;
    const Part rows = rows_of(band);
    run_chunk(block, band / plan.bands, rows.begin, rows.begin + rows.size, task % plan.chunks, d);
  });
  // Blocks are cut within bands, so that each thread begins with those of its own.
  const std::int64_t blocks = ceil_div(plan.band_rows * plan.out_w, split_pixels), panels = plan.out_panels.count;
  parallel_for(all_bands * blocks * panels, [&](std::int64_t task) {
    const std::int64_t band = task / panels / blocks, begin = task / panels % blocks * split_pixels;
    const Part rows = rows_of(band);
    const std::int64_t count = min64(split_pixels, rows.size * plan.out_w - begin);
    if (count <= 0) return;  // the last band may be lower
    const std::int64_t first = (band / plan.bands * plan.out_h + rows.begin) * plan.out_w + begin;
    PixelList list(split_pixels, thread_scratch(PixelList::scratch_floats(split_pixels)));
    list_outputs(block, first, count, d + first * block.layout.mid, block.layout.mid, list);
    project(block, list, task % panels, {0, block.layout.mid});
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
