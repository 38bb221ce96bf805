// infer_unet on a folder as a phone, a Mac and a web shop leave it: 40 files of every format, nested, doubled, broken,
// hidden. With WEFT_MIXED_FOLDER=DIR it is made there and kept, to be looked at.

#include <cstdlib>
#include <set>

#include "core/atomic_file.h"
#include "data/colour.h"
#include "data/exif.h"
#include "tests/catch.h"
#include "tests/data/heif_writer.h"
#include "tests/data/jpeg_writer.h"
#include "tests/data/png_builder.h"
#include "tests/tools/infer_fixture.h"

using namespace weft;
using namespace weft::test;
namespace fs = std::filesystem;

namespace {

/// A figure before a wall.
Image photograph(int width, int height, int channels = 3) {
  Image image(width, height, channels, 255);
  for (int y = 0; y < height; ++y) {
    for (int x = 0; x < width; ++x) {
      const bool is_figure = std::abs(2 * x - width) < width / 3 && y > height / 5;
      std::uint8_t* pixel = image.at(y, x);
      for (int c = 0; c < std::min(channels, 3); ++c)
        pixel[c] = static_cast<std::uint8_t>(is_figure ? 40 + 50 * c : 150 + 60 * y / height + 10 * c);
    }
  }
  return image;
}

std::string text_of(const std::vector<std::uint8_t>& bytes) { return {bytes.begin(), bytes.end()}; }

std::string bytes(std::initializer_list<int> values) {
  std::string text;
  for (const int value : values) text += static_cast<char>(value);
  return text;
}

std::string little(std::uint32_t value, int count) {
  std::string text;
  for (int i = 0; i < count; ++i) text += static_cast<char>(value >> (8 * i));
  return text;
}

std::string bmp(const Image& image) {  // 24 bits, rows from below, each of a multiple of four bytes
  std::string rows;
  for (int y = image.height - 1; y >= 0; --y) {
    for (int x = 0; x < image.width; ++x) rows += bytes({image.at(y, x)[2], image.at(y, x)[1], image.at(y, x)[0]});
    rows.resize((rows.size() + 3) / 4 * 4, '\0');
  }
  const auto size = [](int v) { return little(static_cast<std::uint32_t>(v), 4); };
  return "BM" + little(static_cast<std::uint32_t>(54 + rows.size()), 4) + size(0) + size(54) + size(40) +
         size(image.width) + size(image.height) + bytes({1, 0, 24, 0}) + std::string(24, '\0') + rows;
}

std::string tga(const Image& image) {  // 24 bits, rows from above
  std::string file = bytes({0, 0, 2, 0, 0, 0, 0, 0, 0, 0, 0, 0});
  file += little(static_cast<std::uint32_t>(image.width), 2) + little(static_cast<std::uint32_t>(image.height), 2);
  file += bytes({24, 0x20});
  for (std::size_t i = 0; i < image.pixels.size(); i += 3)
    file += bytes({image.pixels[i + 2], image.pixels[i + 1], image.pixels[i]});
  return file;
}

std::string psd(const Image& image) {  // flattened, planes one after the other
  const auto big = [](int value, int count) {
    std::string text;
    for (int i = count - 1; i >= 0; --i) text += static_cast<char>(value >> (8 * i));
    return text;
  };
  std::string file = "8BPS" + big(1, 2) + std::string(6, '\0') + big(3, 2) + big(image.height, 4) +
                     big(image.width, 4) + big(8, 2) + big(3, 2) + std::string(12, '\0') + big(0, 2);
  for (std::size_t c = 0; c < 3; ++c) {
    for (std::size_t i = c; i < image.pixels.size(); i += 3) file += static_cast<char>(image.pixels[i]);
  }
  return file;
}

std::string pnm(const Image& image) {
  return fmt::format("{}\n# a scanner's\n{} {}\n255\n", image.channels == 1 ? "P5" : "P6", image.width, image.height) +
         text_of(image.pixels);
}

/// A GIF of one colour and one pixel, as counters of visits are.
std::string gif() {
  return "GIF89a" +
         bytes({1, 0, 1, 0, 0x80, 0, 0, 200, 30, 30, 0, 0, 0, 0x2C, 0, 0, 0, 0, 1, 0, 1, 0, 0, 2, 2, 0x44, 1, 0, 0x3B});
}

/// With EXIF in front of the rest: lying, to be turned by a quarter.
std::string turned(const std::string& jpeg) {
  const std::string exif = std::string("Exif\0\0", 6) + "II" +
                           bytes({42, 0, 8, 0, 0, 0, 1, 0, 0x12, 1, 3, 0, 1, 0, 0, 0, 6, 0, 0, 0, 0, 0, 0, 0});
  return jpeg.substr(0, 2) + bytes({0xFF, 0xE1, 0, static_cast<int>(exif.size() + 2)}) + exif + jpeg.substr(2);
}

std::string jpeg(const Image& image, const PictureExtras& extras = {}) {
  return encode_picture(image, OutputFormat::jpeg, extras);
}
std::string png(const Image& image) { return encode_picture(image, OutputFormat::png); }

/// How many of the 40 are pictures that can be read, and how many of those that can't.
struct Made {
  int pictures = 0, broken = 0, files = 0;
};

Made make_folder(const fs::path& folder) {
  Made made;
  const auto put = [&](const std::string& name, const std::string& content) {
    fs::create_directories((folder / name).parent_path());
    write_file(folder / name, content);
    ++made.files;
  };
  const auto good = [&](const std::string& name, const std::string& content) { put(name, content), ++made.pictures; };
  const auto bad = [&](const std::string& name, const std::string& content) { put(name, content), ++made.broken; };
  const Image plain = photograph(240, 320), wide = photograph(320, 240);
  const std::string p3 = rgb_profile(display_p3_primaries);

  // A phone.
  const auto heic = heif::write(plain), avif = heif::write(plain, {.format = heif_compression_AV1});
  good("IMG_0001.HEIC",
       heic ? *heic : jpeg(plain));  // where libheif can't write it: the wrong ending, which is as good
  good("IMG_0002.JPG", turned(jpeg(wide, {.profile = p3, .density = {}})));
  good("IMG_0003.jpeg", text_of(jpeg::write(plain, {.is_progressive = true})));
  good("IMG_0004.avif", avif ? *avif : jpeg(plain));
  good("IMG_0002 (1).JPG", jpeg(wide));
  good("24 megapixels.jpg", jpeg(photograph(6000, 4000)));
  put("IMG_0001.MOV", bytes({0, 0, 0, 16}) + "ftypqt  " + bytes({0, 0, 0, 0}));
  put("VID_0005.mp4", bytes({0, 0, 0, 16}) + "ftypisom" + bytes({0, 0, 0, 0}));
  put("IMG_0006.DNG", bytes({'I', 'I', 42, 0, 8, 0, 0, 0}));
  put(".trashed-1700000000-IMG_0007.jpg", jpeg(plain));

  // A Mac.
  put(".DS_Store", bytes({0, 0, 0, 1}) + "Bud1");
  put("._IMG_0002.JPG", bytes({0, 5, 0x16, 7, 0, 2, 0, 0}) + "Mac OS X");
  put("__MACOSX/._IMG_0001.HEIC", bytes({0, 5, 0x16, 7}));
  good("Bildschirm\u00ADfoto 12.00.png", png(wide));
  good("album.jpg/summer/beach.jpg", jpeg(wide));
  good("album.jpg/IMG_0002.JPG", jpeg(plain));
  put("album.jpg/notes.rtf", "{\\rtf1 do not forget}");
  put("invoice.pdf", "%PDF-1.7\n");

  // A web shop.
  good("product.jpg", jpeg(plain));
  good("product.png", png(photograph(240, 320, 4)));
  good("product.webp", encode_picture(plain, OutputFormat::webp));
  good("banner.gif", gif());
  good("thumb.bmp", bmp(photograph(40, 50)));
  good("texture.tga", tga(photograph(40, 50)));
  good("layers.psd", psd(photograph(40, 50)));
  good("scan.ppm", pnm(photograph(40, 50)));
  good("scan2.pgm", pnm(photograph(40, 50, 1)));
  good("print.jpg",
       text_of(jpeg::write(photograph(240, 320, 4),
                           {.pixels = JCS_CMYK, .stored = JCS_YCCK, .has_adobe_note = true, .has_jfif_note = false})));
  good("webcam.jfif", text_of(jpeg::write(wide, {.has_tables = false})));
  good("grey.jpg", jpeg(photograph(240, 320, 1)));
  good("wrong ending.png", jpeg(plain));
  good("no ending", png(plain));
  good("palette.png",
       text_of(png::file({png::header(2, 2, 2, 3), png::chunk("PLTE", {9, 9, 9, 200, 30, 30, 250, 250, 250}),
                          png::data({0, 0x10, 0, 0x60}), png::end()})));
  put("logo.svg", "<svg xmlns='http://www.w3.org/2000/svg'/>");
  put("catalogue.csv", "id;name\n1;shirt\n");
  put("backup.zip", bytes({'P', 'K', 3, 4, 20, 0}));
  bad("cut off.jpg", jpeg(plain).substr(0, 1500));
  bad("empty.jpg", "");
  bad("not found.jpg", "<html><title>404</title></html>");
  std::string damaged = png(plain);
  damaged[damaged.size() / 2] = static_cast<char>(damaged[damaged.size() / 2] ^ 0x55);
  bad("damaged.png", damaged);
  return made;
}

}  // namespace

