#include "data/label_map.h"

#include "core/check.h"
#include "data/ignored.h"
#include "tests/catch.h"

using namespace weft;

namespace {
Image mask_of(std::vector<std::uint8_t> ids) {
  Image mask(static_cast<int>(ids.size()), 1, 1);
  mask.pixels = std::move(ids);
  return mask;
}
}  // namespace

TEST_CASE("the built-in maps say what is clothing", "[label_map]") {
  const LabelMap atr = LabelMap::load("atr"), ccp = LabelMap::load("ccp"), binary = LabelMap::load("binary");
  CHECK(atr.labels().size() == 18);
  CHECK(ccp.labels().size() == 59);
  // background hat hair sunglasses ... face legs arms bag scarf
  CHECK(atr.clothing(mask_of({0, 1, 2, 3, 4, 8, 9, 10, 11, 12, 13, 14, 15, 16, 17}), "m").pixels ==
        std::vector<std::uint8_t>{0, 1, 0, 1, 1, 1, 1, 1, 0, 0, 0, 0, 0, 1, 1});
  CHECK(ccp.clothing(mask_of({0, 1, 19, 20, 41, 58}), "m").pixels == std::vector<std::uint8_t>{0, 1, 0, 1, 0, 1});
  CHECK(binary.clothing(mask_of({0, 255, 1}), "m").pixels == std::vector<std::uint8_t>{0, 1, 1});
}

TEST_CASE("VOC and Cityscapes have colours, and pixels to ignore", "[label_map]") {
  const LabelMap voc = LabelMap::load("voc"), cityscapes = LabelMap::load("cityscapes");
  CHECK(voc.clothing(mask_of({0, 15, 20, 255}), "m").pixels == std::vector<std::uint8_t>{0, 1, 0, ignored_pixel});
  Image painted(4, 1, 3);
  painted.pixels = {0, 0, 0, 192, 128, 128, 0, 64, 128, 224, 224, 192};
  CHECK(voc.ids_of_colours(painted, "m").pixels == std::vector<std::uint8_t>{0, 15, 20, 255});
  // VOC's colours by their definition: bit k of red, green and blue, from above, are the id's bits 3k, 3k + 1, 3k + 2.
  for (const LabelMap::Label& label : voc.labels()) {
    std::uint32_t colour = 0;
    for (int k = 0; k < 8; ++k) {
      for (int channel = 0; channel < 3; ++channel)
        colour |= static_cast<std::uint32_t>(label.id >> (3 * k + channel) & 1) << (16 - 8 * channel + 7 - k);
    }
    CHECK(label.colour == colour);
  }
  CHECK(cityscapes.labels().size() == 35);
  CHECK(cityscapes.clothing(mask_of({0, 7, 24, 25, 26, 18, 255}), "m").pixels ==
        std::vector<std::uint8_t>{ignored_pixel, 0, 1, 1, 0, ignored_pixel, ignored_pixel});
  painted.pixels = {0, 0, 0, 220, 20, 60, 255, 0, 0, 0, 0, 142};
  CHECK(cityscapes.ids_of_colours(painted, "m").pixels == std::vector<std::uint8_t>{0, 24, 25, 26});
}

TEST_CASE("an unknown id is named, with a hint where another map knows all ids", "[label_map]") {
  CHECK_THROWS_WITH(LabelMap::load("ccp").clothing(mask_of({0, 73}), "masks/0042.png"),
                    Contains("masks/0042.png: id 73 is not in label map 'ccp' (0..58)") && !Contains("--labels"));
  CHECK_THROWS_WITH(LabelMap::load("binary").clothing(mask_of({0, 17}), "m"),
                    Contains("is it an ATR mask? use --labels atr"));
  CHECK_THROWS_WITH(LabelMap::load("atr").clothing(mask_of({0, 41}), "m"),
                    Contains("(0..17); is it a CCP mask? use --labels ccp"));
  CHECK_THROWS_WITH(LabelMap::load("atr").clothing(mask_of({0, 255}), "m"),
                    Contains("is it a binary mask? use --labels binary"));
}

TEST_CASE("label map files are checked", "[label_map]") {
  const auto with_labels = [](const std::string& labels) { return R"({"name": "x", "labels": [)" + labels + "]}"; };
  const std::string coat = R"({"id": 3, "name": "coat", "clothing": true})";
  CHECK(LabelMap::parse(with_labels(coat), "f").labels()[0].name == "coat");
  CHECK_THROWS_WITH(LabelMap::load("lip"),
                    Contains("unknown label map 'lip'; there are atr, binary, ccp, cityscapes, voc"));
  CHECK_THROWS_WITH(LabelMap::load("/nowhere/x.json"), Contains("/nowhere/x.json"));
  CHECK_THROWS_WITH(LabelMap::parse("{", "f.json"), Contains("f.json"));
  CHECK_THROWS_WITH(LabelMap::parse(R"({"name": "x"})", "f.json"), Contains("f.json: not a label map"));
  CHECK_THROWS_WITH(LabelMap::parse(with_labels(""), "f"), Contains("without labels"));
  CHECK_THROWS_WITH(LabelMap::parse(with_labels(R"({"id": 300, "name": "a", "clothing": true})"), "f"),
                    Contains("300 is not in 0..255"));
  CHECK_THROWS_WITH(LabelMap::parse(with_labels(coat + "," + coat), "f"), Contains("id 3 occurs twice"));
  CHECK_THROWS_WITH(LabelMap::parse(with_labels(R"({"id": "1", "name": "a", "clothing": true})"), "f"),
                    Contains("not a label map"));
  const LabelMap with_void = LabelMap::parse(with_labels(coat + R"(, {"id": 9, "name": "void", "ignore": true})"), "f");
  CHECK(with_void.clothing(mask_of({3, 9}), "m").pixels == std::vector<std::uint8_t>{1, ignored_pixel});
  CHECK_THROWS_WITH(
      LabelMap::parse(with_labels(R"({"id": 9, "name": "void", "ignore": true, "clothing": true})"), "f.json"),
      Contains("f.json: label 9 is to be ignored, and clothing"));
  const auto painted = [&](const std::string& colour) {
    return with_labels(R"({"id": 1, "name": "a", "clothing": true, "colour": ")" + colour + "\"}");
  };
  CHECK(LabelMap::parse(painted("#0aB3ff"), "f").labels()[0].colour == 0x0AB3FFu);
  for (const char* wrong : {"red", "#12345", "#1234567", "#12345g", "#-12345", ""})
    CHECK_THROWS_WITH(LabelMap::parse(painted(wrong), "f.json"), Contains("expected \"#rrggbb\""));
  CHECK_THROWS_WITH(LabelMap::parse(with_labels(R"({"id": 1, "name": "a", "clothing": true, "colour": "#010203"},
                                                   {"id": 2, "name": "b", "clothing": true, "colour": "#010203"})"),
                                    "f"),
                    Contains("colour #010203 occurs twice"));
}
