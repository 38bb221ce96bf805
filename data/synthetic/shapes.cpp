#include "data/synthetic/shapes.h"

#include <array>
#include <memory>

namespace weft::synthetic {

namespace {

/// Catmull-Rom: a cubic from b to c whose tangents there are half of c - a and d - b.
template <class T>
T catmull_rom(T a, T b, T c, T d, float t) {
  const T slope_b = (c - a) * 0.5f, slope_c = (d - b) * 0.5f;
  const float t2 = t * t, t3 = t2 * t;
  return b * (2 * t3 - 3 * t2 + 1) + slope_b * (t3 - 2 * t2 + t) + c * (3 * t2 - 2 * t3) + slope_c * (t3 - t2);
}

Vec3 bulging(Vec2 outward, float amount) {
  const float a = std::clamp(amount, 0.0f, 0.97f);
  return {outward.x * a, outward.y * a, std::sqrt(1 - a * a)};
}

}  // namespace

void Box::include(Vec2 p, float radius) {
  low = {std::min(low.x, p.x - radius), std::min(low.y, p.y - radius)};
  high = {std::max(high.x, p.x + radius), std::max(high.y, p.y + radius)};
}

std::vector<Vec2> symmetric(const std::vector<Vec2>& right_half, Vec2 origin) {
  std::vector<Vec2> points;
  for (Vec2 p : right_half) points.push_back(origin + p);
  for (auto p = right_half.rbegin(); p != right_half.rend(); ++p)
    if (p->x > 0) points.push_back(origin + Vec2{-p->x, p->y});
  return points;
}

std::vector<Vec2> smooth_curve(const std::vector<Vec2>& points, int parts, bool closed) {
  const int n = static_cast<int>(points.size());
  const auto point = [&](int i) { return closed ? points[(i + n) % n] : points[std::clamp(i, 0, n - 1)]; };
  std::vector<Vec2> curve;
  for (int i = 0; i < (closed ? n : n - 1); ++i)
    for (int k = 0; k < parts; ++k)
      curve.push_back(catmull_rom(point(i - 1), point(i), point(i + 1), point(i + 2),
                                  static_cast<float>(k) / static_cast<float>(parts)));
  if (!closed) curve.push_back(points.back());
  return curve;
}

// ---- tube ---------------------------------------------------------------------------------------
//
// The curve is cut into short straight pieces. On each, the nearest point of the axis is found by
// projection, t = ((p - a) . (b - a)) / |b - a|^2, and d = |p - axis(t)| - radius(t); the smallest d wins.

namespace {

struct Piece {
  Vec2 start, direction;
  float length, along, radius_start, radius_end;
};

struct Tube {
  std::vector<Piece> pieces;
  float total = 0;
  bool cut_start, cut_end;

  Surface at(Vec2 p) const {
    Surface best;
    best.d = 1e9f;
    for (const Piece& piece : pieces) {
      const Vec2 offset = p - piece.start;
      const float projected = dot(offset, piece.direction);
      const float t = clamp01(projected / piece.length);
      const float radius = mix(piece.radius_start, piece.radius_end, t);
      const Vec2 away = offset - piece.direction * (t * piece.length);
      const float distance = length(away), d = distance - radius;
      if (d >= best.d) continue;
      const Vec2 right = perpendicular(piece.direction) * -1.0f;
      best.d = d;
      best.side = std::clamp((dot(away, right) >= 0 ? distance : -distance) / std::max(radius, 1e-6f), -1.5f, 1.5f);
      best.along = piece.along + projected;
      best.axis = piece.direction;
      best.across = std::asin(std::clamp(best.side, -1.0f, 1.0f)) * radius;
      best.normal = bulging(distance > 1e-9f ? away * (1 / distance) : right, distance / std::max(radius, 1e-6f));
    }
    best.part = clamp01(best.along / total);
    // A cut is a half plane, and must not reach a part of the limb that has bent back across it.
    const Piece& last = pieces.back();
    if (cut_start && best.part < 0.5f)
      best.d = std::max(best.d, dot(pieces.front().start - p, pieces.front().direction));
    if (cut_end && best.part > 0.5f) best.d = std::max(best.d, dot(p - last.start, last.direction) - last.length);
    return best;
  }
};

}  // namespace

Shape tube(const std::vector<TubePoint>& points, bool cut_start, bool cut_end) {
  constexpr int parts = 4;
  std::vector<Vec2> centres, radii;
  for (const TubePoint& point : points) {
    centres.push_back(point.p);
    radii.push_back({point.radius, 0});
  }
  const std::vector<Vec2> curve = smooth_curve(centres, parts, false), radius = smooth_curve(radii, parts, false);
  Tube tube{{}, 0, cut_start, cut_end};
  Shape shape;
  for (std::size_t i = 0; i + 1 < curve.size(); ++i) {
    const Vec2 step = curve[i + 1] - curve[i];
    const float size = std::max(length(step), 1e-6f);
    tube.pieces.push_back({curve[i], step * (1 / size), size, tube.total, radius[i].x, radius[i + 1].x});
    tube.total += size;
  }
  for (std::size_t i = 0; i < curve.size(); ++i) shape.box.include(curve[i], radius[i].x);
  shape.at = [tube = std::make_shared<const Tube>(std::move(tube))](Vec2 p) { return tube->at(p); };
  return shape;
}

// ---- column -------------------------------------------------------------------------------------
//
// Borders are tabulated at even heights. With half width w(y) and middle m(y), side = (x - m) / w, and the
// distance to the border is |x - m| - w divided by sqrt(1 + w'^2), the border's slope taken into account.

namespace {

struct Column {
  static constexpr int steps = 48;
  std::array<Vec2, steps + 1> borders{};  // (left, right)
  float top, height, sag, top_sag;

