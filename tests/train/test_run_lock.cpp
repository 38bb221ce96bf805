#include "train/run_lock.h"

#include <optional>

#include "core/check.h"
#include "tests/catch.h"
#include "tests/temporary_folder.h"

using namespace weft;
using namespace weft::test;

TEST_CASE("a folder is for one run at a time", "[train]") {
  const TemporaryFolder folder;
  std::optional<RunLock> first(folder.path());
  CHECK_THROWS_WITH(RunLock(folder.path()), Contains("another training is writing to this folder"));
  first.reset();
  CHECK_NOTHROW(RunLock(folder.path()));
  CHECK_THROWS_WITH(RunLock(folder / "none"), Contains("none/.lock: cannot create"));
}
