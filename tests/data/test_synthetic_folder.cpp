#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <sstream>

#include "core/check.h"
#include "core/parallel.h"
#include "data/image_io.h"
#include "data/synthetic/atr_folder.h"
#include "tests/catch.h"

using namespace weft;
namespace fs = std::filesystem;

namespace {

struct Folder {
  fs::path path;
  Folder() {
    std::string name = (fs::temp_directory_path() / "weft-synthetic-XXXXXX").string();
    REQUIRE(mkdtemp(name.data()) != nullptr);
    path = name;
  }
  ~Folder() { fs::remove_all(path); }
};

std::string content(const fs::path& path) {
  std::ifstream file(path, std::ios::binary);
  std::ostringstream text;
  text << file.rdbuf();
  return text.str();
}

int run_tool(const std::string& arguments) {
  const int status = std::system((WEFT_BIN_DIR "/make_synthetic_atr " + arguments + " >/dev/null 2>&1").c_str());
  return WIFEXITED(status) ? WEXITSTATUS(status) : -1;
}

}  // namespace

TEST_CASE("write_synthetic_set writes ATR's layout", "[data][synthetic]") {
  const Folder folder;
  write_synthetic_set(folder.path, {10, {48, 40}, 5, 0.1});
  for (int i = 0; i < 10; ++i) {
    const std::string stem = "000" + std::to_string(i);
    CHECK(content(folder.path / "JPEGImages" / (stem + ".jpg")).substr(0, 3) == "\xFF\xD8\xFF");
    CHECK(content(folder.path / "SegmentationClassAug" / (stem + ".png")).substr(0, 4) == "\x89PNG");
  }
  CHECK(content(folder.path / "train.txt") == "0000\n0001\n0002\n0003\n0004\n0005\n0006\n0007\n0008\n");
  CHECK(content(folder.path / "val.txt") == "0009\n");

  const Folder two;  // neither list is ever empty
  write_synthetic_set(two.path, {2, {32, 32}, 5, 0.1});
  CHECK(content(two.path / "train.txt") == "0000\n");
  CHECK(content(two.path / "val.txt") == "0001\n");
}

TEST_CASE("what is written reads back: pictures nearly, masks exactly", "[data][synthetic]") {
  const Folder folder;
  write_synthetic_set(folder.path, {2, {64, 48}, 9, 0});
  CHECK_FALSE(fs::exists(folder.path / "val.txt"));
  const fs::path mask = folder.path / "SegmentationClassAug/0001.png";
  const std::string file = content(mask);
  // IHDR: bit depth at 24, colour type at 25 (3: palette).
  CHECK(file[24] == 8);
  CHECK(file[25] == 3);
  const SyntheticSample sample = draw_synthetic(9, 1, {64, 48});
  CHECK(load_label_mask(mask) == sample.labels);

  const Image picture = load_image(folder.path / "JPEGImages/0001.jpg");
  REQUIRE(picture.pixels.size() == sample.picture.pixels.size());
  double difference = 0;
  for (std::size_t i = 0; i < picture.pixels.size(); ++i)
    difference += std::abs(picture.pixels[i] - sample.picture.pixels[i]);
  CHECK(difference / static_cast<double>(picture.pixels.size()) < 6);
}

TEST_CASE("a mask's palette is Pascal VOC's", "[data][synthetic]") {
  const Folder folder;
  write_synthetic_set(folder.path, {1, {32, 32}, 9, 0});
  const std::string file = content(folder.path / "SegmentationClassAug/0000.png");
  const std::size_t palette = file.find("PLTE") + 4;
  const auto colour = [&](std::size_t id) { return file.substr(palette + 3 * id, 3); };
  CHECK(colour(0) == std::string(3, '\0'));
  CHECK(colour(1) == std::string("\x80\0\0", 3));     // maroon
  CHECK(colour(6) == std::string("\0\x80\x80", 3));   // teal
  CHECK(colour(17) == std::string("\x80\x40\0", 3));  // bits 0 and 4
}

TEST_CASE("a set does not depend on threads, and a picture not on the set's size", "[data][synthetic]") {
  const Folder one, three;
  const int threads = num_threads();
  set_num_threads(1);
  write_synthetic_set(one.path, {5, {48, 48}, 3, 0.2});
  set_num_threads(3);
  write_synthetic_set(three.path, {3, {48, 48}, 3, 0.2});
  set_num_threads(threads);
  for (const char* name : {"JPEGImages/0000.jpg", "JPEGImages/0002.jpg", "SegmentationClassAug/0002.png"}) {
    INFO(name);
    CHECK(!content(one.path / name).empty());
    CHECK(content(one.path / name) == content(three.path / name));
  }
}

TEST_CASE("write_synthetic_set says what is wrong", "[data][synthetic]") {
  const Folder folder;
  CHECK_THROWS_WITH(write_synthetic_set(folder.path, {0, {64, 64}, 0, 0.1}), Contains("count must be 1 to"));
  CHECK_THROWS_WITH(write_synthetic_set(folder.path, {1, {8, 64}, 0, 0.1}), Contains("got 8x64"));
  CHECK_THROWS_WITH(write_synthetic_set(folder.path, {1, {64, 64}, 0, 1.0}),
                    Contains("val_fraction must be in [0, 1)"));
  CHECK(fs::is_empty(folder.path));
  CHECK_THROWS_WITH(write_synthetic_set("/proc/nowhere", {1, {64, 64}, 0, 0.1}),
                    Contains("/proc/nowhere/JPEGImages: cannot make the folder"));

  write_synthetic_set(folder.path, {3, {32, 32}, 0, 0});
  CHECK_NOTHROW(write_synthetic_set(folder.path, {3, {32, 32}, 0, 0}));
  CHECK_THROWS_WITH(write_synthetic_set(folder.path, {2, {32, 32}, 0, 0}), Contains("already holds '0002.jpg'"));
}

TEST_CASE("make_synthetic_atr's exit status", "[data][synthetic]") {
  if (!fs::exists(WEFT_BIN_DIR "/make_synthetic_atr")) {
    WARN("make_synthetic_atr is not built; its exit status is not tested");
    return;
  }
  const Folder folder;
  const std::string out = "--out " + folder.path.string() + " ";
  CHECK(run_tool(out + "--count 2 --size 40x32 --seed 1 --threads 2") == 0);
  CHECK(fs::exists(folder.path / "JPEGImages/0001.jpg"));
  CHECK(run_tool("--help") == 0);
  CHECK(run_tool("--version") == 0);
  CHECK(run_tool(out + "--count 0") == 1);
  CHECK(run_tool(out + "--size 16") == 1);
  CHECK(run_tool("--out /proc/nowhere --count 1 --size 32") == 1);
  CHECK(run_tool("--count 2") == 2);
  CHECK(run_tool(out + "--size big") == 2);
  CHECK(run_tool(out + "--colour blue") == 2);
}
