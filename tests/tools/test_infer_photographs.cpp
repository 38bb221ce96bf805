// infer_unet on photographs as cameras leave them: colours, transparency, size.

#include <sys/resource.h>

#include <cstdio>
#include <cstdlib>

#include <jpeglib.h>

#include "core/atomic_file.h"
#include "data/colour.h"
#include "tests/catch.h"
#include "tests/tools/infer_fixture.h"

using namespace weft;
using namespace weft::test;
namespace fs = std::filesystem;

namespace {

/// People in clothes, drawn, and the shipped model, so that masks have something in them.
struct People {
  TemporaryFolder folder;
  std::string out = (folder / "out").string();
  std::vector<fs::path> pictures;
  explicit People(int size) {
    const ProgramResult run = run_program("make_synthetic_atr", {"--out", (folder / "data").string(), "--count", "3",
                                                                 "--size", std::to_string(size), "--seed", "5"});
    REQUIRE(run.status == 0);
    for (const auto& entry : fs::directory_iterator(folder / "data" / "JPEGImages")) pictures.push_back(entry.path());
    std::sort(pictures.begin(), pictures.end());
    REQUIRE(pictures.size() == 3);
  }
  Image mask_of(const fs::path& picture, const std::string& kinds = "mask") const {
    const ProgramResult run = run_program(
        "infer_unet", {picture.string(), "--out", out, "--write", kinds, "--threads", "1", "--size", "256"});
    INFO(run.err);
    REQUIRE(run.status == 0);
    return load_label_mask(fs::path(out) / (picture.stem().string() + ".mask.png"));
  }
};

/// Of all pictures together.
class Iou {
 public:
  void add(const Image& a, const Image& b) {
    REQUIRE(a.pixels.size() == b.pixels.size());
    for (std::size_t i = 0; i < a.pixels.size(); ++i) {
      both_ += a.pixels[i] != 0 && b.pixels[i] != 0;
      either_ += a.pixels[i] != 0 || b.pixels[i] != 0;
    }
    pixels_ += static_cast<std::int64_t>(a.pixels.size());
  }
  double value() const {
    REQUIRE(either_ > pixels_ / 50);  // masks that are empty prove nothing
    return static_cast<double>(both_) / static_cast<double>(either_);
  }

 private:
  std::int64_t both_ = 0, either_ = 0, pixels_ = 0;
};

/// A JPEG of width x height, row by row: a picture of its size need not fit into memory.
void write_large_jpeg(const fs::path& path, int width, int height, bool is_progressive) {
  jpeg_error_mgr errors;
  jpeg_compress_struct jpeg = {};
  jpeg.err = jpeg_std_error(&errors);
  jpeg_create_compress(&jpeg);
  std::FILE* file = std::fopen(path.c_str(), "wb");
  REQUIRE(file != nullptr);
  jpeg_stdio_dest(&jpeg, file);
  jpeg.image_width = static_cast<JDIMENSION>(width);
  jpeg.image_height = static_cast<JDIMENSION>(height);
  jpeg.input_components = 3;
  jpeg.in_color_space = JCS_RGB;
  jpeg_set_defaults(&jpeg);
  if (is_progressive) jpeg_simple_progression(&jpeg);
  jpeg_start_compress(&jpeg, TRUE);
  std::vector<std::uint8_t> row(3 * static_cast<std::size_t>(width));
  for (int y = 0; y < height; ++y) {
    for (std::size_t i = 0; i < row.size(); ++i)
      row[i] = static_cast<std::uint8_t>((i / 200 + static_cast<std::size_t>(y) / 64) * 37);
    JSAMPROW rows[] = {row.data()};
    jpeg_write_scanlines(&jpeg, rows, 1);
  }
  jpeg_finish_compress(&jpeg);
  jpeg_destroy_compress(&jpeg);
  REQUIRE(std::fclose(file) == 0);
}

}  // namespace

TEST_CASE("a wide-gamut photograph has the mask of its sRGB twin", "[tools]") {
  const People people(384);
  const std::string p3 = rgb_profile(display_p3_primaries);
  Iou iou;
  for (const fs::path& picture : people.pictures) {
    const Image numbers = load_image(picture);  // read as Display P3
    Image twin = numbers;
    to_srgb(twin, p3);
    REQUIRE(twin != numbers);
    write_file(people.folder / "wide.png", encode_picture(numbers, OutputFormat::png, {.profile = p3, .density = {}}));
    write_file(people.folder / "srgb.png", encode_picture(twin, OutputFormat::png));
    iou.add(people.mask_of(people.folder / "wide.png"), people.mask_of(people.folder / "srgb.png"));
  }
  CHECK(iou.value() >= 0.999);
}

