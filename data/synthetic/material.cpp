#include "data/synthetic/material.h"

#include <iterator>

#include "data/synthetic/choice.h"
#include "data/synthetic/noise.h"

namespace weft::synthetic {

namespace {

/// Blocks in staggered rows, as bricks and paving lie.
struct Block {
  float joint;         ///< 1 in the joint between blocks, 0 on a block
  std::uint32_t bits;  ///< the block's own
};
Block block_at(Vec2 p, Vec2 size, float stagger, float joint, float footprint, std::uint32_t seed) {
  const float row = std::floor(p.y / size.y), x = p.x / size.x + stagger * row, column = std::floor(x);
  const float dx = (0.5f - std::abs(x - column - 0.5f)) * size.x,
              dy = (0.5f - std::abs(p.y / size.y - row - 0.5f)) * size.y;
  const float soft = std::max(0.6f * footprint, 0.15f * joint);
  const float visible = clamp01(joint / (joint + footprint));
  return {smoothstep(joint + soft, joint - soft, std::min(dx, dy)) * visible,
          lattice_hash(static_cast<int>(column), static_cast<int>(row), seed)};
}

float bits_uniform(std::uint32_t bits) { return static_cast<float>(bits & 0xFFFFu) * 0x1.0p-16f; }

Colour facade(const Material& m, Vec2 p, float footprint) {
  // Storeys of windows with frames and sills; each pane mirrors a bit of sky or shows a dim room.
  const Vec2 cell{1.5f * m.size, 1.9f * m.size};
  const int column = static_cast<int>(std::floor(p.x / cell.x)), row = static_cast<int>(std::floor(p.y / cell.y));
  const Vec2 q{p.x / cell.x - static_cast<float>(column), p.y / cell.y - static_cast<float>(row)};
  const std::uint32_t bits = lattice_hash(column, row, m.seed);
  Colour wall = m.base * (1 + 0.12f * fractal_noise(p * 3, 3, m.seed));
  wall = mix(wall, m.second, smoothstep(0.93f, 0.95f, q.y) * 0.7f);
  const Vec2 d{std::abs(q.x - 0.5f), std::abs(q.y - 0.48f)};
  const float soft = 0.6f * footprint / cell.x + 0.004f;
  const float frame = smoothstep(soft, -soft, std::max(d.x - 0.30f, d.y - 0.34f));
  const float pane = smoothstep(soft, -soft, std::max(d.x - 0.27f, d.y - 0.315f)) * smoothstep(0.008f, 0.022f, d.x);
  const float sky = bits_uniform(bits) * smoothstep(0.9f, 0.1f, q.y + 0.3f * q.x);
  const Colour glass = mix(Colour{0.02f, 0.025f, 0.03f}, Colour{0.35f, 0.42f, 0.5f}, sky);
  const Colour lit = (bits >> 20) % 7 == 0 ? Colour{0.6f, 0.45f, 0.25f} : glass;
  return mix(mix(wall, m.second * 1.2f, frame), lit, pane);
}

Colour foliage(const Material& m, Vec2 p, float footprint) {
  // Leaves in clumps: clumps lit from above with dark gaps between, leaves as fine cells.
  const float clump = fractal_noise(p * (0.7f / m.size), 3, m.seed), gaps = smoothstep(-0.5f, 0.25f, clump);
  const Cell leaf = nearest_cell(Vec2{p.x * 1.3f, p.y} * (7 / m.size), m.seed + 4);
  const float fine = smoothstep(0.2f * m.size, 0.04f * m.size, footprint);
  const float light = 0.75f + fine * (0.75f * bits_uniform(leaf.bits) - 0.35f) + 0.4f * clump;
  return mix(m.base * 0.12f, mix(m.base, m.second, 0.6f * bits_uniform(leaf.bits >> 8)) * light, gaps);
}

Colour shelves(const Material& m, Vec2 p, float footprint) {
  const float row = std::floor(p.y / 0.2f), v = p.y / 0.2f - row;
  const float x = p.x / 0.026f, book = std::floor(x + 0.35f * noise({x * 0.9f, row * 7}, m.seed));
  const std::uint32_t bits = lattice_hash(static_cast<int>(book), static_cast<int>(row), m.seed);
  if (v > 0.93f) return m.base * 0.7f;
  const float top = 0.22f + 0.3f * bits_uniform(bits);
  if (v < top || bits % 9 == 0) return m.base * (0.12f + 0.1f * v);
  static const Colour spines[] = {srgb(120, 40, 36), srgb(36, 60, 92),   srgb(60, 84, 60),   srgb(190, 170, 130),
                                  srgb(40, 38, 38),  srgb(178, 120, 50), srgb(210, 208, 200)};
  const float edge = x + 0.35f * noise({x * 0.9f, row * 7}, m.seed) - book;
  return spines[(bits >> 8) % std::size(spines)] *
         (0.35f + 0.9f * edge * (1 - edge) + (footprint > 0.02f ? 0.2f : 0.0f));
}

}  // namespace

Material random_indoor_wall(Random& random) {
  static const Colour paints[] = {srgb(226, 220, 208), srgb(206, 212, 214), srgb(186, 196, 180),
                                  srgb(214, 190, 170), srgb(150, 166, 180), srgb(120, 130, 116),
                                  srgb(168, 96, 82),   srgb(70, 80, 94),    srgb(236, 226, 200)};
  static const MaterialKind kinds[] = {MaterialKind::plaster,   MaterialKind::plaster,   MaterialKind::plaster,
                                       MaterialKind::brick,     MaterialKind::boards,    MaterialKind::tiles,
                                       MaterialKind::wallpaper, MaterialKind::wallpaper, MaterialKind::shelves,
                                       MaterialKind::curtain,   MaterialKind::concrete};
  Material m;
  m.kind = pick(random, kinds);
  m.base = pick(random, paints) * uniform(random, 0.8, 1.1);
  m.second = m.base * uniform(random, 0.55, 0.8);
  m.size = uniform(random, 0.06, 0.14);
  m.seed = static_cast<std::uint32_t>(random.next());
  m.fabric = random_fabric(random);
  m.fabric.size = uniform(random, 0.06, 0.16);
  m.fabric.base = mix(m.base, m.fabric.base, 0.35f);
  m.fabric.second = mix(m.base, m.fabric.second, 0.5f);
  if (m.kind == MaterialKind::brick && random.chance(0.6)) m.base = srgb(150, 84, 64) * uniform(random, 0.7, 1.2);
  if (m.kind == MaterialKind::boards || m.kind == MaterialKind::shelves)
    m.base = srgb(140, 100, 66) * uniform(random, 0.5, 1.4);
  return m;
}

Material random_indoor_floor(Random& random) {
  static const MaterialKind kinds[] = {MaterialKind::planks, MaterialKind::planks, MaterialKind::planks,
                                       MaterialKind::paving, MaterialKind::carpet, MaterialKind::concrete};
  Material m;
  m.kind = pick(random, kinds);
  m.base = m.kind == MaterialKind::planks ? srgb(150, 108, 72) * uniform(random, 0.45, 1.5)
                                          : srgb(170, 164, 154) * uniform(random, 0.4, 1.2);
  m.second = m.base * 0.5f;
  m.size = m.kind == MaterialKind::planks ? uniform(random, 0.06, 0.1) : uniform(random, 0.18, 0.35);
  m.seed = static_cast<std::uint32_t>(random.next());
  m.fabric = random_fabric(random);
  m.fabric.size = uniform(random, 0.1, 0.3);
  return m;
}

Material random_street_wall(Random& random) {
  static const Colour stones[] = {srgb(196, 182, 158), srgb(168, 156, 142), srgb(158, 92, 72),   srgb(206, 198, 186),
                                  srgb(126, 122, 118), srgb(206, 170, 120), srgb(150, 162, 172), srgb(190, 140, 120)};
  static const MaterialKind kinds[] = {MaterialKind::facade,  MaterialKind::facade,   MaterialKind::facade,
                                       MaterialKind::facade,  MaterialKind::brick,    MaterialKind::brick,
                                       MaterialKind::plaster, MaterialKind::concrete, MaterialKind::boards};
  Material m;
  m.kind = pick(random, kinds);
  m.base = pick(random, stones) * uniform(random, 0.65, 1.1);
  if (m.kind == MaterialKind::brick) m.base = mix(m.base, srgb(150, 78, 58), 0.6f);
  m.second = random.chance(0.5) ? m.base * 0.55f : srgb(220, 216, 206);
  m.size = m.kind == MaterialKind::facade ? uniform(random, 0.55, 0.9) : uniform(random, 0.08, 0.14);
  m.seed = static_cast<std::uint32_t>(random.next());
  return m;
}

Material random_street_ground(Random& random) {
  static const MaterialKind kinds[] = {MaterialKind::asphalt, MaterialKind::asphalt, MaterialKind::cobbles,
                                       MaterialKind::paving,  MaterialKind::paving,  MaterialKind::concrete};
  Material m;
  m.kind = pick(random, kinds);
  m.base = (m.kind == MaterialKind::asphalt ? srgb(104, 104, 106) : srgb(160, 152, 142)) * uniform(random, 0.55, 1.25);
  m.second = m.base * 0.5f;
  m.size = m.kind == MaterialKind::cobbles ? uniform(random, 0.05, 0.08) : uniform(random, 0.2, 0.4);
  m.seed = static_cast<std::uint32_t>(random.next());
  return m;
}

Material random_nature_ground(Random& random) {
  Material m;
  m.kind = random.chance(0.65) ? MaterialKind::grass : MaterialKind::sand;
  m.base = m.kind == MaterialKind::grass ? mix(srgb(70, 96, 42), srgb(120, 124, 62), uniform(random, 0, 1))
                                         : mix(srgb(206, 184, 146), srgb(150, 128, 100), uniform(random, 0, 1));
  m.second = m.kind == MaterialKind::grass ? srgb(150, 132, 84) : m.base * 0.7f;
  m.seed = static_cast<std::uint32_t>(random.next());
  return m;
}

Material random_hedge(Random& random) {
  Material m;
  m.kind = MaterialKind::hedge;
  m.base = mix(srgb(52, 84, 36), srgb(104, 124, 52), uniform(random, 0, 1));
  m.second = random.chance(0.25) ? srgb(190, 120, 44) : srgb(146, 166, 78);
  m.size = uniform(random, 0.25, 0.55);
  m.seed = static_cast<std::uint32_t>(random.next());
  return m;
}

Material seamless_paper(Random& random) {
  Material m;
  m.kind = MaterialKind::paper;
  m.base = random.chance(0.6) ? Colour{1, 1, 1} * uniform(random, 0.15, 0.8)
                              : mix(wearable_colour(random), Colour{0.5f, 0.5f, 0.5f}, 0.5f);
  return m;
}

Colour material_colour(const Material& m, Vec2 p, float footprint) {
  const float coarse = 1 + 0.10f * fractal_noise(p * 2.2f, 3, m.seed + 100);
  const auto fine = [&](float frequency, float depth) {
    return footprint * frequency > 1 ? 1.0f : 1 + depth * noise(p * frequency, m.seed + 101);
  };
  switch (m.kind) {
    case MaterialKind::plaster: return m.base * (coarse * fine(60, 0.04f));
    case MaterialKind::concrete: return m.base * (1 + 0.2f * fractal_noise(p * 4, 4, m.seed)) * fine(120, 0.08f);
    case MaterialKind::brick:
    case MaterialKind::tiles: {
      const bool tiles = m.kind == MaterialKind::tiles;
      const Vec2 size = tiles ? Vec2{m.size, m.size} : Vec2{1.3f * m.size, 0.42f * m.size};
      const Block block = block_at(p, size, tiles ? 0.0f : 0.5f, 0.045f * m.size, footprint, m.seed);
      const float tone = tiles ? 0.94f + 0.1f * bits_uniform(block.bits) : 0.7f + 0.55f * bits_uniform(block.bits);
      return mix(m.base * tone * fine(90, tiles ? 0.0f : 0.15f), tiles ? m.base * 0.6f : srgb(170, 164, 154) * 0.8f,
                 block.joint) *
             coarse;
    }
    case MaterialKind::boards:
    case MaterialKind::planks: {
      // Floor planks run away from the viewer (along y), boards stand.
      const Block block = block_at(p, {m.size, 1.6f}, 0.37f, 0.02f * m.size, footprint, m.seed);
      const float grain =
          footprint > 0.02f ? 0 : noise({p.x * 120, p.y * 5 + 9 * bits_uniform(block.bits)}, m.seed + 2);
      return mix(m.base * (0.75f + 0.5f * bits_uniform(block.bits) + 0.12f * grain), m.base * 0.25f, block.joint) *
             coarse;
    }
    case MaterialKind::paving: {
      const Block block = block_at(p, {m.size, m.size}, 0.5f * static_cast<float>(m.seed & 1u),
                                   0.012f * m.size + 0.002f, footprint, m.seed);
      return mix(m.base * (0.85f + 0.3f * bits_uniform(block.bits)) * fine(80, 0.12f), m.base * 0.35f, block.joint) *
             coarse;
    }
    case MaterialKind::cobbles: {
      const Cell cell = nearest_cell(p * (1 / m.size), m.seed);
      const float visible = clamp01(0.5f * m.size / footprint), joint = smoothstep(0.16f, 0.03f, cell.edge) * visible;
      return mix(m.base * (0.7f + 0.55f * bits_uniform(cell.bits)), m.base * 0.22f, joint) * coarse;
    }
    case MaterialKind::wallpaper: {
      Surface s;
      s.across = p.x;
      s.along = p.y + 10;
      s.part = clamp01(1 + 0.6f * p.y);
      return fabric_colour(m.fabric, s) * coarse;
    }
    case MaterialKind::curtain: {
      const float fold = std::sin(p.x * 55 + 2.5f * noise({p.x * 6, p.y * 0.5f}, m.seed));
      return m.fabric.base * (0.72f + 0.32f * fold * (0.7f + 0.3f * noise({p.x * 9, p.y}, m.seed + 1)));
    }
    case MaterialKind::carpet: {
      Surface s;
      s.across = p.x;
      s.along = p.y + 20;
      s.part = 0.5f;
      return fabric_colour(m.fabric, s) * fine(200, 0.2f) * 0.8f;
    }
    case MaterialKind::facade: return facade(m, p, footprint);
    case MaterialKind::hedge: return foliage(m, p, footprint);
    case MaterialKind::shelves: return shelves(m, p, footprint);
    case MaterialKind::asphalt: return m.base * (1 + 0.15f * fractal_noise(p * 1.3f, 3, m.seed)) * fine(150, 0.3f);
    case MaterialKind::grass: {
      const float blade = footprint > 0.03f ? 0 : noise({p.x * 90, p.y * 25}, m.seed);
      return mix(m.base, m.second, clamp01(0.3f + 0.6f * fractal_noise(p * 1.1f, 3, m.seed + 1))) * (1 + 0.35f * blade);
    }
    case MaterialKind::sand: return m.base * (1 + 0.14f * fractal_noise(p * 5, 4, m.seed)) * fine(200, 0.12f);
    case MaterialKind::paper: return m.base;
  }
  return m.base;
}

}  // namespace weft::synthetic
