#include "core/atomic_file.h"

#include <sys/wait.h>
#include <unistd.h>

#include <fstream>
#include <sstream>

#include "core/check.h"
#include "tests/catch.h"

namespace fs = std::filesystem;
using namespace weft;

namespace {
std::string content_of(const fs::path& path) {
  std::stringstream text;
  text << std::ifstream(path, std::ios::binary).rdbuf();
  return text.str();
}
}  // namespace

TEST_CASE("a file is replaced on commit and untouched without it", "[atomic_file]") {
  const fs::path folder = fs::temp_directory_path() / "weft_atomic_file";
  fs::remove_all(folder);
  fs::create_directories(folder);
  write_file(folder / "a", "old");
  {
    AtomicFile file(folder / "a");
    file.write("half", 4);
  }
  CHECK(content_of(folder / "a") == "old");
  write_file(folder / "a", "new");
  CHECK(content_of(folder / "a") == "new");
  CHECK(std::distance(fs::directory_iterator(folder), fs::directory_iterator()) == 1);  // no litter

  CHECK_THROWS_WITH(write_file(folder / "missing" / "a", "x"), Contains("cannot create: No such file or directory"));
  CHECK_THROWS_WITH(write_file(folder, "x"), Contains("it is a folder"));
  CHECK_THROWS_WITH(write_file("/dev/full", "x"), Contains("not a regular file"));
  fs::remove_all(folder);
}

TEST_CASE("pieces of any size come out in order", "[atomic_file]") {
  const fs::path path = fs::temp_directory_path() / "weft_atomic_pieces";
  std::string all;
  {
    AtomicFile file(path);
    for (const std::size_t bytes : {std::size_t{3}, (std::size_t{1} << 20) - 1, std::size_t{1}, std::size_t{1} << 20,
                                    std::size_t{0}, (std::size_t{3} << 20) + 5, std::size_t{7}}) {
      const std::string piece(bytes, static_cast<char>('a' + all.size() % 23));
      file.write(piece.data(), bytes);
      all += piece;
    }
    file.commit();
  }
  CHECK(content_of(path) == all);
  fs::remove(path);
}

TEST_CASE("temporary files of dead writers are removed, others stay", "[atomic_file]") {
  const fs::path folder = fs::temp_directory_path() / "weft_stale_temporaries";
  fs::remove_all(folder);
  fs::create_directories(folder);
  const pid_t child = ::fork();
  REQUIRE(child >= 0);
  if (child == 0) ::_exit(0);
  ::waitpid(child, nullptr, 0);  // now no process has this id
  const std::string dead = fmt::format("a.{}.tmp", child), own = fmt::format("a.{}.tmp", ::getpid());
  for (const std::string& name : {dead, own, std::string("a.tmp"), std::string("notes.1.tmp.txt")})
    std::ofstream(folder / name) << "x";
  remove_stale_temporaries(folder);
  CHECK_FALSE(fs::exists(folder / dead));
  CHECK(fs::exists(folder / own));
  CHECK(fs::exists(folder / "a.tmp"));
  CHECK(fs::exists(folder / "notes.1.tmp.txt"));
  remove_stale_temporaries(folder / "missing");
  fs::remove_all(folder);
}

TEST_CASE("a name that no folder can hold is refused in one line", "[atomic_file]") {
  const fs::path path = fs::temp_directory_path() / std::string(300, 'x');
  CHECK_THROWS_WITH(AtomicFile(path), Contains("cannot create: File name too long"));
}
