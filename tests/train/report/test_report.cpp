#include "train/report/report.h"

#include <algorithm>
#include <numeric>

#include "tests/catch.h"
#include "tests/train/tiny_data.h"
#include "train/trainer.h"

using namespace weft;
using namespace weft::test;

namespace {

std::size_t count_of(const std::string& text, const std::string& part) {
  std::size_t count = 0;
  for (std::size_t at = text.find(part); at != std::string::npos; at = text.find(part, at + 1)) ++count;
  return count;
}

/// Stops a run after a step, or while picture `stop_at_picture` of the first validation is judged.
struct Stopper : TrainObserver {
  std::int64_t stop_after = -1, stop_at_picture = -1, pictures = 0, steps = 0;
  void step_ended(const StepRecord& record, std::int64_t) override { steps = record.step; }
  void validation_advanced(std::int64_t done, std::int64_t) override { pictures = done; }
  bool wants_stop() override { return steps == stop_after || pictures == stop_at_picture; }
};

}  // namespace

TEST_CASE("a long run shows some of its epochs: the first, the best, the last among them", "[report]") {
  std::vector<std::int64_t> epochs(40);
  std::iota(epochs.begin(), epochs.end(), 1);
  const auto shown = shown_epochs(epochs, 33, 6);
  CHECK(shown.size() == 6);
  CHECK(std::is_sorted(shown.begin(), shown.end()));
  for (const std::int64_t epoch : {1, 33, 40}) CHECK(std::count(shown.begin(), shown.end(), epoch) == 1);
  CHECK(shown_epochs({1, 2, 3}, 2, 6) == std::vector<std::int64_t>{1, 2, 3});
  CHECK(shown_epochs({}, 0, 6).empty());
}

TEST_CASE("the page escapes what users name, and leans on nothing outside", "[report]") {
  const std::string evil = "<img src=x onerror='go()'>";
  Report report;
  report.title = report.subtitle = report.machine = report.command = evil;
  report.figures = report.settings = {{evil, evil}};
  report.stresses = {{evil, {0.5, 0.4}}};
  Review review;
  review.epoch = 1;
  review.pictures = {{evil, 0.5}};
  review.labels = {{evil, true, {100, 80}}, {evil, false, {50, 5}}};
  review.samples = {{evil, 0.5, "p", "t", "m"}};
  WorstPicture worst;
  worst.score = {evil, 0.5};
  worst.mistakes = "w";
  review.worst.push_back(worst);
  report.reviews.push_back(review);
  const std::string page = report_page(report);
  CHECK_THAT(page, !Contains("<img src=x") && !Contains("<script") && !Contains("http:") && !Contains("https:") &&
                       !Contains("<link"));
  CHECK(count_of(page, "&lt;img src=x onerror=") >= 12);
  CHECK_THAT(page, Contains("80.0 %") && Contains("10.0 %") && Contains("IoU 0.500"));
}

TEST_CASE("a run writes its page after each epoch, a continued one too", "[report]") {
  const TemporaryFolder folder;
  make_tiny_data(folder / "data", 8);
  TrainConfig config = tiny_config(folder / "data");
  config.epochs = 3;
  const auto page = [&] { return read_text(folder / "run" / "report.html"); };
  {
    Stopper observer;
    observer.stop_after = 3;  // in the second epoch of two steps
    Trainer(config, folder / "run", false, observer, {"train_unet --data 'a&b'", "a machine"}).run();
    CHECK_THAT(page(), Contains("interrupted after step 3") && Contains(">epoch 1, best<") && !Contains(">epoch 2") &&
                           Contains("--data &#39;a&amp;b&#39;") && Contains("a machine") && Contains("Upper-clothes"));
  }
  TrainObserver observer;
  Trainer(config, folder / "run", true, observer).run();
  CHECK_THAT(page(), Contains("all epochs are done") && Contains(">epoch 1") && Contains(">epoch 2") &&
                         Contains(">epoch 3") && Contains("Learning rate"));
  // Two samples in three epochs, their photographs and truths; two worst.
  CHECK(count_of(page(), "<img src=\"data:image/jpeg;base64,") == 2 * (3 + 2) + 2);
  CHECK(load_reviews(folder / "run", 3, 1).size() == 3);
  CHECK(load_reviews(folder / "run", 1, 1).size() == 1);

  // A long run's page holds some epochs, and no others are read.
  for (int epoch = 4; epoch <= 50; ++epoch) {
    std::filesystem::copy(folder / "run" / "samples" / "epoch_0003",
                          folder / "run" / "samples" / fmt::format("epoch_{:04}", epoch));
  }
  CHECK(load_reviews(folder / "run", 50, 2).size() == reviews_in_report);

  write_text(folder / "run" / "samples" / "epoch_0002" / "review.json", "{\"epoch\": 2");
  CHECK(load_reviews(folder / "run", 3, 1).size() == 2);
}

TEST_CASE("a run asked to stop while it validates comes back to that validation, with the same bytes", "[report]") {
  const TemporaryFolder folder;
  make_tiny_data(folder / "data", 8);
  TrainConfig config = tiny_config(folder / "data");
  config.ema = 0.5;
  TrainObserver observer;
  Trainer(config, folder / "straight", false, observer).run();
  Stopper stopper;
  stopper.stop_at_picture = 1;
  const TrainResult stopped = Trainer(config, folder / "stopped", false, stopper).run();
  CHECK(stopped.end == TrainResult::End::asked_to);
  CHECK(stopped.progress.epochs_done == 0);
  CHECK(!std::filesystem::exists(folder / "stopped" / "best.safetensors"));
  CHECK(Trainer(config, folder / "stopped", true, observer).run().end == TrainResult::End::all_epochs);
  for (const char* file : {"checkpoint.safetensors", "last.safetensors", "best.safetensors"})
    CHECK(read_text(folder / "stopped" / file) == read_text(folder / "straight" / file));
}
