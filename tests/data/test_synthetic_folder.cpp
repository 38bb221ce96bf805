#include <png.h>

#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <sstream>

#include "core/check.h"
#include "core/parallel.h"
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

TEST_CASE("a mask file is an 8-bit palette PNG whose indices are the labels", "[data][synthetic]") {
  const Folder folder;
  write_synthetic_set(folder.path, {2, {64, 64}, 9, 0});
  CHECK_FALSE(fs::exists(folder.path / "val.txt"));
  const std::string file = content(folder.path / "SegmentationClassAug/0001.png");
  // IHDR: width and height at 16 and 20, bit depth at 24, colour type at 25 (3: palette).
  CHECK(file[24] == 8);
  CHECK(file[25] == 3);

  png_image image{};
  image.version = PNG_IMAGE_VERSION;
  REQUIRE(png_image_begin_read_from_memory(&image, file.data(), file.size()) != 0);
  image.format = PNG_FORMAT_RGB;
  std::vector<std::uint8_t> rgb(PNG_IMAGE_SIZE(image));
  REQUIRE(png_image_finish_read(&image, nullptr, rgb.data(), 0, nullptr) != 0);
  const Image labels = draw_synthetic(9, 1, 64).labels;
  for (std::size_t i = 0; i < labels.pixels.size(); ++i) {
    // Pascal VOC's colours: of ids below 64, red has bits 0 and 3, green 1 and 4, blue 2 and 5.
    const unsigned id = labels.pixels[i];
    const auto channel = [&](unsigned k) { return ((id >> k) & 1u) * 128 + ((id >> (k + 3)) & 1u) * 64; };
    REQUIRE(rgb[3 * i] == channel(0));
    REQUIRE(rgb[3 * i + 1] == channel(1));
    REQUIRE(rgb[3 * i + 2] == channel(2));
  }
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
  CHECK_THROWS_WITH(write_synthetic_set(folder.path, {1, {64, 64}, 0, 1.0}), Contains("val_fraction must be in [0, 1)"));
  CHECK(fs::is_empty(folder.path));
  CHECK_THROWS_WITH(write_synthetic_set("/proc/nowhere", {1, {64, 64}, 0, 0.1}), Contains("/proc/nowhere/JPEGImages: cannot make the folder"));

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
