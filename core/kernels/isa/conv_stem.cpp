// 7x7 convolution with stride 2, padding 3 and up to 4 input channels, by minimal filtering (stem_form.h).
//
//   M[a, b] (tiles x Cout) = V[a, b] (tiles x K) U[a, b] (K x Cout)        Y = A' M A for each tile
//
// K is 12 with three input channels, as a rule, and so short that the products alone do not tell the cost. For an
// output and a vector of output channels, of 16 floats, in instructions:
//   directly   147 multiply-adds
//   products   33 multiply-adds; a register tile of 12 tiles x 2 vectors loads 14 times for 24
//   M          3.2 stores, which take two cycles each on Zen 4, but beside the next sum's products
//   outputs    3.2 loads and 12 operations, bias and clamp among them
//   V          165 vectors of 4 floats for 15 outputs and all their channels
// With minimal filtering along rows only, a direct sum along columns and four or five outputs, K would be 42, M
// smaller, and the products 68 or 63.
//
// Order of work, for one strip of tiles: V, then for each panel of 2 vectors of output channels the 48 products into M
// and from there the outputs. V and M stay in L2.

#include "core/kernels/isa/kernels.h"
#include "core/kernels/isa/panel.h"
#include "core/kernels/isa/row_product.h"
#include "core/kernels/isa/stem_values.h"
#include "core/kernels/isa/winograd_outputs.h"
#include "core/kernels/scratch.h"
#include "core/parallel.h"

namespace weft::kernels::WEFT_ISA {
namespace {

using Rows = ThreeOutputs;
using Columns = FiveOutputs;
constexpr std::int64_t filters = Rows::filters * Columns::filters, sums = Rows::sums * Columns::sums;

constexpr std::int64_t strip_tiles = 24;  // a multiple of all register tiles' rows
constexpr std::int64_t task_strips = 4;
constexpr std::int64_t max_panel_vectors = 2;

/// Where a panel's filters begin; in it they lie [sum][place in the sum][input channel][panel's width].
std::int64_t packed_at(const ConvProblem& p, const Panel& panel) { return filters * p.c_in * panel.column; }

/// U = G g G' for one input channel and a vector of output channels, `v` floats into the panel.
void pack_vector(const ConvProblem& p, const float* w, const Panel& panel, std::int64_t v, std::int64_t channel,
                 float* packed) {
  constexpr int taps = stem_taps * stem_taps;
  float g[taps][lanes];
  for (std::int64_t n = 0; n < lanes; ++n) {
    const std::int64_t o = panel.column + v + n;
    for (int tap = 0; tap < taps; ++tap) g[tap][n] = o < p.c_out ? w[(o * p.c_in + channel) * taps + tap] : 0;
  }
  const auto load_at = [&](int i, int j) { return load(g[stem_taps * i + j]); };
  const auto map_rows = [](const Vec(&in)[stem_taps], Vec(&out)[Rows::filters]) { Rows::filter(in, out); };
  const auto map_cols = [](const Vec(&in)[stem_taps], Vec(&out)[Columns::filters]) { Columns::filter(in, out); };
  const auto store_at = [&](int i, int j, Vec u) {
    const std::int64_t row = filter_place<Rows, Columns>(i, j) * p.c_in + channel;
    store(packed + row * panel.vectors * lanes + v, u);
  };
  map_axes<stem_taps, Rows::filters, stem_taps, Columns::filters>(load_at, map_rows, map_cols, store_at);
}

struct Plan {
  TileGrid tiles;
  std::int64_t strips;
  std::int64_t transform_floats, value_step, sum_step;

