#include "data/synthetic/outfit.h"

#include "data/synthetic/choice.h"

namespace weft::synthetic {

namespace {

Lower random_lower(Random& random, float feminine) {
  Lower lower;
  const double kind = random.uniform(), f = feminine;
  lower.fabric = random_fabric(random);
  lower.fabric.seed += 1;
  if (kind < 0.36 * f) {
    lower.kind = LowerKind::dress;
  } else if (kind < 0.62 * f) {
    lower.kind = LowerKind::skirt;
  } else if (random.chance(0.17)) {
    lower.kind = LowerKind::shorts;
    lower.end = uniform(random, 0.18, 0.46);
    lower.ease = uniform(random, 0.006, 0.014);
    lower.flare = uniform(random, 0.8, 1.25);
  } else {
    static const float cuts[] = {0.3f, 0.3f, 0.5f, 0.55f, 0.65f, 0.9f, 1.2f};
    lower.flare = pick(random, cuts);
    lower.end = random.chance(0.25) ? uniform(random, 0.82, 0.92) : 0.97f;
    lower.ease = lower.flare < 0.45f ? uniform(random, 0.002, 0.004) : uniform(random, 0.005, 0.011);
    lower.ripped = random.chance(0.16);
  }
  if (lower.kind == LowerKind::pants || lower.kind == LowerKind::shorts) {
    if (random.chance(0.45))
      lower.fabric = random_denim(random);
    else if (random.chance(0.6))
      lower.fabric.pattern = Pattern::plain;
    lower.fabric.fold = uniform(random, 0.5, 1.1);
    lower.fabric.gloss *= 0.35f;
  } else {
    lower.end = random.chance(0.25) ? uniform(random, 0.7, 0.93) : uniform(random, 0.22, 0.55);
    lower.flare = random.chance(0.3) ? 0.0f : uniform(random, 0.05, 0.42);
    lower.pleated = random.chance(0.35);
    lower.lace_hem = random.chance(0.12);
    lower.ease = uniform(random, 0.003, 0.009);
    lower.fabric.drapes = true;
    lower.fabric.drape_width = lower.pleated ? uniform(random, 0.009, 0.014) : uniform(random, 0.018, 0.04);
    lower.fabric.fold = lower.flare == 0 ? 0.35f : uniform(random, 0.6, 1.2);
  }
  return lower;
}

Top random_top(Random& random, float feminine) {
  Top top;
  top.fabric = random_fabric(random);
  const double kind = random.uniform();
  if (kind < 0.3) {  // t-shirt
    static const Neckline necks[] = {Neckline::crew, Neckline::crew, Neckline::v, Neckline::scoop};
    top.neckline = pick(random, necks);
    top.sleeve = uniform(random, 0.24, 0.44);
    top.print = top.neckline == Neckline::crew && random.chance(0.6);
  } else if (kind < 0.52) {  // shirt
    top.neckline = Neckline::shirt;
    top.buttons = true;
    top.sleeve = random.chance(0.7) ? 0.97f : uniform(random, 0.3, 0.65);
  } else if (kind < 0.8) {  // sweater
    static const Neckline necks[] = {Neckline::crew, Neckline::turtleneck, Neckline::v, Neckline::boat};
    top.neckline = pick(random, necks);
    top.sleeve = random.chance(0.8) ? 0.97f : 0.72f;
    if (random.chance(0.35)) top.fabric.pattern = Pattern::knit;
    top.print = top.neckline == Neckline::crew && random.chance(0.2);
  } else {  // sleeveless
    static const Neckline necks[] = {Neckline::straps, Neckline::scoop, Neckline::v, Neckline::crew};
    top.neckline = pick(random, necks);
    top.sleeve = 0;
  }
  top.print_fabric = random_fabric(random);
  if (top.print) top.fabric.pattern = Pattern::plain;
  top.ease = top.sleeve > 0 ? uniform(random, 0.005, 0.017) : uniform(random, 0.003, 0.008);
  top.boxy = mix(uniform(random, 0.2, 1), 0.6f, 1 - feminine);
  top.bottom = uniform(random, -0.02, 0.055);
  top.tucked = random.chance(0.35);
  top.lace_sleeves = top.sleeve > 0.5f && random.chance(0.12 * feminine);
  return top;
}

Jacket random_jacket(Random& random) {
  Jacket jacket;
  if (!random.chance(0.38)) return jacket;
  static const JacketStyle styles[] = {JacketStyle::blazer, JacketStyle::blazer,   JacketStyle::coat,
                                       JacketStyle::bomber, JacketStyle::cardigan, JacketStyle::closed_coat};
  jacket.style = pick(random, styles);
  jacket.fabric = random_fabric(random, true);
  const bool coat = jacket.style == JacketStyle::coat || jacket.style == JacketStyle::closed_coat;
  jacket.bottom = coat                                  ? uniform(random, 0.1, 0.27)
                  : jacket.style == JacketStyle::bomber ? uniform(random, -0.04, 0.0)
                                                        : uniform(random, 0.01, 0.08);
  jacket.gap = uniform(random, 0.014, 0.045);
  jacket.ease = uniform(random, 0.012, 0.022);
  if (coat) jacket.fabric.drapes = true;
  jacket.fabric.drape_width = 0.045f;
  jacket.fabric.fold = uniform(random, 0.4, 0.9);
  if (jacket.style == JacketStyle::bomber && random.chance(0.4)) {
    jacket.fabric = random_leather(random);
    jacket.fabric.fold = 0.9f;
  }
  jacket.lapel = jacket.fabric;
  jacket.lapel.fold = 0.15f;
  jacket.lapel.base = jacket.lapel.base * (random.chance(0.3) ? 0.5f : 1.08f);
  return jacket;
}

Shoes random_shoes(Random& random, float feminine) {
  Shoes shoes;
  static const ShoeStyle first[] = {ShoeStyle::sneakers, ShoeStyle::leather, ShoeStyle::boots};
  static const ShoeStyle second[] = {ShoeStyle::pumps, ShoeStyle::pumps,   ShoeStyle::boots,
                                     ShoeStyle::boots, ShoeStyle::sandals, ShoeStyle::sneakers};
  shoes.style = random.chance(feminine * 0.8) ? pick(random, second) : pick(random, first);
  shoes.fabric = random_leather(random);
  if (shoes.style == ShoeStyle::sneakers) {
    shoes.fabric.base = wearable_colour(random);
    shoes.fabric.gloss = 0.08f;
  }
  shoes.fabric.fold = 0.25f;
  shoes.sole =
      shoes.style == ShoeStyle::sneakers && random.chance(0.8) ? srgb(232, 230, 224) : shoes.fabric.base * 0.45f;
  shoes.shaft = uniform(random, 0, 1);
  if (shoes.style == ShoeStyle::pumps)
    shoes.heel = uniform(random, 0.02, 0.05);
  else if (shoes.style == ShoeStyle::boots)
    shoes.heel = random.chance(feminine * 0.6) ? uniform(random, 0.015, 0.04) : 0.006f;
  return shoes;
}

}  // namespace

Outfit random_outfit(Random& random, const Build& build) {
  const float feminine = build.feminine;
  Outfit outfit;
  outfit.lower = random_lower(random, feminine);
  outfit.top = random_top(random, feminine);
  if (outfit.lower.kind == LowerKind::dress) {  // one cloth for both halves
    Fabric upper = outfit.lower.fabric;
    upper.drapes = false;
    outfit.top.fabric = upper;
    if (outfit.lower.fabric.pattern == Pattern::fade) outfit.top.fabric.pattern = Pattern::plain;
    outfit.top.ease = std::min(outfit.top.ease, 0.007f);
    outfit.top.buttons = false;
    if (outfit.top.neckline == Neckline::shirt) outfit.top.neckline = Neckline::v;
  }
  outfit.jacket = random_jacket(random);
  if (outfit.jacket.style != JacketStyle::none) {
    outfit.top.ease = std::min(outfit.top.ease, 0.007f);
    outfit.top.lace_sleeves = false;
  }
  outfit.shoes = random_shoes(random, feminine);

  static const BagStyle bags[] = {BagStyle::handbag, BagStyle::shoulder, BagStyle::crossbody, BagStyle::tote,
                                  BagStyle::backpack};
  if (random.chance(0.4)) outfit.bag.style = pick(random, bags);
  outfit.bag.fabric =
      outfit.bag.style == BagStyle::tote && random.chance(0.5) ? random_fabric(random) : random_leather(random);
  outfit.bag.side = static_cast<int>(random.below(2));
  outfit.bag.size = uniform(random, 0.8, 1.35);

  const bool waist_shows = outfit.top.tucked || outfit.lower.kind == LowerKind::dress;
  outfit.belt.worn = waist_shows && random.chance(0.6);
  outfit.belt.leather = random_leather(random);
  outfit.belt.leather.third = random.chance(0.5) ? srgb(206, 176, 96) : srgb(200, 200, 204);
  outfit.belt.width = uniform(random, 0.007, 0.014);

  outfit.scarf.worn = random.chance(0.2);
  outfit.scarf.fabric = random_fabric(random);
  outfit.scarf.fabric.fold = 1.1f;
  outfit.scarf.tails = static_cast<int>(random.below(3));
  outfit.scarf.length = uniform(random, 0.1, 0.26);

  outfit.headwear = random_headwear(random);
  outfit.hair = random_hair(random, build);
  outfit.face = random_face(random, build);
  return outfit;
}

}  // namespace weft::synthetic
