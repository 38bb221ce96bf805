#include "train/metrics.h"

#include <vector>

#include "core/check.h"
#include "tests/catch.h"

using namespace weft;

namespace {
using Pixels = std::vector<std::uint8_t>;

/// Ids 1 and 2 are clothing; 0 is background, 3 a face.
SegmentationMetrics make_metrics() {
  return SegmentationMetrics(LabelMap::parse(R"({"name": "four", "labels": [
      {"id": 0, "name": "background", "clothing": false}, {"id": 1, "name": "shirt", "clothing": true},
      {"id": 2, "name": "shoe", "clothing": true}, {"id": 3, "name": "face", "clothing": false}]})",
                                             "four.json"));
}
}  // namespace

TEST_CASE("metrics of masks small enough to count", "[train]") {
  SegmentationMetrics metrics = make_metrics();
  CHECK(metrics.mean_iou() == 0);

  //                                predicted            truth
  const Confusion a = metrics.add(Pixels{1, 1, 0, 1, 0}, Pixels{1, 2, 2, 3, 0});  // 2 hits, 1 false alarm, 1 miss
  CHECK(a == Confusion{2, 1, 1, 1});
  CHECK(a.iou() == 0.5);
  CHECK(a.dice() == Approx(2.0 / 3));
  const Confusion b = metrics.add(Pixels{255}, Pixels{1});
  CHECK(b.iou() == 1);
  CHECK(metrics.mean_iou() == 0.75);
  CHECK(metrics.total().iou() == Approx(3.0 / 5));
  CHECK(metrics.total().dice() == Approx(6.0 / 8));

  CHECK(metrics.labels()[2].pixels == 2);  // recall 1 / 2
  CHECK(metrics.labels()[2].predicted == 1);
  CHECK(metrics.labels()[3].predicted == 1);  // the face taken for clothing
  CHECK(metrics.labels()[0].predicted == 0);
}

TEST_CASE("empty masks: right is 1, a false alarm is 0", "[train]") {
  SegmentationMetrics metrics = make_metrics();
  CHECK(metrics.add(Pixels{0, 0}, Pixels{0, 3}).iou() == 1);
  CHECK(metrics.add(Pixels{0, 0}, Pixels{0, 3}).dice() == 1);
  CHECK(metrics.add(Pixels{1, 0}, Pixels{0, 3}).iou() == 0);
  CHECK(metrics.add(Pixels{0, 0}, Pixels{0, 1}).iou() == 0);
  CHECK(metrics.mean_iou() == 0.5);
  CHECK_THROWS_WITH(metrics.add(Pixels{0}, Pixels{0, 1}), Contains("1 pixels, truth has 2"));
}

TEST_CASE("ignored pixels count nowhere", "[train]") {
  SegmentationMetrics metrics(LabelMap::parse(R"({"name": "void", "labels": [
      {"id": 0, "name": "background", "clothing": false}, {"id": 1, "name": "shirt", "clothing": true},
      {"id": 255, "name": "void", "ignore": true}]})",
                                              "void.json"));
  CHECK(metrics.add(Pixels{1, 1, 0, 0, 1}, Pixels{1, 255, 255, 0, 0}) == Confusion{1, 1, 0, 1});
  CHECK(metrics.labels()[255].pixels == 0);
  CHECK(metrics.mean_iou() == 0.5);
}
