#include "core/formats/file_bytes.h"

#include <unistd.h>

#include <filesystem>

#include "core/atomic_file.h"
#include "core/check.h"
#include "tests/catch.h"

namespace fs = std::filesystem;
using namespace weft;

TEST_CASE("a file that is read stays as it was, whatever becomes of it", "[file]") {
  const fs::path folder = fs::temp_directory_path() / ("weft_file_bytes." + std::to_string(::getpid()));
  fs::create_directories(folder);
  const std::string content(100'000, 'x');
  write_file(folder / "a", content);
  const FileBytes bytes = FileBytes::read(folder / "a");
  fs::resize_file(folder / "a", 0);  // a mapped file would raise SIGBUS here
  CHECK(bytes.text() == content);
  CHECK(FileBytes::read(folder / "a").size() == 0);

  CHECK_THROWS_WITH(FileBytes::read(folder), Contains("it is a folder"));
  CHECK_THROWS_WITH(FileBytes::read(folder / "b"), Contains("cannot open: No such file or directory"));
  CHECK_THROWS_WITH(FileBytes::read("/dev/null"), Contains("not a regular file"));
  fs::remove_all(folder);
}