TEST_CASE("a mixed folder of 40 files, twice", "[tools]") {
  const InferFixture f;
  const char* kept = std::getenv("WEFT_MIXED_FOLDER");
  const fs::path folder = kept != nullptr ? fs::path(kept) : f.folder / "mixed";
  const Made made = make_folder(folder);
  CHECK(made.files == 40);
  const fs::path out = f.folder / "cut";
  const std::vector<std::string> arguments{folder.string(), "--recursive", "--out",
                                           out.string(),    "--write",     "mask,cutout"};
  const ProgramResult first = f.infer(arguments);
  INFO(first.err);
  CHECK(first.status == 1);
  const auto lines = [](const std::string& text) {
    return static_cast<int>(std::count(text.begin(), text.end(), '\n'));
  };
  CHECK(lines(first.out) == made.pictures);
  // Two notes of one stem (product.png, product.webp), the broken ones, what was passed over, the sum.
  CHECK(lines(first.err) == 2 + made.broken + 2);
  CHECK_THAT(first.err,
             Contains("product.png: written as product.png.mask.png, since") &&
                 Contains("product.webp: written as product.webp.mask.png, since") &&
                 Contains("cut off.jpg: truncated JPEG: the picture ends after") &&
                 Contains("empty.jpg: the file is empty") &&
                 Contains("not found.jpg: no picture that weft reads (text)") && Contains("damaged.png: corrupt PNG") &&
                 Contains("8 passed over: 2 texts, 2 videos, 1 PDF, 1 SVG drawing, 1 TIFF or raw picture, 1 zip "
                          "archive\n") &&
                 Contains(fmt::format("error: {} of {} pictures failed\n", made.broken, made.pictures + made.broken)));
  int outputs = 0;
  for (const auto& entry : fs::recursive_directory_iterator(out)) outputs += entry.is_regular_file();
  CHECK(outputs == 2 * made.pictures);
  CHECK(load_label_mask(out / "IMG_0002.mask.png").width == 240);  // upright
  CHECK(load_label_mask(out / "album.jpg" / "IMG_0002.mask.png").width == 240);
  CHECK(load_label_mask(out / "24 megapixels.mask.png").width == 6000);
  CHECK(load_photograph(out / "IMG_0002.cutout.png").extras.profile == rgb_profile(display_p3_primaries));

  // Again: the same, over weft's own; and as a run that goes on.
  const ProgramResult second = f.infer(arguments, "", 2);
  CHECK(second.out == first.out);
  CHECK(second.err == first.err);
  std::vector<std::string> more = arguments;
  more.push_back("--skip-existing");
  const ProgramResult third = f.infer(more);
  CHECK(third.out.empty());
  CHECK_THAT(third.err, Contains(fmt::format("{} skipped: their outputs are there\n", made.pictures)));
}
