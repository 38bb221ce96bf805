#include "data/loader.h"

#include <algorithm>
#include <set>

#include "core/check.h"
#include "data/image_io.h"
#include "tests/catch.h"
#include "tests/temporary_folder.h"

using namespace weft;
using namespace weft::test;

namespace {

/// `count` pictures whose red is 10 * number, with clothing (ATR id 4) in the left half.
struct SmallData {
  explicit SmallData(int count) {
    for (int i = 0; i < count; ++i) {
      Image picture(20, 30, 3, 60), mask(20, 30, 1);
      for (int y = 0; y < 30; ++y) {
        for (int x = 0; x < 20; ++x) {
          picture.at(y, x)[0] = static_cast<std::uint8_t>(10 * i);
          picture.at(y, x)[1] = static_cast<std::uint8_t>(x * 12);
          if (x < 10) *mask.at(y, x) = 4;
        }
      }
      const std::string stem = fmt::format("{:02}", i);
      std::filesystem::create_directories(folder / "JPEGImages");
      std::filesystem::create_directories(folder / "SegmentationClassAug");
      save_png(folder / ("JPEGImages/" + stem + ".png"), picture);
      save_png(folder / ("SegmentationClassAug/" + stem + ".png"), mask);
    }
  }
  Dataset open() const { return Dataset({folder.path(), "", ""}, LabelMap::load("atr")); }
  TemporaryFolder folder;
};

LoaderOptions small_options() {
  LoaderOptions options;
  options.width = 16;
  options.height = 24;
  options.batch = 3;
  options.seed = 9;
  return options;
}

std::vector<Batch> all(const Loader& loader, std::uint64_t epoch, std::size_t first = 0) {
  const auto batches = loader.epoch(epoch, first);
  std::vector<Batch> out;
  while (batches->remaining() > 0) out.push_back(batches->next());
  return out;
}

bool same(const Batch& a, const Batch& b) {
  return a.indices == b.indices && a.images == b.images && a.masks == b.masks;
}

}  // namespace

TEST_CASE("a batch holds normalised pictures and masks of 0 and 1", "[loader]") {
  const SmallData files(4);
  const Dataset data = files.open();
  LoaderOptions options = small_options();
  options.shuffle = false;
  const auto batches = all(Loader(data, options), 0);
  REQUIRE(batches.size() == 2);
  const Batch& first = batches[0];
  CHECK(first.n == 3);
  CHECK(first.h == 24);
  CHECK(first.w == 16);
  CHECK(first.indices == std::vector<std::size_t>{0, 1, 2});
  REQUIRE(first.images.size() == 3 * 24 * 16 * 3);
  REQUIRE(first.masks.size() == 3 * 24 * 16);
  const std::size_t second_picture = 24 * 16;
  CHECK(first.images[second_picture * 3] == Approx((10.0 / 255 - 0.485) / 0.229));
  CHECK(first.masks[second_picture] == 1);
  CHECK(first.masks[second_picture + 7] == 1);
  CHECK(first.masks[second_picture + 8] == 0);
  CHECK(batches[1].n == 1);

  options.drop_last = true;
  CHECK(all(Loader(data, options), 0).size() == 1);
}

TEST_CASE("a batch tells where the masks are to be ignored, and nothing where nowhere", "[loader]") {
  const SmallData files(2);
  Image mask(20, 30, 1, 255);
  for (int y = 0; y < 30; ++y) std::fill_n(mask.at(y, 0), 10, std::uint8_t{1});
  save_png(files.folder / "SegmentationClassAug/01.png", mask);
  const LabelMap labels = LabelMap::parse(R"({"name": "void", "labels": [{"id": 0, "name": "ground", "clothing": false},
      {"id": 1, "name": "coat", "clothing": true}, {"id": 4, "name": "shirt", "clothing": true},
      {"id": 255, "name": "void", "ignore": true}]})",
                                          "void.json");
  const Dataset data({files.folder.path(), "", ""}, labels);
  LoaderOptions options = small_options();
  options.shuffle = false;
  const Batch both = all(Loader(data, options), 0)[0];
  REQUIRE(both.known.size() == both.masks.size());
  for (std::size_t i = 0; i < both.known.size(); ++i) {
    const bool is_void = i >= 24 * 16 && i % 16 >= 8;  // the right half of the second picture
    CHECK(both.known[i] == !is_void);
    CHECK(both.masks[i] == (i % 16 < 8));
  }
  options.batch = 1;
  CHECK(all(Loader(data, options), 0)[0].known.empty());
}

