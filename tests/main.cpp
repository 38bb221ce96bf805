// Catch2's main lives alone in this file: it takes ten seconds to compile and hardly ever changes.
#define CATCH_CONFIG_RUNNER
#include "tests/catch.h"
#include "tests/temporary_folder.h"

int main(int argc, char** argv) {
  const weft::test::TemporaryFolder cache;  // of the tests and of the programs that they run, not the user's own
  ::setenv("XDG_CACHE_HOME", cache.path().c_str(), 1);
  return Catch::Session().run(argc, argv);
}
