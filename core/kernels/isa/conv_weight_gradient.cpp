// Weight gradient of a convolution: for each tap, a matrix product over pixels.
//
//   dw[o, c, tap] = D_tap[c, o] = sum over pixels of x[pixel + tap, c] dy[pixel, o]
//
// The operand whose channels are broadcast is called a, the one whose channels fill vectors b. As a rule a = x and
// b = dy; where that would leave most lanes empty (a head with one output channel), they change places.
//
// Order of work:
//   1. tasks = groups of a's channels x groups of pixel blocks. A block is some 256 pixels of one image. For each
//      block: pack a's channels tile by tile, pack one panel of b at a time (narrow images need no packing: their
//      pixels are neighbours in memory), then for each tap and tile run_outer_tile adds the block's sum.
//   2. add the sums of the pixel groups in order, and transpose to OIHW.
//
// So each element is a sum of sums over blocks, which also keeps its rounding error small. The cut depends on the
// shape alone. At the border a tap meets fewer pixels; no zeros are multiplied.

#include "core/kernels/isa/kernels.h"
#include "core/kernels/isa/outer_tile.h"
#include "core/kernels/scratch.h"
#include "core/parallel.h"

namespace weft::kernels::WEFT_ISA {
namespace {

constexpr std::int64_t block_pixels = 256;
constexpr std::int64_t group_channels = 96;
constexpr std::int64_t wanted_tasks = 32;
constexpr std::int64_t max_sums = std::int64_t{1} << 24;  // floats in all pixel groups' sums
constexpr std::int64_t max_direct_channels = 64;  // more are packed, as their rows lie too far apart for the caches,
constexpr std::int64_t max_direct_uses = 5;       // unless they are not used often enough to be worth it

/// One operand: an image with its channels, and how its pixels belong to those of y.
struct Operand {
  const float* data;
  std::int64_t channels, h, w;
  bool is_input;  // x, which strides and taps apply to; else dy

  /// `uses`: how many tiles read each of its values.
  bool is_direct(std::int64_t uses) const { return channels <= max_direct_channels || uses <= max_direct_uses; }
};

struct Region {
  std::int64_t row, rows, col, cols;
};

/// How the work is cut.
struct Plan {
  std::int64_t out_h, out_w, taps;
  bool is_swapped;                         // a = dy
  std::int64_t vectors, panels, padded_n;  // b
  std::int64_t tiles, groups;              // a
  std::int64_t block_rows, row_blocks, col_blocks, blocks, pixel_groups;

