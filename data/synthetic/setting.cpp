#include "data/synthetic/setting.h"

#include <array>
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
      s.pavement = random_street_ground(random);
      s.pavement.kind = MaterialKind::paving;
      if (s.place == Place::street) s.pavement_width = uniform(random, 0, 1.2);
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
  if (s.place == Place::park && s.weather == Weather::sun && random.chance(0.6)) s.leaves = uniform(random, 0.4, 0.8);
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

enum class Plane { none, ground, ceiling, back, left, right };

/// Where a ray meets the box of planes.
struct Hit {
  Plane plane = Plane::none;
  float depth = 40;
  Vec3 at;             ///< X, Y, Z
  float across, deep;  ///< X', Z': the planes' own coordinates
};

bool is_open(Place place) { return place != Place::room && place != Place::studio; }
bool is_built_up(Place place) { return place == Place::street || place == Place::alley; }
/// Houses stand side by side along a wall, each this wide.
int house(float along) { return static_cast<int>(std::floor(along / 2.3f)); }

/// Outdoors every house and hedge has an upper edge of its own.
float wall_top(const Setting& s, Plane plane, float along) {
  if (is_built_up(s.place))
    return s.wall_height * (0.6f + 0.8f * lattice_uniform(house(along), static_cast<int>(plane), s.seed));
  if (s.place == Place::park) return s.wall_height * (0.85f + 0.3f * fractal_noise({along * 1.5f, 0}, 4, s.seed + 3));
  return s.wall_height;
}

// The ray through p starts at the camera (0, -h, D) and reaches, at depth t, the point
//   X = a t,   Y = -h + b t,   Z = D - t      with a = p.x / D, b = (p.y + h) / D.
// The planes are upright in coordinates turned by yaw: X' = c X + n Z, Z' = c Z - n X.
Hit cast_ray(const Setting& s, Vec2 p) {
  const float D = s.camera.distance, h = s.camera.height, c = std::cos(s.yaw), n = std::sin(s.yaw);
  const float a = p.x / D, b = (p.y + h) / D;
  Hit hit;
  const auto meet = [&](float t, Plane plane) {
    if (!(t > 0.05f && t < hit.depth)) return;
    const Vec3 at{a * t, -h + b * t, D - t};
    const float across = c * at.x + n * at.z, deep = c * at.z - n * at.x;
    const bool is_wall = plane != Plane::ground && plane != Plane::ceiling;
    if (is_wall && -at.y > wall_top(s, plane, plane == Plane::back ? across : deep)) return;
    hit = {plane, t, at, across, deep};
  };
  if (b > 0) meet(h / b, Plane::ground);
  if (s.place == Place::room && b < 0) meet((s.wall_height - h) / -b, Plane::ceiling);
  meet((c * D + s.back) / (c + n * a), Plane::back);
  meet((-s.left - n * D) / (c * a - n), Plane::left);
  meet((s.right - n * D) / (c * a - n), Plane::right);
  return hit;
}

Colour ground_albedo(const Setting& s, const Hit& hit, float footprint) {
  const Vec2 place{hit.across, hit.deep};
  const float wall =
      std::min({hit.across + s.left, s.right - hit.across, hit.deep + s.back});  // distance to the nearest
  if (wall < s.pavement_width) return material_colour(s.pavement, place, footprint);
  Colour albedo = material_colour(s.ground, place, footprint);
  if (s.pavement_width > 0) {
    const float curb = smoothstep(0.09f + footprint, 0.08f, wall - s.pavement_width);
    albedo = mix(albedo, s.pavement.base * 1.3f, curb);
    albedo = albedo * (1 - 0.45f * smoothstep(0.13f + footprint, 0.1f, wall - s.pavement_width) * (1 - curb));
  }
  return albedo;
}

