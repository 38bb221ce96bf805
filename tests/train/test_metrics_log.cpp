#include "train/metrics_log.h"

#include "core/check.h"
#include "tests/catch.h"
#include "tests/temporary_folder.h"

using namespace weft;
using namespace weft::test;

TEST_CASE("the log has one line a record and forgets what will come again", "[train]") {
  const TemporaryFolder folder;
  const auto path = folder / "metrics.jsonl";
  {
    MetricsLog log(path, 0, 0);
    for (int step = 1; step <= 4; ++step) {
      log.write(StepRecord{(step + 1) / 2, step, 0.1, 0.2, 0.3, 1e-4, 12.5});
      if (step % 2 == 0) log.write(ValidationRecord{step / 2, step, 0.5, 0.25, 0.4, 0.75});
    }
  }
  const std::string first = R"({"epoch":1,"step":1,"loss":0.1,"dice":0.2,"bce":0.3,"lr":0.0001,"ms":12.5})" "\n";
  CHECK(read_text(path).substr(0, first.size()) == first);

  write_text(path, read_text(path) + "{\"epoch\":3,\"st");  // killed in the middle of a line
  MetricsLog(path, 3, 1);  // the checkpoint was taken in the second epoch
  const std::string kept = read_text(path);
  CHECK_THAT(kept, Contains("\"step\":3") && !Contains("\"step\":4"));
  CHECK_THAT(kept, Contains(R"({"epoch":1,"step":2,"miou":0.5,"iou":0.25,"dice":0.4,"loss":0.75})"));
  CHECK(std::count(kept.begin(), kept.end(), '\n') == 4);

  MetricsLog(path, 2, 0);  // after the first epoch's last step, before its validation
  CHECK_THAT(read_text(path), !Contains("miou"));
  CHECK_THROWS_WITH(MetricsLog(folder / "none" / "m", 0, 0), Contains("none/m"));
}