  std::int64_t sums() const { return padded_n * taps; }  // for each of a's channels
};

Plan make_plan(const ConvProblem& p) {
  Plan plan;
  plan.out_h = p.out_h(), plan.out_w = p.out_w(), plan.taps = p.kernel_h * p.kernel_w;
  plan.is_swapped = p.c_out * ceil_div(p.c_in, lanes) < p.c_in * ceil_div(p.c_out, lanes);
  const std::int64_t m = plan.is_swapped ? p.c_out : p.c_in, n = plan.is_swapped ? p.c_in : p.c_out;
  plan.vectors = ceil_div(n, lanes);
  plan.panels = ceil_div(plan.vectors, max_outer_vectors);
  plan.padded_n = plan.vectors * lanes;
  plan.tiles = ceil_div(m, max_outer_rows(ceil_div(plan.vectors, plan.panels)));
  plan.groups = ceil_div(m, group_channels);
  plan.col_blocks = ceil_div(plan.out_w, 2 * block_pixels);
  plan.block_rows = min64(plan.out_h, max64(1, block_pixels / max64(1, plan.out_w)));
  plan.row_blocks = ceil_div(plan.out_h, max64(1, plan.block_rows));
  plan.blocks = p.n * plan.row_blocks * plan.col_blocks;
  plan.pixel_groups = min64(ceil_div(wanted_tasks, plan.groups), max_sums / max64(1, m * plan.sums()));
  plan.pixel_groups = max64(1, min64(plan.pixel_groups, plan.blocks));
  return plan;
}

struct Operands {
  Operand a, b;
};
Operands operands_of(const ConvProblem& p, const Plan& plan, const float* x, const float* dy) {
  const Operand input = {x, p.c_in, p.h, p.w, true}, output = {dy, p.c_out, plan.out_h, plan.out_w, false};
  return plan.is_swapped ? Operands{output, input} : Operands{input, output};
}

struct Block {
  std::int64_t image;
  Part rows, cols;  // of y
};
Block block_of(const Plan& plan, std::int64_t index) {
  const std::int64_t row_block = index / plan.col_blocks;
  return {row_block / plan.row_blocks, part_of(plan.out_h, plan.row_blocks, row_block % plan.row_blocks),
          part_of(plan.out_w, plan.col_blocks, index % plan.col_blocks)};
}

/// The positions of x that outputs [part] reach along one axis, cut at the image's border.
Part reach(const Part& part, std::int64_t size, std::int64_t kernel, std::int64_t stride, std::int64_t padding,
           std::int64_t dilation) {
  const std::int64_t begin = max64(0, part.begin * stride - padding);
  const std::int64_t end = min64(size, (part.begin + part.size - 1) * stride - padding + (kernel - 1) * dilation + 1);
  return {begin, max64(0, end - begin)};
}

Region region_of(const ConvProblem& p, const Operand& operand, const Block& block) {
  if (!operand.is_input) return {block.rows.begin, block.rows.size, block.cols.begin, block.cols.size};
  const Part rows = reach(block.rows, p.h, p.kernel_h, p.stride_h, p.padding_h, p.dilation_h);
  const Part cols = reach(block.cols, p.w, p.kernel_w, p.stride_w, p.padding_w, p.dilation_w);
  return {rows.begin, rows.size, cols.begin, cols.size};
}

/// The most pixels that a region of the operand can have.
std::int64_t max_region_pixels(const ConvProblem& p, const Plan& plan, const Operand& operand) {
  const std::int64_t rows = ceil_div(plan.out_h, plan.row_blocks), cols = ceil_div(plan.out_w, plan.col_blocks);
  if (!operand.is_input) return rows * cols;
  return min64(p.h, (rows - 1) * p.stride_h + (p.kernel_h - 1) * p.dilation_h + 1) *
         min64(p.w, (cols - 1) * p.stride_w + (p.kernel_w - 1) * p.dilation_w + 1);
}

ImageView direct_view(const Operand& operand, std::int64_t image, std::int64_t channel) {
  return {operand.data + image * operand.h * operand.w * operand.channels + channel, 0, 0, operand.w * operand.channels,
          operand.channels};
}

/// Copies channels [channel, channel + count) of a region to `packed`, `width` floats a pixel, the rest of them zero.
/// Stores whole vectors: what runs over a pixel's end is overwritten by the next pixel, and by nothing at the last.
ImageView pack_view(const Operand& operand, std::int64_t image, const Region& region, std::int64_t channel,
                    std::int64_t count, std::int64_t width, float* packed) {
  const ImageView from = direct_view(operand, image, channel);
  float* to = packed;
  for (std::int64_t row = 0; row < region.rows; ++row) {
    const float* pixel = from.at(region.row + row, region.col);
    for (std::int64_t col = 0; col < region.cols; ++col, pixel += operand.channels, to += width) {
      std::int64_t c = 0;
      for (; c + lanes <= count; c += lanes) store(to + c, load(pixel + c));
      if (c < width) store(to + c, load_partial(pixel + c, count - c));
    }
  }
  return {packed, region.row, region.col, region.cols * width, width};
}

/// Where tap (u, v) brings pixels of the block and of x together: one strip for each row that has any.
std::int64_t find_strips(const ConvProblem& p, bool is_swapped, const Block& block, std::int64_t u, std::int64_t v,
                         Strip* strips) {
  const std::int64_t row_shift = u * p.dilation_h - p.padding_h, col_shift = v * p.dilation_w - p.padding_w;
  const std::int64_t first = max64(block.cols.begin, col_shift < 0 ? ceil_div(-col_shift, p.stride_w) : 0);
  const std::int64_t end =
      min64(block.cols.begin + block.cols.size, p.w > col_shift ? ceil_div(p.w - col_shift, p.stride_w) : 0);
  if (first >= end) return 0;
  std::int64_t count = 0;
  for (std::int64_t i = block.rows.begin; i < block.rows.begin + block.rows.size; ++i) {
    const std::int64_t row = i * p.stride_h + row_shift, col = first * p.stride_w + col_shift;
    if (row < 0 || row >= p.h) continue;
    strips[count++] = is_swapped ? Strip{i, first, row, col, end - first} : Strip{row, col, i, first, end - first};
  }
  return count;
}

/// Where the sums of a tile, a tap and a panel start.
float* sums_at(const Plan& plan, float* sums, const Part& tile, std::int64_t tap, std::int64_t column) {
  return sums + tile.begin * plan.sums() + (tap * plan.padded_n + column) * tile.size;
}

/// A task: the products of the tiles in `group` with all of b, summed over the blocks of a pixel group.
class GroupTask {
 public:
  GroupTask(const ConvProblem& p, const Plan& plan, const Operands& operands, const Part& group, float* sums)
      : p_(p), plan_(plan), a_(operands.a), b_(operands.b), group_(group), sums_(sums) {
    const std::int64_t last_channel = tile(group.size - 1).begin + tile(group.size - 1).size;
    const std::int64_t a_floats = max_region_pixels(p, plan, a_) * (last_channel - tile(0).begin) + lanes;
    const std::int64_t b_floats = max_region_pixels(p, plan, b_) * max_outer_vectors * lanes + lanes;
    const std::int64_t strip_floats = plan.block_rows * static_cast<std::int64_t>(sizeof(Strip) / sizeof(float));
    const std::int64_t view_floats = group.size * static_cast<std::int64_t>(sizeof(ImageView) / sizeof(float));
    float* scratch = thread_scratch(strip_floats + view_floats + a_floats + b_floats);
    strips_ = reinterpret_cast<Strip*>(scratch);
    a_views_ = reinterpret_cast<ImageView*>(scratch + strip_floats);
    packed_a_ = scratch + strip_floats + view_floats;
    packed_b_ = packed_a_ + a_floats;
  }