Colour albedo_at(const Setting& s, const Hit& hit, float pixel) {
  const float footprint = pixel * hit.depth / s.camera.distance;
  switch (hit.plane) {
    case Plane::ground: {  // seen at a slant, a pixel covers more of it
      const float slant = std::max(s.camera.height / hit.depth, 0.02f);
      return ground_albedo(s, hit, 0.5f * footprint * std::min(1 / slant, 12.0f));
    }
    case Plane::ceiling: return {0.75f, 0.74f, 0.72f};
    case Plane::back: {
      const Colour albedo = material_colour(s.wall, {hit.across, hit.at.y}, footprint);
      if (!is_built_up(s.place)) return albedo;
      return albedo *
             mix(Colour{1.15f, 1.0f, 0.85f}, Colour{0.75f, 0.85f, 1.0f}, lattice_uniform(house(hit.across), 9, s.seed));
    }
    default: return material_colour(s.side, {hit.deep, hit.at.y}, footprint);
  }
}

Colour light_at(const Setting& s, const Hit& hit) {
  const float c = std::cos(s.yaw), n = std::sin(s.yaw);
  Vec3 normal{0, -1, 0};
  if (hit.plane == Plane::ceiling) normal = {0, 1, 0};
  if (hit.plane == Plane::back) normal = {-n, 0, c};
  if (hit.plane == Plane::left) normal = {c, 0, n};
  if (hit.plane == Plane::right) normal = {-c, 0, -n};
  float sun = std::max(0.0f, dot(normal, s.light.to_sun));
  if (hit.plane == Plane::ground && s.leaves > 0)
    sun *= 1 - s.leaves * smoothstep(-0.15f, 0.2f, fractal_noise(Vec2{hit.across, hit.deep} * 3.5f, 3, s.seed + 6));
  const Colour light = mix(s.light.ground, s.light.sky, 0.5f - 0.5f * normal.y) + s.light.sun * sun;
  const float up = -hit.at.y;
  if (is_open(s.place)) return hit.plane == Plane::ground ? light : light * mix(0.6f, 1.0f, smoothstep(0.0f, 0.6f, up));

  // A room: what lies far from the lamp is dark, and so are corners. The two nearest planes make a corner; the
  // nearest is the one that was hit.
  const float behind = std::abs(hit.deep + s.back), left = std::abs(hit.across + s.left),
              right = std::abs(s.right - hit.across);
  std::array<float, 5> distances{behind, left, right, up, std::abs(s.wall_height - up)};
  std::sort(distances.begin(), distances.end());
  const Vec2 lamp{hit.at.x - 1.2f * s.light.to_sun.x, 0.9f - up};
  const float lit = mix(1.25f, 0.55f, smoothstep(0.0f, 2.2f, length(lamp)));
  if (s.place == Place::studio)  // the paper is bent where floor becomes wall
    return mix(light * lit, s.light.sky + s.light.sun * 0.45f, 0.75f * smoothstep(1.1f, 0.0f, behind));
  return light * (lit * (0.62f + 0.38f * smoothstep(0.0f, 0.5f, distances[1])));
}

}  // namespace

Sight look(const Setting& s, Vec2 p, float pixel) {
  const Hit hit = cast_ray(s, p);
  if (hit.plane == Plane::none) {
    const float below_horizon = p.y + s.camera.height;
    const bool sea = s.place == Place::beach && below_horizon > -0.01f;
    if (!sea) return {sky(s, p), hit.depth};
    const Colour water = mix(s.sky_high, srgb(60, 104, 120) * (luminance(s.sky_high) * 2), 0.6f);
    return {water * (0.8f + 0.2f * noise({p.x * 30, p.y * 300}, s.seed)), hit.depth};
  }
  const float haze = 1 - std::exp(-s.haze * hit.depth);
  return {mix(albedo_at(s, hit, pixel) * light_at(s, hit), sky(s, {p.x, -s.camera.height - 0.02f}) * 0.8f, haze),
          hit.depth};
}

}  // namespace weft::synthetic
