#include "data/image_io.h"

#include "core/check.h"
#include "data/exif.h"
#include "data/software_note.h"
#include "tests/catch.h"
#include "tests/data/jpeg_builder.h"
#include "tests/data/png_builder.h"
#include "tests/temporary_folder.h"

using namespace weft;
using namespace weft::test;

TEST_CASE("pictures are loaded upright", "[image]") {
  const TemporaryFolder folder;
  const jpeg::File plain = jpeg::make(24, 16);
  const Image stored = load_image(folder.write("1.jpg", plain));
  for (int orientation = 2; orientation <= 8; ++orientation) {
    const auto path = folder.write("o.jpg", jpeg::with_segment(plain, 2, 0xE1, jpeg::exif_content(orientation)));
    CHECK(load_image(path) == apply_orientation(stored, orientation));
  }
}

TEST_CASE("masks and PNG pictures are turned by their eXIf chunk", "[image]") {
  const png::File block = jpeg::exif_content(6);
  const png::File exif = png::chunk("eXIf", png::File(block.begin() + 6, block.end()));
  const png::File file = png::file({png::header(2, 1, 8, 0), exif, png::data({0, 5, 6}), png::end()});
  const Image mask = decode_label_mask(file, "m.png");
  CHECK(mask.height == 2);
  CHECK(mask.pixels == std::vector<std::uint8_t>{5, 6});
  CHECK(decode_image(file, "m.png").height == 2);
}

TEST_CASE("messages start with the path", "[image]") {
  const TemporaryFolder folder;
  const auto refused = [](const std::filesystem::path& path, const std::string& why) {
    CHECK_THROWS_WITH(load_image(path), Contains(path.string() + ": ") && Contains(why));
    CHECK_THROWS_WITH(load_label_mask(path), Contains(path.string() + ": ") && Contains(why));
  };
  refused(folder / "missing.jpg", "cannot open: No such file or directory");
  refused(folder.path(), "it is a folder");
  refused(folder.write("empty.png", std::string()), "the file is empty");
  refused(folder.write("notes.jpg", std::string("hello")), "no picture that weft reads (text)");
  refused("/dev/null", "it is not a regular file");
}

TEST_CASE("the limit of pixels is an argument", "[image]") {
  CHECK_THROWS_WITH(decode_image(jpeg::make(40, 30), "p.jpg", 1199),
                    Contains("p.jpg: 40 x 30 are 0 megapixels, the limit is 0.001199 (infer_unet --max-pixels)"));
  CHECK(decode_image(jpeg::make(40, 30), "p.jpg", 1200).width == 40);
}

TEST_CASE("each output format comes back, and carries weft's note", "[image]") {
  const TemporaryFolder folder;
  const Image image = jpeg::test_picture(31, 7), grey = jpeg::test_picture(31, 7, 1);
  for (const auto& [name, format] : {std::pair{"a.PNG", OutputFormat::png},
                                     {"a.jpg", OutputFormat::jpeg},
                                     {"a.jpeg", OutputFormat::jpeg},
                                     {"a.webp", OutputFormat::webp}}) {
    INFO(name);
    CHECK(output_format(name) == format);
    const auto path = folder.write(name, encode_picture(image, format));
    CHECK(load_image(path).width == 31);
    CHECK(has_software_note(path));
    const Image read = load_image(folder.write(name, encode_picture(grey, format)));
    for (std::size_t i = 0; i < grey.pixels.size(); ++i) {
      CHECK(std::abs(read.pixels[3 * i] - grey.pixels[i]) <= (format == OutputFormat::jpeg ? 3 : 0));
    }
    CHECK(output_format("a." + extension_of(format)) == format);
  }
  CHECK(output_format("a.tif") == std::nullopt);
  CHECK_FALSE(has_software_note(
      folder.write("foreign.png", png::file({png::header(1, 1, 8, 0), png::data({0, 1}), png::end()}))));
  CHECK_FALSE(has_software_note(folder.write("text.png", std::string("weft"))));
}

TEST_CASE("save_png writes what load_image reads", "[image]") {
  const TemporaryFolder folder;
  const Image image = jpeg::test_picture(31, 7);
  save_png(folder / "a.png", image);
  CHECK(load_image(folder / "a.png") == image);
  CHECK_THROWS_WITH(save_png(folder / "no/such/folder.png", image), Contains("no/such"));
}
