#include "data/synthetic/shapes.h"

namespace weft::synthetic {

Shape within(Shape a, Shape b) {
  const Box box = a.box;
  return {[a = std::move(a), b = std::move(b)](Vec2 p) {
            Surface s = a.at(p);
            s.d = std::max(s.d, b.at(p).d);
            return s;
          },
          box};
}

Shape without(Shape a, Shape b) {
  const Box box = a.box;
  return {[a = std::move(a), b = std::move(b)](Vec2 p) {
            Surface s = a.at(p);
            s.d = std::max(s.d, -b.at(p).d);
            return s;
          },
          box};
}

Shape either(Shape a, Shape b) {
  Box box = a.box;
  box.include(b.box.low);
  box.include(b.box.high);
  return {[a = std::move(a), b = std::move(b)](Vec2 p) {
            const Surface first = a.at(p), second = b.at(p);
            return first.d < second.d ? first : second;
          },
          box};
}

Shape displaced(Shape a, float reach, std::function<float(Vec2, const Surface&)> amount) {
  Box box = a.box;
  box.include(box.low, reach);
  box.include(box.high, reach);
  return {[a = std::move(a), amount = std::move(amount), reach](Vec2 p) {
            Surface s = a.at(p);
            if (s.d < 2 * reach) s.d -= amount(p, s);
            return s;
          },
          box};
}

Shape rooted(Shape limb, Shape trunk, float reach) {
  const Box box = limb.box;
  return {[limb = std::move(limb), trunk = std::move(trunk), reach](Vec2 p) {
            Surface s = limb.at(p);
            if (s.along >= reach) return s;
            const Surface below = trunk.at(p);
            const float own = smoothstep(0.2f * reach, reach, s.along);
            s.normal = unit(mix(below.normal, s.normal, own));
            return s;
          },
          box};
}

Shape dividing(Shape trunk, Shape limbs, float begin, float end) {
  const Box box = trunk.box;
  return {[trunk = std::move(trunk), limbs = std::move(limbs), begin, end](Vec2 p) {
            Surface s = trunk.at(p);
            if (p.y <= begin) return s;
            const Surface below = limbs.at(p);
            const float share = smoothstep(begin, end, p.y);
            s.normal = unit(mix(s.normal, below.normal, share));
            s.side = mix(s.side, below.side, share);
            return s;
          },
          box};
}

}  // namespace weft::synthetic