  void add_block(const Block& block, bool is_first) {
    view_a(block);
    const bool is_b_direct = b_.channels % lanes == 0 && b_.is_direct(group_.size * plan_.taps);
    const Region region = region_of(p_, b_, block);
    for (std::int64_t index = 0; index < plan_.panels; ++index) {
      const Part panel = part_of(plan_.vectors, plan_.panels, index);
      const std::int64_t column = panel.begin * lanes, width = panel.size * lanes,
                         count = min64(width, b_.channels - column);
      OuterTile t;
      t.b = is_b_direct ? direct_view(b_, block.image, column)
                        : pack_view(b_, block.image, region, column, count, width, packed_b_);
      t.a_stride = a_.is_input ? p_.stride_w : 1;
      t.b_stride = b_.is_input ? p_.stride_w : 1;
      t.strips = strips_;
      t.add_to_sums = !is_first;
      for (std::int64_t tap = 0; tap < plan_.taps; ++tap) {
        t.strip_count = find_strips(p_, plan_.is_swapped, block, tap / p_.kernel_w, tap % p_.kernel_w, strips_);
        for (std::int64_t m = 0; m < group_.size; ++m) {
          t.a = a_views_[m];
          t.sums = sums_at(plan_, sums_, tile(m), tap, column);
          outer_tile_function(tile(m).size, panel.size)(t);
        }
      }
    }
  }

 private:
  Part tile(std::int64_t index) const { return part_of(a_.channels, plan_.tiles, group_.begin + index); }

