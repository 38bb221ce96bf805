#pragma once
// Setting: the place a picture is taken at, a box of planes around the person, seen by casting a ray through
// each pixel, and the light there.

#include "data/synthetic/body.h"
#include "data/synthetic/light.h"
#include "data/synthetic/material.h"

namespace weft::synthetic {

enum class Place { studio, room, street, alley, park, beach };
enum class Weather { sun, overcast, golden, lamp, flash, dim, backlight };

struct Setting {
  Place place = Place::room;
  Weather weather = Weather::sun;
  Camera camera;
  Light light;
  float yaw = 0;              ///< turn of the planes against the picture
  float back = 3;             ///< distance of the far wall behind the person
  float left = 3, right = 3;  ///< of the side walls; none where infinite
  float wall_height = 1.6f;   ///< of all walls; the ceiling indoors, a roof line that varies outdoors
  Material ground, wall, side;
  Material pavement;  ///< along a street's walls
  float pavement_width = 0;
  float leaves = 0;  ///< of trees that let the sun through in spots: their shade on the ground, 0..1
  Colour sky_high, sky_low;
  float clouds = 0;
  float haze = 0;       ///< share of the sky's colour per unit of distance
  float shadow = 0.6f;  ///< darkness of the person's cast shadow
  float aperture = 0;   ///< blur of an infinitely far point, as a share of the picture's height
  std::uint32_t seed = 0;
};
Setting random_setting(Random& random);

/// What is seen through body coordinate p where neither person nor furniture is.
struct Sight {
  Colour colour;
  float depth;  ///< distance from the camera along the viewing axis; the person stands at camera.distance
};
Sight look(const Setting& setting, Vec2 p, float pixel);

/// Something that stands behind the person.
struct Prop {
  float depth;  ///< as Sight's
  float x;      ///< where it stands, sideways
  float foot;   ///< half width of the dark patch it leaves on the ground; 0 for what hangs on a wall
};
/// Paints furniture, plants, cars, posters, ... with label values 1, 2, ... and returns them in that order.
std::vector<Prop> draw_props(Random& random, const Setting& setting, Painter& painter);

}  // namespace weft::synthetic
