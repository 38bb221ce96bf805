#include "data/check_files.h"

#include "core/atomic_file.h"
#include "core/check.h"
#include "data/image_io.h"
#include "tests/catch.h"
#include "tests/data/jpeg_builder.h"
#include "tests/data/png_builder.h"
#include "tests/temporary_folder.h"

using namespace weft;
using namespace weft::test;
namespace fs = std::filesystem;

namespace {

struct Folder {
  TemporaryFolder root;
  fs::path pictures = root / "JPEGImages", masks = root / "SegmentationClassAug", cache = root / "cache/checked";
  Folder() {
    fs::create_directories(pictures);
    fs::create_directories(masks);
  }
  void add(const std::string& stem, std::uint8_t id = 4, int mask_width = 4) const {
    save_png(pictures / (stem + ".png"), Image(4, 3, 3, 100));
    save_png(masks / (stem + ".png"), Image(mask_width, 3, 1, id));
  }
  Dataset open(const char* labels = "atr") const { return Dataset({root.path(), "", ""}, LabelMap::load(labels)); }
};

void write_bytes(const fs::path& path, const std::vector<std::uint8_t>& bytes) {
  write_file(path, {reinterpret_cast<const char*>(bytes.data()), bytes.size()});
}

/// A JPEG of 24 x 16, turned as the orientation says.
std::vector<std::uint8_t> photograph(int orientation) {
  const auto plain = jpeg::make(24, 16);
  return jpeg::with_segment(plain, 2, 0xE1, jpeg::exif_content(orientation));
}

}  // namespace

TEST_CASE("everything that is wrong with the files is found at once", "[check_files]") {
  const Folder folder;
  for (const char* stem : {"a", "b", "c", "d", "e"}) folder.add(stem);
  CHECK(check_files(folder.open(), folder.cache).problems.empty());

  folder.add("b", 73);
  folder.add("c", 4, 5);
  write_text(folder.pictures / "d.png", "not a picture");
  write_text(folder.masks / "e.png", read_text(folder.masks / "e.png").substr(0, 40));
  const FilesChecked checked = check_files(folder.open(), folder.cache);
  REQUIRE(checked.problems.size() == 4);
  CHECK_THAT(checked.problems[0], Contains("b.png: id 73 is not in label map 'atr'"));
  CHECK_THAT(checked.problems[1], Contains("c.png: the mask is 5 x 3, its picture"));
  CHECK_THAT(checked.problems[2], Contains("JPEGImages/d.png: "));
  CHECK_THAT(checked.problems[3], Contains("SegmentationClassAug/e.png: "));
}

TEST_CASE("what was right is not read again until it changes", "[check_files]") {
  const Folder folder;
  for (const char* stem : {"a", "b", "c"}) folder.add(stem);
  std::vector<std::size_t> calls;
  const auto looked_at = [&](const char* labels = "atr") {
    calls.clear();
    return check_files(folder.open(labels), folder.cache,
                       [&](std::size_t done, std::size_t of) {
                         calls.push_back(done);
                         CHECK(done <= of);
                         return true;
                       })
        .looked_at;
  };
  CHECK(looked_at() == 3);
  CHECK(calls == std::vector<std::size_t>{1, 2, 3});
  CHECK(looked_at() == 0);
  CHECK(calls.empty());
  CHECK(looked_at("ccp") == 3);  // ids mean something else now
  CHECK(looked_at() == 0);       // and what was known before still is

  fs::last_write_time(folder.masks / "b.png", fs::file_time_type::clock::now() + std::chrono::seconds(5));
  CHECK(looked_at() == 1);
  folder.add("c", 99);
  CHECK(looked_at() == 1);
  CHECK(looked_at() == 1);  // a fault is never taken from the cache

  write_text(folder.cache, "something else");
  CHECK(looked_at() == 3);
  fs::remove(folder.cache);
  fs::create_directories(folder.cache / "in the way");  // a cache that can't be written is no error
  CHECK(looked_at() == 3);
  CHECK(looked_at() == 3);

  CHECK(check_files(folder.open(), "").looked_at == 3);  // nowhere to keep it

  std::size_t seen = 0;
  CHECK(check_files(folder.open(), folder.root / "other", [&](std::size_t, std::size_t) {
          return ++seen < 2;
        }).looked_at == 2);
}

