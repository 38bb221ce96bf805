#include "data/label_map.h"

#include "core/check.h"
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
  CHECK_THROWS_WITH(LabelMap::load("lip"), Contains("unknown label map 'lip'; there are atr, binary, ccp"));
  CHECK_THROWS_WITH(LabelMap::load("/nowhere/x.json"), Contains("/nowhere/x.json"));
  CHECK_THROWS_WITH(LabelMap::parse("{", "f.json"), Contains("f.json"));
  CHECK_THROWS_WITH(LabelMap::parse(R"({"name": "x"})", "f.json"), Contains("f.json: not a label map"));
  CHECK_THROWS_WITH(LabelMap::parse(with_labels(""), "f"), Contains("without labels"));
  CHECK_THROWS_WITH(LabelMap::parse(with_labels(R"({"id": 300, "name": "a", "clothing": true})"), "f"),
                    Contains("300 is not in 0..255"));
  CHECK_THROWS_WITH(LabelMap::parse(with_labels(coat + "," + coat), "f"), Contains("id 3 occurs twice"));
  CHECK_THROWS_WITH(LabelMap::parse(with_labels(R"({"id": "1", "name": "a", "clothing": true})"), "f"),
                    Contains("not a label map"));
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
