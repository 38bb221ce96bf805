// Furniture and street furniture, many of it in the colours and patterns that clothes have.

#include "data/synthetic/choice.h"
#include "data/synthetic/noise.h"
#include "data/synthetic/setting.h"

namespace weft::synthetic {

namespace {

/// Something that stands at (x, z) on the ground: its own coordinates have x to the right and y down from there.
struct Stand {
  Random& random;
  const Setting& setting;
  Painter& painter;
  Label label;
  float x, z;

  float scale() const { return setting.camera.magnification(z); }
  Vec2 at(float dx, float dy) const { return setting.camera.project({x + dx, dy, z}); }
  Shader paint(Colour colour, float gloss = 0) const {
    return [colour, gloss, &light = setting.light](Vec2, const Surface& s) {
      return light.shade(s.normal, colour, gloss);
    };
  }
  void box(float left, float top, float right, float bottom, const Shader& shader, float bulge = 0.01f) const {
    polygon({{left, top}, {right, top}, {right, bottom}, {left, bottom}}, shader, bulge);
  }
  void polygon(std::vector<Vec2> points, const Shader& shader, float bulge = 0.01f, bool smooth = false) const {
    for (Vec2& p : points) p = at(p.x, p.y);
    painter.paint(label, outline(std::move(points), bulge * scale(), smooth), shader, 0.004f);
  }
  void pole(Vec2 from, Vec2 to, float radius, const Shader& shader) const {
    painter.paint(label, tube({{at(from.x, from.y), radius * scale()}, {at(to.x, to.y), radius * scale()}}), shader,
                  0.003f);
  }
  void disc(Vec2 centre, Vec2 radii, const Shader& shader, float angle = 0) const {
    painter.paint(label, ellipse(at(centre.x, centre.y), radii * scale(), angle), shader, 0.004f);
  }
  Shader fabric(bool heavy = false) const {
    Fabric f = random_fabric(random, heavy);
    f.size *= 1.6f * scale();
    return cloth(f, setting.light);
  }
  Colour colour() const { return wearable_colour(random); }
};

void sofa(const Stand& s) {
  const Shader cover = s.fabric(true);
  const float w = uniform(s.random, 0.35, 0.6);
  s.polygon({{-w, -0.48f}, {w, -0.48f}, {w, -0.1f}, {-w, -0.1f}}, cover, 0.05f);
  s.box(-w, -0.26f, w, -0.05f, cover, 0.04f);
  for (float side : {-1.0f, 1.0f})
    s.polygon({{side * w, -0.35f}, {side * (w + 0.09f), -0.35f}, {side * (w + 0.1f), -0.02f}, {side * w, -0.02f}},
              cover, 0.04f);
  for (float x : {-0.6f, 0.55f}) {
    const Shader cushion = s.fabric();
    s.polygon({{x * w - 0.12f, -0.43f}, {x * w + 0.11f, -0.45f}, {x * w + 0.13f, -0.24f}, {x * w - 0.1f, -0.23f}},
              cushion, 0.06f, true);
  }
}

void chair(const Stand& s) {
  const Shader wood = s.paint(s.colour(), 0.2f), seat = s.fabric(true);
  for (float x : {-0.12f, 0.12f}) {
    s.pole({x, -0.27f}, {x * 1.15f, 0}, 0.011f, wood);
    s.pole({x, -0.58f}, {x, -0.25f}, 0.012f, wood);
  }
  s.polygon({{-0.13f, -0.58f}, {0.13f, -0.58f}, {0.125f, -0.4f}, {-0.125f, -0.4f}}, seat, 0.02f);
  s.polygon({{-0.14f, -0.28f}, {0.14f, -0.28f}, {0.16f, -0.23f}, {-0.16f, -0.23f}}, seat, 0.02f);
}

void plant(const Stand& s) {
  const float size = uniform(s.random, 0.7, 1.3);
  const Colour green = mix(srgb(44, 82, 38), srgb(110, 140, 62), uniform(s.random, 0, 1));
  for (int k = 0; k < 16; ++k) {
    const float angle = uniform(s.random, -1.3, 1.3), reach = uniform(s.random, 0.12, 0.34) * size;
    const Vec2 tip{std::sin(angle) * reach, -0.2f - std::cos(angle) * reach - 0.1f * size};
    s.disc({0.55f * tip.x, 0.5f * (tip.y - 0.2f)}, {0.035f * size, 0.6f * reach},
           s.paint(green * uniform(s.random, 0.5, 1.3), 0.2f), angle);
  }
  s.polygon({{-0.09f, -0.22f}, {0.09f, -0.22f}, {0.07f, 0}, {-0.07f, 0}}, s.paint(s.colour(), 0.2f), 0.05f);
}

void floor_lamp(const Stand& s) {
  s.pole({0, -0.85f}, {0, 0}, 0.007f, s.paint({0.03f, 0.03f, 0.03f}, 0.5f));
  s.disc({0, -0.01f}, {0.09f, 0.018f}, s.paint({0.03f, 0.03f, 0.03f}, 0.4f));
  const Colour glow = Colour{1.3f, 0.95f, 0.55f} * (luminance(s.setting.light.sky) * 2 + 0.25f);
  s.polygon(
      {{-0.07f, -1.0f}, {0.07f, -1.0f}, {0.12f, -0.8f}, {-0.12f, -0.8f}},
      [glow](Vec2, const Surface& f) { return glow * (0.6f + 0.5f * f.part); }, 0.05f);
}

void picture(const Stand& s) {
  const float w = uniform(s.random, 0.1, 0.3), h = uniform(s.random, 0.1, 0.26), y = uniform(s.random, -1.15, -0.85);
  s.box(-w - 0.02f, y - h - 0.02f, w + 0.02f, y + h + 0.02f, s.paint(s.colour(), 0.3f));
  s.box(-w, y - h, w, y + h, s.fabric(), 0.001f);
}

void window(const Stand& s) {
  const float w = uniform(s.random, 0.2, 0.38), top = -1.35f, low = -0.6f;
  const Colour outside =
      mix(s.setting.sky_low, s.setting.sky_high, 0.4f) * (s.setting.weather == Weather::dim ? 0.3f : 1.1f);
  const Shader white = s.paint({0.75f, 0.75f, 0.73f});
  s.box(-w - 0.04f, top - 0.04f, w + 0.04f, low + 0.04f, white);
  const std::uint32_t seed = static_cast<std::uint32_t>(s.random.next());
  for (float side : {-1.0f, 1.0f})
    s.box(
        side < 0 ? -w : 0.015f, top, side < 0 ? -0.015f : w, low,
        [outside, seed](Vec2 p, const Surface& f) {
          const float trees = smoothstep(0.45f, 0.65f, f.part + 0.2f * fractal_noise(p * 12, 3, seed));
          return mix(outside, srgb(70, 92, 60) * 0.8f, trees);
        },
        0.001f);
}

void clothes_rail(const Stand& s) {
  const Shader metal = s.paint({0.3f, 0.3f, 0.31f}, 0.6f);
  for (float x : {-0.42f, 0.42f}) s.pole({x, -0.92f}, {x, 0}, 0.01f, metal);
  s.pole({-0.44f, -0.92f}, {0.44f, -0.92f}, 0.01f, metal);
  for (float x = -0.36f; x < 0.38f; x += uniform(s.random, 0.05, 0.11)) {
    const float end = uniform(s.random, -0.5, -0.2), w = uniform(s.random, 0.03, 0.07);
    s.polygon({{x - 0.01f, -0.9f},
               {x + 0.01f, -0.9f},
               {x + w, -0.84f},
               {x + 1.1f * w, end},
               {x - 1.1f * w, end},
               {x - w, -0.84f}},
              s.fabric(), 0.03f);
  }
}

void boxes(const Stand& s) {
  float y = 0;
  for (int k = static_cast<int>(s.random.below(3)) + 1; k > 0; --k) {
    const float h = uniform(s.random, 0.12, 0.26), w = uniform(s.random, 0.12, 0.24),
                x = uniform(s.random, -0.05, 0.05);
    s.box(x - w, y - h, x + w, y, s.random.chance(0.5) ? s.paint(srgb(170, 130, 86)) : s.fabric(), 0.008f);
    y -= h;
  }
}

void car(const Stand& s) {
  const float d = s.random.chance(0.5) ? 1.0f : -1.0f;
  const Colour colour = s.colour();
  const Shader body = s.paint(colour, 0.85f), glass = [&light = s.setting.light](Vec2, const Surface&f) {
    return light.sky * mix(0.7f, 0.12f, f.part);
  };
  s.polygon({{-1.2f * d, -0.42f},
             {-0.75f * d, -0.52f},
             {-0.42f * d, -0.82f},
             {0.42f * d, -0.84f},
             {0.78f * d, -0.54f},
             {1.18f * d, -0.46f},
             {1.22f * d, -0.18f},
             {-1.22f * d, -0.18f}},
            body, 0.2f);
  s.polygon({{-0.62f * d, -0.53f}, {-0.36f * d, -0.77f}, {-0.02f * d, -0.79f}, {-0.02f * d, -0.53f}}, glass, 0.01f);
  s.polygon({{0.04f * d, -0.53f}, {0.04f * d, -0.79f}, {0.38f * d, -0.78f}, {0.62f * d, -0.53f}}, glass, 0.01f);
  for (float x : {-0.72f, 0.72f}) {
    s.disc({x, -0.18f}, {0.19f, 0.19f}, s.paint({0.015f, 0.015f, 0.015f}));
    s.disc({x, -0.18f}, {0.1f, 0.1f}, s.paint({0.3f, 0.3f, 0.31f}, 0.6f));
  }
  s.disc({1.14f * d, -0.4f}, {0.05f, 0.035f}, s.paint({0.9f, 0.88f, 0.8f}, 0.6f));
  s.disc({-1.14f * d, -0.4f}, {0.05f, 0.04f}, s.paint({0.5f, 0.03f, 0.02f}, 0.6f));
}

void lamp_post(const Stand& s) {
  const Shader iron = s.paint({0.06f, 0.065f, 0.06f}, 0.3f);
  s.pole({0, -2.6f}, {0, 0}, 0.022f, iron);
  s.pole({0, -0.35f}, {0, 0}, 0.04f, iron);
}

void tree(const Stand& s) {
  const Colour bark = srgb(96, 78, 62) * uniform(s.random, 0.6, 1.1);
  const Colour green = mix(srgb(48, 82, 36), srgb(126, 142, 60), uniform(s.random, 0, 1));
  const float lean = uniform(s.random, -0.1, 0.1), r = uniform(s.random, 0.05, 0.09);
  s.painter.paint(
      s.label,
      tube({{s.at(0, 0.01f), 1.6f * r * s.scale()},
            {s.at(0.1f * lean, -0.15f), 1.1f * r * s.scale()},
            {s.at(lean, -0.8f), r * s.scale()},
            {s.at(1.5f * lean, -2.0f), 0.7f * r * s.scale()}},
           true),
      [bark, &light = s.setting.light](Vec2, const Surface& f) {
        return light.shade(f.normal, bark * (1 + 0.4f * noise({f.across * 90, f.along * 22}, 4)));
      },
      0);
  for (int k = 0; k < 7; ++k) {
    const Vec2 c{lean + uniform(s.random, -0.6, 0.6), uniform(s.random, -2.5, -1.5)};
    const float size = uniform(s.random, 0.3, 0.5), unit_size = s.scale();
    const std::uint32_t seed = static_cast<std::uint32_t>(s.random.next());
    const Shape crown = displaced(
        ellipse(s.at(c.x, c.y), Vec2{size, 0.75f * size} * unit_size), 0.08f * unit_size,
        [=](Vec2 p, const Surface&) { return 0.08f * unit_size * fractal_noise(p * (9 / unit_size), 3, seed); });
    s.painter.paint(
        s.label, crown,
        [=, &light = s.setting.light](Vec2 p, const Surface& f) {
          const float leaf = fractal_noise(p * (26 / unit_size), 2, seed);
          return light.shade(unit(f.normal + Vec3{0.5f * leaf, 0, 0}), green * (0.75f + 0.6f * leaf));
        },
        0.01f);
  }
}

void bollard(const Stand& s) {
  const Shader shader = s.paint(s.colour(), 0.3f);
  s.pole({0, -0.5f}, {0, 0}, 0.035f, shader);
  s.disc({0, -0.52f}, {0.045f, 0.045f}, shader);
}

void bin(const Stand& s) {
  const Shader shader = s.paint(s.colour(), 0.25f);
  s.polygon({{-0.16f, -0.55f}, {0.16f, -0.55f}, {0.13f, 0}, {-0.13f, 0}}, shader, 0.08f);
  s.polygon({{-0.18f, -0.61f}, {0.18f, -0.61f}, {0.18f, -0.55f}, {-0.18f, -0.55f}}, s.paint({0.05f, 0.05f, 0.05f}),
            0.02f);
}

void bench(const Stand& s) {
  const Shader wood = s.paint(srgb(140, 96, 60) * uniform(s.random, 0.5, 1.2)),
               iron = s.paint({0.04f, 0.04f, 0.04f}, 0.3f);
  for (float x : {-0.38f, 0.38f}) s.pole({x, -0.5f}, {x, 0}, 0.016f, iron);
  for (float y : {-0.5f, -0.43f, -0.36f}) s.box(-0.48f, y, 0.48f, y + 0.05f, wood);
  s.box(-0.48f, -0.27f, 0.48f, -0.22f, wood);
}

void banner(const Stand& s) {
  s.pole({0.16f, -1.7f}, {0.16f, 0}, 0.012f, s.paint({0.3f, 0.3f, 0.3f}, 0.4f));
  s.box(-0.16f, -1.65f, 0.16f, -0.6f, s.fabric(), 0.02f);
}

void parasol(const Stand& s) {
  s.pole({0, -1.3f}, {0, 0}, 0.014f, s.paint({0.6f, 0.6f, 0.58f}));
  s.polygon({{-0.65f, -1.12f}, {0, -1.45f}, {0.65f, -1.12f}, {0.33f, -1.09f}, {0, -1.12f}, {-0.33f, -1.09f}},
            s.fabric(), 0.15f);
}

void shop(const Stand& s) {  // a lit shop front with an awning
  const Colour inside = Colour{0.75f, 0.6f, 0.42f} * (luminance(s.setting.light.sky) + 0.25f);
  const std::uint32_t seed = static_cast<std::uint32_t>(s.random.next());
  s.box(-0.62f, -1.35f, 0.62f, 0, s.paint(s.colour(), 0.3f));
  s.box(
      -0.55f, -1.15f, 0.2f, -0.22f,
      [inside, seed](Vec2 p, const Surface& f) {
        const Cell goods = nearest_cell(p * 9, seed);
        const Colour tint{0.4f + 0.6f * static_cast<float>(goods.bits & 255u) / 255,
                          0.4f + 0.6f * static_cast<float>((goods.bits >> 8) & 255u) / 255,
                          0.4f + 0.6f * static_cast<float>((goods.bits >> 16) & 255u) / 255};
        return inside * mix({0.45f, 0.45f, 0.45f}, tint, smoothstep(0.35f, 0.5f, f.part)) *
               (1 - 0.35f * smoothstep(0.1f, 0.5f, goods.distance));
      },
      0.001f);
  s.box(0.26f, -1.15f, 0.54f, 0, s.paint({0.04f, 0.04f, 0.05f}, 0.8f));
  s.polygon({{-0.6f, -1.36f}, {0.6f, -1.36f}, {0.68f, -1.14f}, {-0.68f, -1.14f}}, s.fabric(), 0.02f);
}

using Draw = void (*)(const Stand&);
struct Choice {
  Draw draw;
  float foot;  ///< half width on the ground; 0: hangs on the wall
};

}  // namespace

std::vector<Prop> draw_props(Random& random, const Setting& setting, Painter& painter) {
  static const Choice indoor[] = {{sofa, 0.6f}, {chair, 0.17f}, {plant, 0.12f},       {floor_lamp, 0.1f}, {picture, 0},
                                  {picture, 0}, {window, 0},    {clothes_rail, 0.5f}, {boxes, 0.25f}};
  static const Choice urban[] = {{car, 1.3f},  {car, 1.3f},   {lamp_post, 0.1f}, {tree, 0.2f},     {bollard, 0.07f},
                                 {bin, 0.18f}, {bench, 0.5f}, {banner, 0.05f},   {parasol, 0.05f}, {boxes, 0.25f}};
  static const Choice alley[] = {{shop, 0},      {shop, 0},     {picture, 0},    {bin, 0.18f},    {boxes, 0.25f},
                                 {plant, 0.12f}, {bench, 0.5f}, {banner, 0.05f}, {bollard, 0.07f}};
  static const Choice green[] = {{tree, 0.2f},   {tree, 0.2f},      {tree, 0.2f},     {bench, 0.5f},
                                 {plant, 0.12f}, {lamp_post, 0.1f}, {parasol, 0.05f}, {bin, 0.18f}};
  static const Choice sandy[] = {{parasol, 0.05f}, {parasol, 0.05f}, {chair, 0.17f}, {banner, 0.05f}};
  const auto choose = [&]() -> Choice {
    switch (setting.place) {
      case Place::studio:
      case Place::room: return pick(random, indoor);
      case Place::street: return pick(random, urban);
      case Place::alley: return pick(random, alley);
      case Place::park: return pick(random, green);
      case Place::beach: break;
    }
    return pick(random, sandy);
  };
  const std::uint64_t count =
      setting.place == Place::studio ? 0 : 1 + random.below(setting.place == Place::room ? 4 : 5);
  struct Placed {
    Choice choice;
    float x, z;
  };
  std::vector<Placed> placed;
  for (std::uint64_t k = 0; k < count; ++k) {
    const Choice choice = choose();
    const float reach = std::min(setting.back, 6.0f), sign = random.chance(0.5) ? 1.0f : -1.0f;
    const float z = choice.foot == 0 ? -setting.back * 0.98f : -reach * uniform(random, 0.25, 0.9);
    const float k_inverse = 1 / setting.camera.magnification(z);
    placed.push_back({choice, sign * uniform(random, 0.12, 0.6) * k_inverse, z});
  }
  std::sort(placed.begin(), placed.end(), [](const Placed& a, const Placed& b) { return a.z < b.z; });
  std::vector<Prop> props;
  for (const Placed& p : placed) {
    props.push_back({setting.camera.distance - p.z, p.x, p.choice.foot});
    p.choice.draw({random, setting, painter, static_cast<Label>(props.size()), p.x, p.z});
  }
  return props;
}

}  // namespace weft::synthetic