TEST_CASE("each data set has a cache outside of it, and those of old are removed", "[check_files]") {
  const Folder folder;
  folder.add("a");
  const fs::path cache = checked_files_cache(folder.root.path());
  CHECK(cache.parent_path() == fs::path(std::getenv("XDG_CACHE_HOME")) / "weft");
  CHECK(checked_files_cache(folder.root / "JPEGImages/..") == cache);
  CHECK(checked_files_cache(folder.pictures) != cache);

  fs::create_directories(cache.parent_path());
  const fs::path old = cache.parent_path() / "checked-0123", other = cache.parent_path() / "other";
  for (const fs::path& file : {old, other}) {
    write_text(file, "x");
    fs::last_write_time(file, fs::file_time_type::clock::now() - std::chrono::hours(24 * 61));
  }
  CHECK(check_files(folder.open(), cache).looked_at == 1);
  CHECK(fs::exists(cache));
  CHECK(!fs::exists(old));
  CHECK(fs::exists(other));
}

TEST_CASE("masks of photographs that EXIF turns", "[check_files]") {
  const Folder folder;
  write_bytes(folder.pictures / "upright.jpg", photograph(6));
  save_png(folder.masks / "upright.png", Image(16, 24, 1, 4));
  const FilesChecked right = check_files(folder.open(), folder.cache);
  CHECK(right.problems.empty());
  CHECK(right.turned == 1);

  save_png(folder.masks / "upright.png", Image(24, 16, 1, 4));
  const FilesChecked lying = check_files(folder.open(), folder.cache);
  REQUIRE(lying.problems.size() == 1);
  CHECK_THAT(lying.problems[0],
             Contains("the mask is 24 x 16, its picture") && Contains("is 16 x 24") &&
                 Contains("it fits the picture as it is stored, before the turn that its EXIF asks"));
  CHECK_THROWS_WITH(folder.open().load(0), lying.problems[0]);
}

TEST_CASE("a picture's size is that of the decoded picture", "[picture_size]") {
  const TemporaryFolder folder;
  const auto path = folder / "picture";
  const auto is_right = [&](const std::vector<std::uint8_t>& file, bool is_turned) {
    write_bytes(path, file);
    const Image picture = load_image(path);
    return picture_size(path) == PictureSize{picture.width, picture.height, is_turned};
  };
  CHECK(is_right(jpeg::make(24, 16), false));
  for (int orientation = 1; orientation <= 8; ++orientation) CHECK(is_right(photograph(orientation), orientation >= 5));
  CHECK(is_right(jpeg::with_segment(photograph(6), 2, 0xFE, {'h', 'i'}), true));

  const auto exif = jpeg::exif_content(8);
  const std::vector<std::uint8_t> tiff(exif.begin() + 6, exif.end());
  const auto rows = png::data(std::vector<std::uint8_t>(2 * (1 + 3), 0));
  const auto text = png::chunk("tEXt", {'C', 'o', 'm', 'm', 'e', 'n', 't', 0, 'x'});
  CHECK(is_right(png::file({png::header(2, 1, 8, 2), png::data({0, 1, 2, 3, 4, 5, 6}), png::end()}), false));
  CHECK(is_right(png::file({png::header(1, 2, 8, 2), text, png::chunk("eXIf", tiff), rows, png::end()}), true));
}

TEST_CASE("a header that is cut short anywhere is an error or the right size, never another one", "[picture_size]") {
  const TemporaryFolder folder;
  const auto path = folder / "picture";
  const auto png_file = png::file({png::header(2, 1, 8, 2), png::data({0, 1, 2, 3, 4, 5, 6}), png::end()});
  for (const auto& [file, size] : {std::pair{photograph(6), PictureSize{16, 24, true}}, {png_file, {2, 1, false}}}) {
    std::size_t refused = 0;
    for (std::size_t length = 0; length < std::min<std::size_t>(file.size(), 400); ++length) {
      write_bytes(path, {file.begin(), file.begin() + static_cast<std::ptrdiff_t>(length)});
      try {
        const PictureSize found = picture_size(path);
        CHECK(found == size);
      } catch (const Error& error) {
        ++refused;
        CHECK_THAT(error.what(), Contains("picture: "));
      }
    }
    CHECK(refused > 40);
  }
  CHECK_THROWS_WITH(picture_size(folder / "missing.jpg"), Contains("missing.jpg: "));

  // Chunks of nothing without an end are the decoder's to refuse.
  auto endless = png::file({png::header(2, 1, 8, 2)});
  for (int i = 0; i < 20'000; ++i) png::append(endless, png::chunk("abCd", {}));
  write_bytes(path, endless);
  CHECK_THROWS_WITH(picture_size(path), Contains("picture: "));
}
