#include "train/schedule.h"

#include "core/check.h"
#include "tests/catch.h"

using namespace weft;

TEST_CASE("learning rate schedules", "[train]") {
  const auto make = [](ScheduleKind kind, std::int64_t warmup) {
    return Schedule({.kind = kind, .base_rate = 0.8, .warmup_steps = warmup, .total_steps = 12});
  };

  const Schedule constant = make(ScheduleKind::constant, 4);
  CHECK(constant.rate(0) == Approx(0.2));
  CHECK(constant.rate(2) == Approx(0.6));
  CHECK(constant.rate(3) == 0.8);
  CHECK(constant.rate(11) == 0.8);

  const Schedule cosine = make(ScheduleKind::cosine, 4);
  CHECK(cosine.rate(4) == Approx(0.8));
  CHECK(cosine.rate(8) == Approx(0.4));   // half of the 8 steps after the warm-up
  CHECK(cosine.rate(10) == Approx(0.8 * 0.14644660940672624));  // (1 + cos(3 pi / 4)) / 2
  CHECK(cosine.rate(12) == Approx(0).margin(1e-15));
  CHECK(cosine.rate(99) == Approx(0).margin(1e-15));

  const Schedule step = make(ScheduleKind::step, 0);
  for (const auto& [s, rate] :
       {std::pair{0, 0.8}, {3, 0.8}, {4, 0.08}, {7, 0.08}, {8, 0.008}, {11, 0.008}, {40, 0.008}}) {
    CHECK(step.rate(s) == Approx(rate));
  }
  CHECK_THROWS_WITH(Schedule({.base_rate = 0}), Contains("above 0, got 0"));
  CHECK_THROWS_WITH(schedule_from("linear"), Contains("constant, cosine, step, plateau"));
}

TEST_CASE("plateau halves the rate after three validations without a gain, and remembers", "[train]") {
  const ScheduleOptions options{.kind = ScheduleKind::plateau, .base_rate = 1};
  Schedule schedule(options);
  for (double score : {0.5, 0.6, 0.60001, 0.59})
    schedule.after_validation(score);  // 0.60001 is no gain: below 1e-4 of 0.6
  CHECK(schedule.rate(0) == 1);

  Schedule continued(options);
  continued.load_state(schedule.state());
  for (Schedule* s : {&schedule, &continued}) {
    s->after_validation(0.6);
    CHECK(s->rate(0) == 0.5);
    s->after_validation(0.7);
    for (int i = 0; i < 3; ++i) s->after_validation(0.1);
    CHECK(s->rate(0) == 0.25);
  }
}
