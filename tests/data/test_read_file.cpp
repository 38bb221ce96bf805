#include "data/read_file.h"

#include "core/check.h"
#include "tests/catch.h"
#include "tests/temporary_folder.h"

using namespace weft;
using namespace weft::test;

TEST_CASE("a file is read whole", "[file]") {
  const TemporaryFolder folder;
  const std::string content("a\0b\n", 4);
  const auto path = folder.write("x", content);
  const auto bytes = read_file(path);
  CHECK(std::string(bytes.begin(), bytes.end()) == content);
  CHECK(read_file(folder.write("empty", std::string())).empty());
  CHECK_THROWS_WITH(read_file(path, 3), Contains(path.string() + ": has 4 bytes, the limit is 3"));
  CHECK_THROWS_WITH(read_file(folder / "y"), Contains("cannot open: No such file"));
  CHECK_THROWS_WITH(read_file(folder.path()), Contains("it is a folder"));
}
