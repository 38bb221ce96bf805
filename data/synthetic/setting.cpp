#include "data/synthetic/setting.h"

#include <limits>

#include "data/synthetic/choice.h"
#include "data/synthetic/noise.h"

namespace weft::synthetic {

namespace {

constexpr float infinite = std::numeric_limits<float>::infinity();

Light random_light(Random& random, Weather weather) {
  Light light;
  const float side = random.chance(0.5) ? 1.0f : -1.0f;
  const auto sun_from = [&](float x, float up, float z) { light.to_sun = unit(Vec3{side * x, -up, z}); };
  switch (weather) {
    case Weather::sun:
      sun_from(uniform(random, 0.3, 0.9), uniform(random, 0.6, 1.1), uniform(random, 0.35, 0.9));
      light.sun = Colour{1.25f, 1.17f, 1.04f} * uniform(random, 0.8, 1.05);
      light.sky = Colour{0.30f, 0.35f, 0.43f};
      break;
    case Weather::overcast:
      sun_from(uniform(random, 0, 0.5), 1, 0.6f);
      light.sun = Colour{0.95f, 0.98f, 1.0f} * uniform(random, 0.25, 0.5);
      light.sky = Colour{0.68f, 0.71f, 0.75f};
      break;
    case Weather::golden:
      sun_from(uniform(random, 0.8, 1.3), uniform(random, 0.3, 0.5), uniform(random, 0.3, 0.7));
      light.sun = Colour{1.1f, 0.72f, 0.40f};
      light.sky = Colour{0.30f, 0.31f, 0.38f};
      break;
    case Weather::lamp:
      sun_from(uniform(random, 0.3, 1), uniform(random, 0.5, 1), uniform(random, 0.5, 1));
      light.sun = Colour{0.85f, 0.70f, 0.50f} * uniform(random, 0.6, 1);
      light.sky = Colour{0.34f, 0.30f, 0.25f};
      break;
    case Weather::flash:
      sun_from(uniform(random, 0.05, 0.2), 0.2f, 1);
      light.sun = Colour{0.95f, 0.97f, 1.0f} * 0.7f;
      light.sky = Colour{0.2f, 0.2f, 0.21f};
      break;
    case Weather::dim:
      sun_from(uniform(random, 0.3, 1), 0.7f, 0.6f);
      light.sun = mix(Colour{0.20f, 0.15f, 0.09f}, Colour{0.12f, 0.15f, 0.20f}, uniform(random, 0, 1));
      light.sky = Colour{0.07f, 0.075f, 0.09f};
      break;
    case Weather::backlight:
      sun_from(uniform(random, 0.2, 0.7), uniform(random, 0.35, 0.7), -1);
      light.sun = Colour{1.3f, 1.1f, 0.8f};
      light.sky = Colour{0.40f, 0.41f, 0.44f};
      break;
  }
  return light;
}

Weather random_weather(Random& random, Place place) {
  static const Weather outdoors[] = {Weather::sun,      Weather::sun,       Weather::sun,
                                     Weather::overcast, Weather::overcast,  Weather::overcast,
                                     Weather::golden,   Weather::backlight, Weather::dim};
  static const Weather indoors[] = {Weather::lamp,     Weather::lamp,  Weather::overcast,
                                    Weather::overcast, Weather::flash, Weather::dim};
  static const Weather studio[] = {Weather::overcast, Weather::lamp, Weather::flash, Weather::overcast};
  if (place == Place::studio) return pick(random, studio);
  return place == Place::room ? pick(random, indoors) : pick(random, outdoors);
}

}  // namespace

Setting random_setting(Random& random) {
  static const Place places[] = {Place::studio, Place::room,   Place::room,   Place::room,  Place::street,
                                 Place::street, Place::street, Place::street, Place::alley, Place::alley,
                                 Place::park,   Place::park,   Place::beach};
  Setting s;
  s.place = pick(random, places);
  s.weather = random_weather(random, s.place);
  s.light = random_light(random, s.weather);
  s.camera = {uniform(random, 2.4, 4.5), uniform(random, 0.62, 0.92)};
  s.yaw = uniform(random, -0.3, 0.3);
  s.seed = static_cast<std::uint32_t>(random.next());
  s.aperture = random.chance(0.25) ? 0.002f : uniform(random, 0.006, 0.024);
  s.sky_high = mix(srgb(92, 140, 200), srgb(150, 180, 214), uniform(random, 0, 1));
  s.sky_low = srgb(206, 218, 228);
  s.clouds = uniform(random, 0.2, 1);
  s.haze = 0.006f;
  switch (s.place) {
    case Place::studio:
      s.ground = s.wall = s.side = seamless_paper(random);
      s.back = uniform(random, 0.6, 1.4);
      s.left = s.right = infinite;
      s.wall_height = 9;
      s.yaw = 0;
      s.haze = 0;
      break;
    case Place::room:
      s.ground = random_indoor_floor(random);
      s.wall = random_indoor_wall(random);
      s.side = random.chance(0.5) ? s.wall : random_indoor_wall(random);
      s.back = uniform(random, 0.5, 2.2);
      s.left = uniform(random, 0.9, 2.4);
      s.right = uniform(random, 0.9, 2.4);
      s.wall_height = uniform(random, 1.5, 1.9);
      s.haze = 0;
      s.aperture *= 0.6f;
      break;
    case Place::street:
    case Place::alley:
      s.ground = random_street_ground(random);
      s.wall = random_street_wall(random);
      s.side = random_street_wall(random);
      s.back = s.place == Place::alley ? uniform(random, 0.5, 2) : uniform(random, 3, 14);
      s.left = s.place == Place::alley ? infinite : uniform(random, 1.2, 5);
      s.right = s.place == Place::alley ? infinite : uniform(random, 1.2, 5);
      s.wall_height = uniform(random, 2, 7);
      break;
    case Place::park:
      s.ground = random.chance(0.6) ? random_nature_ground(random) : random_street_ground(random);
      s.wall = s.side = random_hedge(random);
      s.back = uniform(random, 1.5, 9);
      s.left = random.chance(0.3) ? uniform(random, 1.2, 3) : infinite;
      s.right = random.chance(0.3) ? uniform(random, 1.2, 3) : infinite;
      s.wall_height = random.chance(0.5) ? uniform(random, 1.3, 2) : 6;
      break;
    case Place::beach:
      s.ground = random_nature_ground(random);
      s.ground.kind = MaterialKind::sand;
      s.ground.base = mix(srgb(214, 194, 158), srgb(168, 146, 116), uniform(random, 0, 1));
      s.back = s.left = s.right = infinite;
      s.wall_height = 0;
      break;
  }
  if (s.weather == Weather::golden || s.weather == Weather::backlight) {
    s.sky_low = srgb(250, 206, 150);
    s.sky_high = srgb(150, 160, 186);
  } else if (s.weather == Weather::overcast) {
    s.sky_high = srgb(196, 202, 208);
    s.sky_low = srgb(224, 226, 228);
  } else if (s.weather == Weather::dim) {
    s.sky_high = srgb(26, 32, 52) * 0.6f;
    s.sky_low = srgb(90, 74, 70) * 0.5f;
  }
  s.shadow = s.weather == Weather::overcast || s.weather == Weather::dim ? 0.3f : 0.72f;
  // What the ground throws back takes its colour.
  s.light.ground = (s.light.sky * 0.5f + s.light.sun * 0.35f) * mix(s.ground.base, Colour{0.3f, 0.3f, 0.3f}, 0.4f);
  return s;
}

namespace {

Colour sky(const Setting& s, Vec2 p) {
  const float up = clamp01((-p.y - s.camera.height) / 0.9f);
  Colour c = mix(s.sky_low, s.sky_high, std::sqrt(up));
  const float cloud = fractal_noise({p.x * 2.2f, p.y * 5}, 4, s.seed + 1);
  return mix(c, c * 0.4f + Colour{0.62f, 0.61f, 0.6f} * (luminance(s.sky_low) / 0.7f),
             s.clouds * smoothstep(0.0f, 0.5f, cloud) * 0.7f);
}

/// Where the box of planes is met: distance t along the ray, and which plane.
enum class Plane { none, ground, ceiling, back, left, right };

}  // namespace

// The ray through p starts at the camera (0, -h, D) and reaches, at depth t, the point
//   X = p.x t / D,   Y = -h + (p.y + h) t / D,   Z = D - t.
// The planes are upright in coordinates turned by yaw: X' = c X + s Z, Z' = c Z - s X.
Sight look(const Setting& s, Vec2 p, float pixel) {
  const float D = s.camera.distance, h = s.camera.height, c = std::cos(s.yaw), n = std::sin(s.yaw), a = p.x / D,
              b = (p.y + h) / D;
  float nearest = 40;
  Plane plane = Plane::none;
  const auto meet = [&](float t, Plane which) {
    if (!(t > 0.05f && t < nearest)) return;
    if (which != Plane::ground && which != Plane::ceiling) {
      // Outdoors every building has a roof line of its own; a ray above it goes on.
      const float X = a * t, Z = D - t, along = which == Plane::back ? c * X + n * Z : c * Z - n * X;
      float top = s.wall_height;
      if (s.place == Place::street || s.place == Place::alley)
        top *=
            0.6f + 0.8f * lattice_uniform(static_cast<int>(std::floor(along / 2.3f)), static_cast<int>(which), s.seed);
      if (s.place == Place::park) top *= 0.85f + 0.3f * fractal_noise({along * 1.5f, 0}, 4, s.seed + 3);
      if (-h + b * t < -top) return;
    }
    nearest = t;
    plane = which;
  };
  if (b > 0) meet(h / b, Plane::ground);
  if (s.place == Place::room && b < 0) meet((s.wall_height - h) / -b, Plane::ceiling);
  meet((c * D + s.back) / (c + n * a), Plane::back);
  meet((-s.left - n * D) / (c * a - n), Plane::left);
  meet((s.right - n * D) / (c * a - n), Plane::right);
  if (plane == Plane::none) {
    if (s.place == Place::beach && b > -0.02f && b < 0.004f)
      return {srgb(88, 128, 150) * (0.8f + 0.2f * noise({p.x * 30, p.y * 300}, s.seed)), 40};
    return {sky(s, p), 40};
  }

  const float t = nearest, X = a * t, Y = -h + b * t, Z = D - t, across = c * X + n * Z, deep = c * Z - n * X;
  const float footprint = pixel * t / D;
  Vec3 normal{0, -1, 0};
  Colour albedo;
  switch (plane) {
    case Plane::ground:
      albedo = material_colour(s.ground, {across, deep}, footprint * std::min(1 / std::max(b, 0.02f), 12.0f) * 0.5f);
      break;
    case Plane::ceiling:
      albedo = Colour{0.75f, 0.74f, 0.72f};
      normal = {0, 1, 0};
      break;
    case Plane::back:
      albedo = material_colour(s.wall, {across, Y}, footprint);
      normal = {-n, 0, c};
      break;
    case Plane::left:
      albedo = material_colour(s.side, {deep, Y}, footprint);
      normal = {c, 0, n};
      break;
    case Plane::right:
      albedo = material_colour(s.side, {deep, Y}, footprint);
      normal = {-c, 0, -n};
      break;
    case Plane::none: break;
  }
  if (plane == Plane::back && (s.place == Place::street || s.place == Place::alley)) {
    const float own = lattice_uniform(static_cast<int>(std::floor(across / 2.3f)), 9, s.seed);
    albedo = albedo * mix(Colour{1.15f, 1.0f, 0.85f}, Colour{0.75f, 0.85f, 1.0f}, own);
  }
  const float facing = std::max(0.0f, dot(normal, s.light.to_sun));
  const bool open =
      s.place == Place::park || s.place == Place::beach || s.place == Place::street || s.place == Place::alley;
  Colour light = mix(s.light.ground, s.light.sky, 0.5f - 0.5f * normal.y) + s.light.sun * facing;
  if (!open) {  // a room: corners are dark, and so is what lies far from the lamp
    const float corner = std::min({std::abs(deep + s.back), std::abs(across + s.left), std::abs(s.right - across),
                                   std::abs(Y) + (plane == Plane::ground ? 9.0f : 0.0f), std::abs(Y + s.wall_height)});
    const float own = plane == Plane::ground
                          ? std::min({std::abs(deep + s.back), std::abs(across + s.left), std::abs(s.right - across)})
                          : corner;
    const float edge = s.place == Place::studio ? 1.0f : 0.62f + 0.38f * smoothstep(0.0f, 0.5f, own);
    const Vec2 lamp{X - 1.2f * s.light.to_sun.x, Y + 0.9f};
    light = light * (edge * mix(1.25f, 0.55f, smoothstep(0.0f, 2.2f, length(lamp))));
    if (s.place == Place::studio)
      light = mix(light, s.light.sky + s.light.sun * 0.45f,
                  0.75f * smoothstep(1.1f, 0.0f, std::abs(deep + s.back)));  // the paper's bend
  } else if (plane != Plane::ground) {
    light = light * mix(0.6f, 1.0f, smoothstep(0.0f, 0.6f, -Y));
  }
  const float haze = 1 - std::exp(-s.haze * t);
  return {mix(albedo * light, sky(s, {p.x, -h - 0.02f}) * 0.8f, haze), t};
}

}  // namespace weft::synthetic