  Surface at(Vec2 p) const {
    Surface s;
    float row = std::clamp((p.y - top) / height, 0.0f, 1.0f) * steps;
    int i = std::min(static_cast<int>(row), steps - 1);
    Vec2 border = mix(borders[i], borders[i + 1], row - static_cast<float>(i));
    const float side0 = (p.x - 0.5f * (border.x + border.y)) / std::max(0.5f * (border.y - border.x), 1e-6f);
    const float bend = mix(top_sag, sag, clamp01((p.y - top) / height));
    const float y = p.y - bend * (1 - std::min(side0 * side0, 1.0f));  // undo the sag

    row = std::clamp((y - top) / height, 0.0f, 1.0f) * steps;
    i = std::min(static_cast<int>(row), steps - 1);
    border = mix(borders[i], borders[i + 1], row - static_cast<float>(i));
    const Vec2 slope = (borders[i + 1] - borders[i]) * (steps / height);
    const float half = std::max(0.5f * (border.y - border.x), 1e-6f), middle = 0.5f * (border.x + border.y);
    const float left = (border.x - p.x) / std::sqrt(1 + slope.x * slope.x);
    const float right = (p.x - border.y) / std::sqrt(1 + slope.y * slope.y);
    s.d = std::max({left, right, top - y, y - top - height});
    s.side = (p.x - middle) / half;
    s.part = clamp01((y - top) / height);
    s.along = y - top;
    s.across = std::asin(std::clamp(s.side, -1.0f, 1.0f)) * half;
    s.axis = unit(Vec2{mix(slope.x, slope.y, clamp01(0.5f + 0.5f * s.side)), 1});
    // Bodies and hanging cloth are flatter in the middle than a cylinder.
    const float clamped = std::clamp(s.side, -0.98f, 0.98f), a = clamped * (0.45f + 0.55f * clamped * clamped);
    s.normal = unit(Vec3{a, -a * a * std::clamp(0.12f * (slope.y - slope.x), -0.35f, 0.35f), std::sqrt(1 - a * a)});
    return s;
  }
};

}  // namespace

Shape column(const std::vector<Row>& rows, float sag, float top_sag) {
  Column column{{}, rows.front().y, std::max(rows.back().y - rows.front().y, 1e-4f), sag, top_sag};
  const int n = static_cast<int>(rows.size());
  // Cubic Hermite between rows; a tangent of zero where the border turns keeps it from overshooting.
  const auto tangent = [&](int i, float Row::*border) {
    const auto secant = [&](int k) {
      return (rows[k + 1].*border - rows[k].*border) / std::max(rows[k + 1].y - rows[k].y, 1e-6f);
    };
    if (i == 0) return secant(0);
    if (i == n - 1) return secant(n - 2);
    const float before = secant(i - 1), after = secant(i);
    return before * after <= 0 ? 0.0f : 2 * before * after / (before + after);
  };
  const auto border_at = [&](float y, float Row::*border) {
    int i = 0;
    while (i < n - 2 && y > rows[i + 1].y) ++i;
    const float h = std::max(rows[i + 1].y - rows[i].y, 1e-6f), t = clamp01((y - rows[i].y) / h), t2 = t * t,
                t3 = t2 * t;
    return rows[i].*border * (2 * t3 - 3 * t2 + 1) + rows[i + 1].*border * (3 * t2 - 2 * t3) +
           h * ((t3 - 2 * t2 + t) * tangent(i, border) + (t3 - t2) * tangent(i + 1, border));
  };
  Shape shape;
  for (int k = 0; k <= Column::steps; ++k) {
    const float y = column.top + column.height * static_cast<float>(k) / Column::steps;
    column.borders[k] = {border_at(y, &Row::left), border_at(y, &Row::right)};
    shape.box.include({column.borders[k].x, y}, std::abs(sag));
    shape.box.include({column.borders[k].y, y}, std::abs(sag));
  }
  shape.at = [column = std::make_shared<const Column>(column)](Vec2 p) { return column->at(p); };
  return shape;
}

// ---- ellipse ------------------------------------------------------------------------------------
//
// With k = |p / r|, the first-order distance (value over gradient) is k (k - 1) / |p / r^2|.

Shape ellipse(Vec2 centre, Vec2 radii, float angle) {
  Shape shape;
  shape.box.include(centre, std::max(radii.x, radii.y));
  shape.at = [=, c = std::cos(angle), sn = std::sin(angle)](Vec2 p) {
    const Vec2 offset = p - centre, q{c * offset.x + sn * offset.y, c * offset.y - sn * offset.x};
    const Vec2 scaled{q.x / radii.x, q.y / radii.y};
    const float k = length(scaled), gradient = length({scaled.x / radii.x, scaled.y / radii.y});
    Surface s;
    s.d = gradient > 1e-6f ? k * (k - 1) / gradient : -std::min(radii.x, radii.y);
    s.side = scaled.x;
    s.part = clamp01(0.5f + 0.5f * scaled.y);
    s.across = q.x;
    s.along = q.y;
    s.axis = {-sn, c};
    s.normal = bulging(k > 1e-6f ? rotate(scaled * (1 / k), angle) : Vec2{1, 0}, k);
    return s;
  };
  return shape;
}

// ---- outline ------------------------------------------------------------------------------------
//
// Distance to a polygon: the nearest point of any edge, and inside where a ray to the right crosses the
// border an odd number of times.

Shape outline(std::vector<Vec2> points, float bulge, bool smooth) {
  if (smooth) points = smooth_curve(points, 4, true);
  Shape shape;
  for (Vec2 p : points) shape.box.include(p);
  const Vec2 low = shape.box.low, size = shape.box.high - low;
  shape.at = [=, polygon = std::make_shared<const std::vector<Vec2>>(std::move(points))](Vec2 p) {
    float nearest = 1e9f;
    Vec2 to_border{};
    bool inside = false;
    const std::vector<Vec2>& v = *polygon;
    for (std::size_t i = 0, j = v.size() - 1; i < v.size(); j = i++) {
      const Vec2 edge = v[j] - v[i], offset = p - v[i];
      const Vec2 away = offset - edge * clamp01(dot(offset, edge) / std::max(dot(edge, edge), 1e-12f));
      const float squared = dot(away, away);
      if (squared < nearest) {
        nearest = squared;
        to_border = away * -1.0f;
      }
      if ((v[i].y > p.y) != (v[j].y > p.y) && p.x < v[i].x + edge.x * (p.y - v[i].y) / edge.y) inside = !inside;
    }
    const float distance = std::sqrt(nearest);
    Surface s;
    s.d = inside ? -distance : distance;
    s.across = p.x - low.x - 0.5f * size.x;
    s.along = p.y - low.y;
    s.side = 2 * s.across / std::max(size.x, 1e-6f);
    s.part = clamp01(s.along / std::max(size.y, 1e-6f));
    s.normal = bulging(unit(to_border), 1 - std::min(distance / bulge, 1.0f));
    return s;
  };
  return shape;
}

}  // namespace weft::synthetic
