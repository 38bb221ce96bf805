#include "models/cutter.h"

#include <cmath>
#include <cstdlib>
#include <thread>

#include "data/render.h"
#include "models/answer.h"
#include "models/default_model.h"
#include "models/predict.h"
#include "tests/catch.h"
#include "tests/noise_picture.h"
#include "tests/temporary_folder.h"

using namespace weft;
using namespace weft::test;

namespace {

struct Fixture {
  TemporaryFolder folder;
  const std::filesystem::path file = folder / "m.safetensors";
  explicit Fixture(std::int64_t classes = 1) {
    const UNetConfig config{.arch = "resnet18", .decoder_channels = {16, 8, 8, 4, 4}, .classes = classes};
    UNet network(config);
    network.initialise(1);
    save_model(file, network, {.network = config, .height = 64, .width = 96, .threshold = 0.4});
  }
};

}  // namespace

TEST_CASE("a cutter says what the steps it is made of say", "[cutter]") {
  const Fixture f;
  const Image picture = noise(70, 50);
  const Model model = load_model(f.file);
  const Prediction p = predict(Predictor(*model.network), prepare_input(model.info, picture));
  const std::vector<float> probabilities = p.probabilities();

  const Cutter cutter = Cutter::open(f.file);
  CHECK(cutter.info().threshold == 0.4);
  CHECK(cutter.probabilities(picture) == probabilities);
  CHECK(cutter.mask(picture) == render_mask(threshold_mask(probabilities, 70, 50, 0.4)));
  CHECK(cutter.cutout(picture) == render_cutout(picture, render_alpha(probabilities, 70, 50, 0.4)));
  const Cut cut = cutter.cut(picture);
  CHECK(cut.mask == cutter.mask(picture));
  CHECK(cut.cutout == cutter.cutout(picture));
  CHECK(cut.probabilities == probabilities);
  CHECK(cut.clothing == Approx(static_cast<double>(std::count(cut.mask.pixels.begin(), cut.mask.pixels.end(), 255)) / 3500));
  CHECK(cutter.cut(picture, {.cutout = false, .probabilities = false}).probabilities.empty());

  const Image all = Cutter::open(f.file, {.threshold = 0}).mask(picture);
  CHECK(std::count(all.pixels.begin(), all.pixels.end(), 255) == 3500);
  const Prediction other = predict(Predictor(*model.network), prepare_input(model.info, picture, {.size = {{32, 64}}}), true);
  CHECK(Cutter::open(f.file, {.size = {{32, 64}}, .mirror = true}).probabilities(picture) == other.probabilities());
}

TEST_CASE("threads may use one cutter at once", "[cutter]") {
  const Fixture f;
  const Cutter cutter = Cutter::open(f.file);
  const Image small = noise(70, 50), large = noise(300, 200);
  const Image small_mask = cutter.mask(small), large_mask = cutter.mask(large);
  std::vector<std::thread> threads;
  std::vector<int> wrong(4);
  for (std::size_t t = 0; t < wrong.size(); ++t) {
    threads.emplace_back([&, t] {
      for (int i = 0; i < 10; ++i) {
        const bool is_small = (i + static_cast<int>(t)) % 2 == 0;
        if (cutter.mask(is_small ? small : large) != (is_small ? small_mask : large_mask)) ++wrong[t];
      }
    });
  }
  for (std::thread& thread : threads) thread.join();
  for (int count : wrong) CHECK(count == 0);
}

TEST_CASE("what a cutter can't work with is refused", "[cutter]") {
  const Fixture f;
  CHECK_THROWS_WITH(Cutter::open(f.file, {.threshold = 1.5}), Contains("threshold in [0, 1]"));
  CHECK_THROWS_WITH(Cutter::open(f.file, {.threshold = std::nan("")}), Contains("threshold in [0, 1]"));
  CHECK_THROWS_WITH(Cutter::open(f.file, {.size = {{64, 65}}}), Contains("multiples of 32"));
  CHECK_THROWS_WITH(Cutter::open(f.folder / "none"), Contains("none"));
  CHECK_THROWS_WITH(Cutter::open(Fixture(3).file), Contains("one class"));
  const Cutter cutter = Cutter::open(f.file);
  CHECK_THROWS_WITH(cutter.mask(Image()), Contains("RGB"));
  CHECK_THROWS_WITH(cutter.mask(Image(4, 4, 4)), Contains("RGB"));
  Image short_one(4, 4, 3);
  short_one.pixels.pop_back();
  CHECK_THROWS_WITH(cutter.mask(short_one), Contains("RGB"));
}

TEST_CASE("the default model is where WEFT_MODEL says", "[cutter]") {
  const Fixture f;
  ::setenv("WEFT_MODEL", f.file.c_str(), 1);
  CHECK(default_model() == f.file);
  ::setenv("WEFT_MODEL", "/not/there", 1);
  CHECK_THROWS_WITH(default_model(), Contains("WEFT_MODEL names /not/there"));
  ::setenv("WEFT_MODEL", "", 1);
  CHECK(std::filesystem::exists(default_model()));  // of the build folder that this test lies in
  ::unsetenv("WEFT_MODEL");
}
