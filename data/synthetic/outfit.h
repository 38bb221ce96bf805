#pragma once
// Outfit: what a person wears, chosen at random, and the drawing of each piece.

#include "data/synthetic/head.h"

namespace weft::synthetic {

enum class Neckline { crew, v, scoop, boat, straps, shirt, turtleneck };
struct Top {
  Neckline neckline = Neckline::crew;
  Fabric fabric;
  float sleeve = 0.35f;  ///< 0 none, 0.5 elbow, 1 wrist
  float ease = 0.008f;   ///< how wide it is cut
  float boxy = 0.5f;     ///< 0 follows the waist .. 1 hangs straight
  float bottom = 0.03f;  ///< its hem below the hip joints, body units
  bool tucked = false;
  bool lace_sleeves = false;
  bool buttons = false;
  bool print = false;  ///< a picture on the chest
  Fabric print_fabric;
};

enum class JacketStyle { none, blazer, coat, bomber, cardigan, closed_coat };
struct Jacket {
  JacketStyle style = JacketStyle::none;
  Fabric fabric, lapel;
  float bottom = 0.03f;  ///< hem below the hip joints
  float gap = 0.03f;     ///< half width of the opening at the waist
  float ease = 0.016f;
};

enum class LowerKind { pants, shorts, skirt, dress };
struct Lower {
  LowerKind kind = LowerKind::pants;
  Fabric fabric;
  float end = 0.97f;  ///< trousers: along the leg; skirts: the hem, 0 hip .. 1 ankle
  float ease = 0.008f;
  float flare = 0;  ///< skirts: widening per length; trousers: extra width of the hem
  bool pleated = false, lace_hem = false, ripped = false;
};

enum class ShoeStyle { sneakers, leather, boots, pumps, sandals };
struct Shoes {
  ShoeStyle style = ShoeStyle::sneakers;
  Fabric fabric;
  Colour sole;
  float shaft = 0.3f;  ///< boots: height of the shaft, 0 ankle .. 1 knee
  float heel = 0;      ///< body units
};

enum class BagStyle { none, handbag, shoulder, crossbody, tote, backpack };
struct Bag {
  BagStyle style = BagStyle::none;
  Fabric fabric;
  int side = 1;
  float size = 1;
};

struct Belt {
  bool worn = false;
  Fabric leather;
  float width = 0.01f;
};
struct Scarf {
  bool worn = false;
  Fabric fabric;
  int tails = 1;  ///< how many ends hang down
  float length = 0.15f;
};

struct Outfit {
  Top top;
  Jacket jacket;
  Lower lower;
  Shoes shoes;
  Bag bag;
  Belt belt;
  Scarf scarf;
  Headwear headwear;
  Hair hair;
  Face face;
};
Outfit random_outfit(Random& random, const Build& build);

// Each draws one piece at its place in the order; draw_person (person.h) knows the order.
void draw_leg(const Drawing& to, const Lower& lower, const Shoes& shoes, int side);
void draw_shoe(const Drawing& to, const Shoes& shoes, int side);
void draw_lower(const Drawing& to, const Outfit& outfit);  ///< what covers the hips: trousers' seat or a skirt
void draw_top(const Drawing& to, const Outfit& outfit);    ///< body of the top, or of a dress
void draw_jacket_back(const Drawing& to, const Jacket& jacket);
void draw_jacket(const Drawing& to, const Jacket& jacket);
/// A hand in a pocket is drawn before the garments, and its arm, without a hand, after them.
void draw_arm(const Drawing& to, const Outfit& outfit, int side, bool with_hand);
void draw_belt(const Drawing& to, const Outfit& outfit);
void draw_scarf(const Drawing& to, const Scarf& scarf);
void draw_bag_behind(const Drawing& to, const Bag& bag);
void draw_bag(const Drawing& to, const Bag& bag);

/// Height of a garment's waist in the picture.
float waist_line(const Figure& figure);
/// The skirt of a skirt or dress from the waist to its hem.
Shape skirt_shape(const Figure& figure, const Lower& lower);
/// The seat of trousers from the waist to the crotch.
Shape seat_shape(const Figure& figure, const Lower& lower);

}  // namespace weft::synthetic