TEST_CASE("a last batch that is too small joins the one before it", "[loader]") {
  const auto sizes = [](int pictures, int batch, int smallest, std::size_t first = 0) {
    const SmallData files(pictures);
    const Dataset data = files.open();
    LoaderOptions options = small_options();
    options.batch = batch;
    options.smallest_batch = smallest;
    const Loader loader(data, options);
    std::vector<int> result;
    std::vector<std::size_t> seen;
    for (const Batch& b : all(loader, 0, first)) {
      result.push_back(b.n);
      CHECK(b.indices.size() == static_cast<std::size_t>(b.n));
      seen.insert(seen.end(), b.indices.begin(), b.indices.end());
    }
    if (first == 0) CHECK(seen == loader.order(0));
    return result;
  };
  CHECK(sizes(7, 3, 2) == std::vector<int>{3, 4});
  CHECK(sizes(7, 3, 2, 1) == std::vector<int>{4});
  CHECK(sizes(8, 3, 2) == std::vector<int>{3, 3, 2});
  CHECK(sizes(8, 3, 3) == std::vector<int>{3, 5});
  CHECK(sizes(6, 3, 2) == std::vector<int>{3, 3});
  CHECK(sizes(1, 3, 2) == std::vector<int>{1});  // there is none before it
}

TEST_CASE("each epoch shows every sample once, in an order of its own", "[loader]") {
  const SmallData files(10);
  const Dataset data = files.open();
  const Loader loader(data, small_options());
  for (const std::uint64_t epoch : {0, 1}) {
    std::vector<std::size_t> seen;
    for (const Batch& batch : all(loader, epoch)) seen.insert(seen.end(), batch.indices.begin(), batch.indices.end());
    CHECK(seen == loader.order(epoch));
    CHECK(std::set<std::size_t>(seen.begin(), seen.end()).size() == 10);
  }
  CHECK(loader.order(0) != loader.order(1));
  LoaderOptions other = small_options();
  other.seed = 10;
  CHECK(Loader(data, other).order(0) != loader.order(0));
}

TEST_CASE("batches do not depend on the workers, nor on where an epoch is entered", "[loader]") {
  const SmallData files(11);
  const Dataset data = files.open();
  LoaderOptions options = small_options();
  options.augment = AugmentOptions::named("strong");
  options.fit = Fit::letterbox;
  const auto expected = all(Loader(data, options), 3);
  REQUIRE(expected.size() == 4);
  options.workers = 4;
  options.ahead = 5;
  const auto with_workers = all(Loader(data, options), 3);
  const auto resumed = all(Loader(data, options), 3, 2);
  REQUIRE(resumed.size() == 2);
  for (std::size_t i = 0; i < 4; ++i) CHECK(same(with_workers[i], expected[i]));
  for (std::size_t i = 0; i < 2; ++i) CHECK(same(resumed[i], expected[i + 2]));
  CHECK(all(Loader(data, options), 3, 4).empty());
}

TEST_CASE("with the fit by area a batch is square, or shaped as its first picture", "[loader]") {
  const SmallData files(40);
  const Dataset data = files.open();
  LoaderOptions options = small_options();
  options.width = options.height = 96;
  options.fit = Fit::area;
  options.augment = AugmentOptions::named("robust");
  std::set<std::pair<int, int>> sizes;
  for (const Batch& batch : all(Loader(data, options), 0)) {
    sizes.insert({batch.h, batch.w});
    CHECK(batch.masks.size() == static_cast<std::size_t>(batch.n * batch.h * batch.w));
    CHECK(batch.images.size() == 3 * batch.masks.size());
    const Sample first = data.load(batch.indices[0]);
    const Placement p = place(first.picture.width, first.picture.height, 96, 96, Fit::area);
    const bool is_square = batch.h == 96 && batch.w == 96;
    CHECK((is_square || (batch.h == p.canvas_height && batch.w == p.canvas_width)));
  }
  CHECK(sizes.size() == 2);
}

TEST_CASE("augmentation differs between epochs and follows the sample, not its place", "[loader]") {
  const SmallData files(3);
  const Dataset data = files.open();
  LoaderOptions options = small_options();
  options.augment = AugmentOptions::named("strong");
  options.batch = 1;
  options.shuffle = false;
  const auto ordered = all(Loader(data, options), 1), next_epoch = all(Loader(data, options), 2);
  CHECK(ordered[0].images != next_epoch[0].images);
  options.shuffle = true;
  for (const Batch& batch : all(Loader(data, options), 1)) CHECK(same(batch, ordered[batch.indices[0]]));
}

TEST_CASE("a sample that can't be read stops the loader with its name", "[loader]") {
  const SmallData files(3);
  const Dataset data = files.open();
  std::filesystem::remove(files.folder / "SegmentationClassAug/01.png");
  LoaderOptions options = small_options();
  options.batch = 1;
  options.shuffle = false;
  const Loader loader(data, options);
  const auto batches = loader.epoch(0);
  CHECK(batches->next().n == 1);
  CHECK_THROWS_WITH(batches->next(), Contains("SegmentationClassAug/01.png: cannot open"));

  options.batch = 0;
  CHECK_THROWS_WITH(Loader(data, options), Contains("expected sizes above 0"));
  CHECK_THROWS_WITH(loader.epoch(0, 4), Contains("expected a first batch of at most 3, got 4"));
}