  void view_a(const Block& block) {
    const Region region = region_of(p_, a_, block);
    float* to = packed_a_;
    for (std::int64_t m = 0; m < group_.size; ++m) {
      const Part channels = tile(m);
      if (a_.is_direct(plan_.panels * plan_.taps)) {
        a_views_[m] = direct_view(a_, block.image, channels.begin);
      } else {
        a_views_[m] = pack_view(a_, block.image, region, channels.begin, channels.size, channels.size, to);
        to += region.rows * region.cols * channels.size;
      }
    }
  }

  const ConvProblem& p_;
  const Plan& plan_;
  const Operand a_, b_;
  const Part group_;
  float* sums_;
  Strip* strips_;
  ImageView* a_views_;
  float* packed_a_;
  float* packed_b_;
};

/// Adds up one tile's sums over the pixel groups, in order, into the first group's.
void add_groups(const Plan& plan, const Part& tile, std::int64_t group_sums, float* sums) {
  float* total = sums + tile.begin * plan.sums();
  for (std::int64_t i = 0; i < tile.size * plan.sums(); i += lanes) {
    Vec sum = load(total + i);
    for (std::int64_t group = 1; group < plan.pixel_groups; ++group) sum += load(total + group * group_sums + i);
    store(total + i, sum);
  }
}

/// Puts a tile's sums where dw wants them.
void transpose_tile(const ConvProblem& p, const Plan& plan, const Part& tile, float* sums, float* dw) {
  const std::int64_t m_step = (plan.is_swapped ? p.c_in : 1) * plan.taps,
                     n_step = (plan.is_swapped ? 1 : p.c_in) * plan.taps;
  const std::int64_t n_end = plan.is_swapped ? p.c_in : p.c_out;
  for (std::int64_t index = 0; index < plan.panels; ++index) {
    const Part panel = part_of(plan.vectors, plan.panels, index);
    const std::int64_t column = panel.begin * lanes, width = panel.size * lanes, columns = min64(width, n_end - column);
    const std::int64_t tap_step = plan.padded_n * tile.size;
    for (std::int64_t n = 0; n < columns; ++n) {
      for (std::int64_t m = 0; m < tile.size; ++m) {
        const float* from = sums_at(plan, sums, tile, 0, column) + m * width + n;
        float* to = dw + (tile.begin + m) * m_step + (column + n) * n_step;
        for (std::int64_t tap = 0; tap < plan.taps; ++tap) to[tap] = from[tap * tap_step];
      }
    }
  }
}

std::int64_t sums_of_group(const ConvProblem& p, const Plan& plan) {
  return (plan.is_swapped ? p.c_out : p.c_in) * plan.sums();
}

}  // namespace

std::int64_t conv_weight_gradient_scratch(const ConvProblem& p) {
  const Plan plan = make_plan(p);
  return sums_of_group(p, plan) * plan.pixel_groups;
}

void conv_weight_gradient(const ConvProblem& p, const float* x, const float* dy, float* scratch, float* dw) {
  const Plan plan = make_plan(p);
  const Operands operands = operands_of(p, plan, x, dy);
  const std::int64_t group_sums = sums_of_group(p, plan);
  parallel_for(plan.groups * plan.pixel_groups, [&](std::int64_t index) {
    const std::int64_t pixel_group = index / plan.groups;
    const Part blocks = part_of(plan.blocks, plan.pixel_groups, pixel_group);
    GroupTask task(p, plan, operands, part_of(plan.tiles, plan.groups, index % plan.groups),
                   scratch + pixel_group * group_sums);
    for (std::int64_t block = 0; block < blocks.size; ++block)
      task.add_block(block_of(plan, blocks.begin + block), block == 0);
  });
  parallel_for(plan.tiles, [&](std::int64_t index) {
    const Part tile = part_of(operands.a.channels, plan.tiles, index);
    add_groups(plan, tile, group_sums, scratch);
    transpose_tile(p, plan, tile, scratch, dw);
  });
}

}  // namespace weft::kernels::WEFT_ISA