  std::int64_t scratch_floats() const { return transform_floats + sums * (value_step + sum_step); }
};

Plan make_plan(const ConvProblem& p) {
  Plan plan;
  plan.tiles = {p.n, ceil_div(p.out_h(), Rows::out), ceil_div(p.out_w(), Columns::out)};
  plan.strips = ceil_div(plan.tiles.count(), strip_tiles);
  plan.transform_floats = StemTransform<Rows, Columns>::scratch_floats(strip_tiles, p.c_in);
  plan.value_step = TileMatrices::step_for(strip_tiles, stem_value_width);
  plan.sum_step = TileMatrices::step_for(strip_tiles, panel_of(p.c_out, max_panel_vectors, 0).vectors * lanes);
  return plan;
}

/// The products of one panel and the outputs they make.
void run_panel(const ConvProblem& p, const Plan& plan, const Part& strip, const Panel& panel,
               const TileMatrices& values, const float* packed, const Outputs& outputs, const StoreSums& part_sums,
               float* scratch) {
  const std::int64_t width = panel.vectors * lanes, unit = tile_pixels(static_cast<int>(panel.vectors));
  const TileMatrices m = {scratch, width, plan.sum_step};
  OutputLines<Rows, Columns> ahead(outputs, plan.tiles, strip.begin, panel.column, width, part_sums.x, part_sums.y);
  const RunRowProduct run = row_product_function<false>(panel.vectors);
  const std::int64_t offset = 0;
  for (int sum = 0; sum < sums; ++sum) {
    ahead.fetch(strip.size, sums);
    const std::int64_t k = stem_values_in<Rows, Columns>(sum) * p.c_in;
    run({values.data + sum * values.step, stem_value_width, &offset, 1, k, packed, k * width,
         ceil_div(strip.size, unit) * unit, m.data + sum * m.step});
    packed += k * width;
  }
  StoreSums so_far = part_sums;
  for (std::int64_t tile = 0; tile < strip.size; ++tile, so_far.is_first = false)
    store_tile<Rows, Columns>(outputs, plan.tiles.place(strip.begin + tile), panel.column, width, m, tile,
                              NothingKept{}, so_far);
}

}  // namespace

std::int64_t stem_packed_floats(const ConvProblem& p) { return filters * p.c_in * ceil_div(p.c_out, lanes) * lanes; }

void stem_pack(const ConvProblem& p, const float* w, float* packed) {
  parallel_for(panels_of(p.c_out, max_panel_vectors) * p.c_in, [&](std::int64_t task) {
    const Panel panel = panel_of(p.c_out, max_panel_vectors, task / p.c_in);
    for (std::int64_t v = 0; v < panel.vectors * lanes; v += lanes)
      pack_vector(p, w, panel, v, task % p.c_in, packed + packed_at(p, panel));
  });
}

void stem_forward(const ConvProblem& p, const float* x, const float* packed, const ConvEpilogue<float>& epilogue,
                  float* y) {
  const Plan plan = make_plan(p);
  const Outputs outputs = {y,
                           p.out_h(),
                           p.out_w(),
                           p.c_out,
                           epilogue.residual,
                           epilogue.bias,
                           Limits(epilogue.clamp),
                           fills_lines_past_caches(y, p.output_count(), p.c_out)};
  const PartSums part_sums = begin_sums(epilogue.sums, plan.strips);
  parallel_for(ceil_div(plan.strips, task_strips), [&](std::int64_t task) {
    float* const scratch = thread_scratch(plan.scratch_floats());
    const StemTransform<Rows, Columns> transform({x, p.h, p.w, p.c_in}, plan.tiles, strip_tiles, scratch);
    const TileMatrices values = {scratch + plan.transform_floats, stem_value_width, plan.value_step};
    for (std::int64_t s = task * task_strips; s < min64(plan.strips, (task + 1) * task_strips); ++s) {
      const Part strip = {s * strip_tiles, min64(strip_tiles, plan.tiles.count() - s * strip_tiles)};
      if (part_sums.pixels != nullptr) part_sums.pixels[s] = pixels_of<Rows, Columns>(outputs, plan.tiles, strip);
      transform(strip, strip_tiles, values);
      for (std::int64_t index = 0; index < panels_of(p.c_out, max_panel_vectors); ++index) {
        const Panel panel = panel_of(p.c_out, max_panel_vectors, index);
        run_panel(p, plan, strip, panel, values, packed + packed_at(p, panel), outputs,
                  sums_of_part(part_sums, s, 0, true), values.data + sums * values.step);
      }
    }
    if (outputs.past_caches) stream_fence();
  });
}

}  // namespace weft::kernels::WEFT_ISA
