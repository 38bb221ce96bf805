#include "data/synthetic/synthetic.h"

#include "core/check.h"
#include "core/random.h"
#include "data/synthetic/choice.h"
#include "data/synthetic/develop.h"
#include "data/synthetic/person.h"
#include "data/synthetic/setting.h"

namespace weft {

namespace synthetic {

namespace {

/// How much of the person is in the picture, and where.
View random_view(Random& random, SyntheticSize size) {
  const float w = static_cast<float>(size.width), h = static_cast<float>(size.height);
  const double crop = random.uniform();
  float visible, feet;  // body units in the picture's height; height of the feet above its lower edge, as a share
  if (crop < 0.58) {    // all of the person
    visible = uniform(random, 1.08, 1.3);
    feet = uniform(random, 0.03, 0.09);
  } else if (crop < 0.85) {  // from the knees up
    visible = uniform(random, 0.78, 0.95);
    feet = 1 - (1 + uniform(random, 0.06, 0.13)) / visible;
  } else {  // from the hips up
    visible = uniform(random, 0.55, 0.7);
    feet = 1 - (1 + uniform(random, 0.06, 0.12)) / visible;
  }
  const float scale = std::min(h / visible, w / 0.6f);
  return {size.width, size.height, {w * uniform(random, 0.4, 0.6), h - feet * scale * visible}, scale};
}

/// The scene behind the person, its depth, and what it would be without the person's shadow.
struct Backdrop {
  Raster colour;
  std::vector<float> depth;
};

/// Light that a point of the ground loses to what stands near it.
float shade_at_feet(const std::vector<Prop>& props, const Camera& camera, Vec2 p, float depth) {
  const float k = depth / camera.distance, ground = (p.y + camera.height) * k - camera.height;
  if (std::abs(ground) > 0.01f) return 0;
  float lost = 0;
  for (const Prop& prop : props) {
    if (prop.foot <= 0) continue;
    const Vec2 d{(p.x * k - prop.x) / (prop.foot + 0.05f), (depth - prop.depth) / (0.3f * prop.foot + 0.1f)};
    lost = std::max(lost, 0.65f * std::exp(-1.2f * dot(d, d)));
  }
  return lost;
}

Backdrop draw_backdrop(Random& random, const Setting& setting, const View& view) {
  Painter painter(view, setting.light.to_sun);
  const std::vector<Prop> props = draw_props(random, setting, painter);
  Backdrop backdrop{Raster(view.width, view.height), std::vector<float>(painter.labels().size())};
  for (int y = 0; y < view.height; ++y) {
    for (int x = 0; x < view.width; ++x) {
      const std::size_t i =
          static_cast<std::size_t>(y) * static_cast<std::size_t>(view.width) + static_cast<std::size_t>(x);
      const Vec2 p = view.to_body(static_cast<float>(x) + 0.5f, static_cast<float>(y) + 0.5f);
      const Sight sight = look(setting, p, view.pixel());
      const Painter::Pixel prop = painter.pixel(x, y);
      const auto label = static_cast<std::size_t>(painter.labels()[i]);
      backdrop.colour.pixels[i] =
          sight.colour * ((1 - prop.coverage) * (1 - shade_at_feet(props, setting.camera, p, sight.depth))) +
          prop.colour;
      backdrop.depth[i] = label == 0 ? sight.depth : props[label - 1].depth;
    }
  }
  return backdrop;
}

/// The person's shadow: from each point of the backdrop a ray goes towards the sun; where it crosses the upright
/// plane Z = 0 in which the person stands, their silhouette says how much light is lost. Near the feet even
/// scattered light is.
void cast_shadow(Backdrop& backdrop, const Painter& person, const Setting& setting, const Figure& figure,
                 const View& view) {
  Raster silhouette(view.width, view.height);
  for (int y = 0; y < view.height; ++y)
    for (int x = 0; x < view.width; ++x) silhouette.at(x, y).x = person.pixel(x, y).coverage;
  const Raster sharp = blurred(silhouette, 0.008f * view.scale), soft = blurred(silhouette, 0.03f * view.scale);
  const float D = setting.camera.distance, h = setting.camera.height;
  const Vec3 sun = setting.light.to_sun;
  for (int y = 0; y < view.height; ++y) {
    for (int x = 0; x < view.width; ++x) {
      const std::size_t i =
          static_cast<std::size_t>(y) * static_cast<std::size_t>(view.width) + static_cast<std::size_t>(x);
      const Vec2 p = view.to_body(static_cast<float>(x) + 0.5f, static_cast<float>(y) + 0.5f);
      const float t = backdrop.depth[i], X = p.x * t / D, Y = -h + (p.y + h) * t / D, Z = D - t;
      const float far = -Z / sun.z;
      float lost = 0;
      if (far > 0 && far < 6) {
        const Vec2 q = Vec2{X + far * sun.x, Y + far * sun.y} * view.scale + view.origin;
        const float inside = smoothstep(0.0f, 8.0f, std::min(q.x, static_cast<float>(view.width) - q.x));
        lost = setting.shadow * inside * mix(sharp.sample(q.x, q.y).x, soft.sample(q.x, q.y).x, clamp01(far)) *
               smoothstep(4.0f, 1.5f, far);
      }
      if (std::abs(Y) < 0.05f)
        for (int side : {0, 1}) {
          const Vec2 foot = mix(figure.leg[side][4].p, figure.camera.project(figure.toe[side]), 0.6f);
          const Vec2 d{(p.x - foot.x) / 0.075f, (p.y - foot.y - 0.008f) / 0.03f};
          lost = std::max(lost, 0.7f * std::exp(-1.3f * dot(d, d)));
        }
      backdrop.colour.pixels[i] = backdrop.colour.pixels[i] * (1 - lost);
    }
  }
}

/// Depth of field: each pixel is mixed from three blurs of the backdrop, by its distance from the plane in focus.
Raster out_of_focus(const Backdrop& backdrop, const Setting& setting, float height) {
  const float full = setting.aperture * height, D = setting.camera.distance;
  const Raster half = blurred(backdrop.colour, 0.4f * full), whole = blurred(backdrop.colour, full);
  Raster result = backdrop.colour;
  for (std::size_t i = 0; i < result.pixels.size(); ++i) {
    const float circle = clamp01(std::abs(1 - D / backdrop.depth[i]));  // 0 in focus, 1 infinitely far
    result.pixels[i] = circle < 0.4f ? mix(result.pixels[i], half.pixels[i], circle / 0.4f)
                                     : mix(half.pixels[i], whole.pixels[i], (circle - 0.4f) / 0.6f);
  }
  return result;
}

}  // namespace

}  // namespace synthetic

void check_synthetic_size(SyntheticSize size) {
  for (int side : {size.width, size.height})
    WEFT_CHECK(side >= synthetic_smallest && side <= synthetic_largest,
               "[synthetic] a side must have {} to {} pixels, got {}x{}", synthetic_smallest, synthetic_largest,
               size.width, size.height);
}

SyntheticSample draw_synthetic(std::uint64_t seed, std::uint64_t index, SyntheticSize size) {
  using namespace synthetic;
  check_synthetic_size(size);
  // One stream for each part, so that a change in how one is drawn leaves the others as they were.
  enum Stream : std::uint64_t {
    body_stream = 1,
    outfit_stream,
    setting_stream,
    props_stream,
    view_stream,
    exposure_stream
  };
  const auto stream = [&](Stream part) { return Random(seed, {0xA7218, index, part}); };
  Random body_random = stream(body_stream), outfit_random = stream(outfit_stream),
         setting_random = stream(setting_stream), props_random = stream(props_stream),
         view_random = stream(view_stream), exposure_random = stream(exposure_stream);

  const Build build = random_build(body_random);
  const Outfit outfit = random_outfit(outfit_random, build);
  const Setting setting = random_setting(setting_random);
  const Figure figure = random_figure(body_random, build, setting.camera, outfit.shoes.heel);
  const View view = random_view(view_random, size);

  Painter person(view, setting.light.to_sun);
  draw_person({person, setting.light, figure}, outfit);
  Backdrop backdrop = draw_backdrop(props_random, setting, view);
  cast_shadow(backdrop, person, setting, figure, view);
  Raster scene = out_of_focus(backdrop, setting, static_cast<float>(size.height));

  SyntheticSample sample{{}, Image(size.width, size.height, 1)};
  for (int y = 0; y < size.height; ++y) {
    for (int x = 0; x < size.width; ++x) {
      const Painter::Pixel pixel = person.pixel(x, y);
      scene.at(x, y) = scene.at(x, y) * (1 - pixel.coverage) + pixel.colour;
      *sample.labels.at(y, x) =
          static_cast<std::uint8_t>(person.labels()[static_cast<std::size_t>(y) * static_cast<std::size_t>(size.width) +
                                                    static_cast<std::size_t>(x)]);
    }
  }
  sample.picture = develop(std::move(scene), random_exposure(exposure_random, setting));
  return sample;
}

}  // namespace weft
