#pragma once
// Shapes as signed distances: at(p).d is negative inside, positive outside, and near the border it is
// the distance to it, in body units. Coverage, soft edges and cast shadows all follow from that number.
//
// A shape also says how its surface bulges towards the viewer (a normal) and how cloth lies on it
// (across, along), so that light, folds and patterns follow a limb instead of the picture's axes.

#include <functional>
#include <vector>

#include "data/synthetic/vec.h"

namespace weft::synthetic {

/// What a shape is like at one point.
struct Surface {
  float d = 1;           ///< signed distance
  float across = 0;      ///< cloth coordinate around the body, body units
  float along = 0;       ///< cloth coordinate down the garment, body units
  float side = 0;        ///< -1..1 from one border to the other
  float part = 0;        ///< 0..1 from the start to the end
  Vec2 axis{0, 1};       ///< direction of `along` in the picture
  Vec3 normal{0, 0, 1};  ///< unit length, towards the viewer
};

struct Box {
  Vec2 low{1e9f, 1e9f}, high{-1e9f, -1e9f};
  void include(Vec2 p, float radius = 0);
};

struct Shape {
  std::function<Surface(Vec2)> at;
  Box box;
};

/// A limb or a rolled cloth: the union of discs whose centre and radius run along a smooth curve through
/// `points`. Ends are round, or cut straight across where the flag says so.
struct TubePoint {
  Vec2 p;
  float radius;
};
Shape tube(const std::vector<TubePoint>& points, bool cut_start = false, bool cut_end = false);

/// A trunk, a skirt, a fall of hair: everything between a left and a right border that are smooth functions of
/// the height y, from the first row's y to the last row's. `sag` bends the lower end and the cloth above it
/// downwards in the middle by that length, as the hem of a garment seen from above does; `top_sag` the upper end.
struct Row {
  float y, left, right;
};
Shape column(const std::vector<Row>& rows, float sag = 0, float top_sag = 0);

/// An ellipse turned by `angle`, bulging like an egg.
Shape ellipse(Vec2 centre, Vec2 radii, float angle = 0);

/// The area inside a closed smooth curve through `points` (or, where not `smooth`, the polygon), rounded
/// off towards the viewer over a rim of width `bulge`.
Shape outline(std::vector<Vec2> points, float bulge, bool smooth = true);

/// The points of an outline that is the same left and right of `origin`, from those of its right half, listed
/// from top to bottom relative to it. A first or last point with x = 0 lies on the axis.
std::vector<Vec2> symmetric(const std::vector<Vec2>& right_half, Vec2 origin = {});

/// Both, surface of `a`: intersection. Inside a, outside b: difference. Either, surface of the nearer: union.
Shape within(Shape a, Shape b);
Shape without(Shape a, Shape b);
Shape either(Shape a, Shape b);
/// The border moved by a function of the surface, outwards where it is positive: ragged hems, curls, holes.
Shape displaced(Shape a, float reach, std::function<float(Vec2, const Surface&)> amount);

/// A limb that grows out of a trunk: within `reach` of its start its surface turns into the trunk's, so that
/// no crease shows where the two meet.
Shape rooted(Shape limb, Shape trunk, float reach);

/// A trunk that divides into limbs: from height `begin` to `end` its surface turns into theirs.
Shape dividing(Shape trunk, Shape limbs, float begin, float end);

/// Smooth curve through points (Catmull-Rom, centripetal enough for our even spacings): `parts` pieces a span.
std::vector<Vec2> smooth_curve(const std::vector<Vec2>& points, int parts, bool closed);

}  // namespace weft::synthetic