TEST_CASE("profile and resolution travel into cut-outs, whose colours are the photograph's own", "[tools]") {
  const InferFixture f;
  const std::string p3 = rgb_profile(display_p3_primaries);
  const PictureExtras extras{.profile = p3, .density = {11811, 11811}};  // 300 per inch
  const Image numbers = noise(40, 50, 9);
  for (const OutputFormat format : {OutputFormat::png, OutputFormat::jpeg, OutputFormat::webp}) {
    const std::string ending = extension_of(format);
    const fs::path photo = f.folder / ("p." + ending);
    write_file(photo, encode_picture(numbers, format, extras));
    // A threshold of 0 keeps all of it.
    const ProgramResult run =
        f.infer({photo.string(), "-o", (f.folder / ("c." + ending)).string(), "--write", "cutout", "--threshold", "0"});
    INFO(ending << ": " << run.err);
    REQUIRE(run.status == 0);
    const Photograph cutout = load_photograph(f.folder / ("c." + ending));
    CHECK(cutout.extras.profile == p3);
    CHECK(cutout.extras.density == extras.density);
    if (format != OutputFormat::png) continue;
    for (int y = 0; y < 50; ++y) {
      for (int x = 0; x < 40; ++x) REQUIRE(std::equal(numbers.at(y, x), numbers.at(y, x) + 3, cutout.image.at(y, x)));
    }
  }
}

TEST_CASE("a cut-out is transparent where the photograph is, and the network sees white there", "[tools]") {
  const InferFixture f;
  Image clear(40, 50, 4, 0);  // black under full transparency
  Image white(40, 50, 3, 255);
  const Image colours = noise(40, 50, 3);
  for (int y = 0; y < 50; ++y) {
    for (int x = 20; x < 40; ++x) {
      std::copy_n(colours.at(y, x), 3, clear.at(y, x));
      clear.at(y, x)[3] = 255;
      std::copy_n(colours.at(y, x), 3, white.at(y, x));
    }
  }
  save_png(f.photo("clear"), clear);
  save_png(f.photo("white"), white);
  REQUIRE(f.infer({f.photo("clear"), f.photo("white"), "--out", f.out, "--write", "cutout,logits", "--threshold", "0"})
              .status == 0);
  CHECK((read_text(f.out + "/clear.logits.npy") == read_text(f.out + "/white.logits.npy")));
  const Image cutout = load_photograph(f.out + "/clear.cutout.png").image;
  for (int y = 0; y < 50; ++y) {
    for (int x = 0; x < 40; ++x) REQUIRE(cutout.at(y, x)[3] == (x < 20 ? 0 : 255));
  }
}

TEST_CASE("a photograph decoded at reduced size has the mask of the whole one", "[tools]") {
  const People people(1200);  // at 256 a half is read where no output shows it
  Iou iou;
  for (const fs::path& picture : people.pictures) {
    REQUIRE(load_photograph(picture).width >= 1024);
    const Image reduced = people.mask_of(picture);
    const Image whole = people.mask_of(picture, "mask,overlay");
    CHECK(reduced.width == load_photograph(picture).width);
    iou.add(reduced, whole);
  }
  CHECK(iou.value() >= 0.99);
}

TEST_CASE("a JPEG of 200 megapixels takes less than 1.2 GB, its mask of full size included", "[.long]") {
  const InferFixture f;
  for (const bool is_progressive : {false, true}) {
    write_large_jpeg(f.folder / "large.jpg", 16320, 12288, is_progressive);
    const ProgramResult run = f.infer({(f.folder / "large.jpg").string(), "--out", f.out});
    INFO(run.err);
    REQUIRE(run.status == 0);
    rusage used = {};
    REQUIRE(::getrusage(RUSAGE_CHILDREN, &used) == 0);  // the largest of all children
    WARN((is_progressive ? "progressive: " : "") << used.ru_maxrss / 1024 << " MB");
    CHECK(used.ru_maxrss < 1'200'000);
    const Image mask = load_label_mask(f.out + "/large.mask.png", 250'000'000);
    CHECK(mask.width == 16320);
    CHECK(mask.height == 12288);
  }
}
