#include "data/dataset.h"

#include <algorithm>

#include "core/atomic_file.h"
#include "core/check.h"
#include "core/listed_error.h"
#include "data/image_io.h"
#include "tests/catch.h"

using namespace weft;
namespace fs = std::filesystem;

namespace {

/// A small data set in a temporary folder: 4x3 pictures, masks with ATR ids.
struct Folder {
  fs::path root = fs::temp_directory_path() / "weft_dataset";
  DatasetFolders folders{root, "", ""};
  Folder() {
    fs::remove_all(root);
    fs::create_directories(root / "JPEGImages");
    fs::create_directories(root / "SegmentationClassAug");
  }
  ~Folder() { fs::remove_all(root); }
  void add(const std::string& stem, std::uint8_t id = 4, int mask_width = 4) const {
    save_png(root / "JPEGImages" / (stem + ".png"), Image(4, 3, 3, 100));
    save_png(root / "SegmentationClassAug" / (stem + ".png"), Image(mask_width, 3, 1, id));
  }
  fs::path list(const std::string& text) const {
    write_file(root / "list.txt", text);
    return root / "list.txt";
  }
};

const LabelMap& atr() {
  static const LabelMap map = LabelMap::load("atr");
  return map;
}

std::vector<std::string> stems(const Dataset& data) {
  std::vector<std::string> names;
  for (std::size_t i = 0; i < data.size(); ++i) names.push_back(data.files(i).stem);
  return names;
}

}  // namespace

TEST_CASE("a folder of pictures and masks is found and read", "[dataset]") {
  const Folder folder;
  for (const char* stem : {"b", "a", "c"}) folder.add(stem);
  write_file(folder.root / "JPEGImages" / "notes.txt", "not a picture");
  const Dataset data(folder.folders, atr());
  CHECK(stems(data) == std::vector<std::string>{"a", "b", "c"});
  const Sample sample = data.load(1);
  CHECK(sample.picture == Image(4, 3, 3, 100));
  CHECK(sample.clothing == Image(4, 3, 1, 1));
  CHECK(sample.ids == Image(4, 3, 1, 4));

  fs::rename(folder.root / "SegmentationClassAug", folder.root / "my-masks");
  CHECK(Dataset({folder.root, "JPEGImages", "my-masks"}, atr()).size() == 3);
}

TEST_CASE("lists choose and order", "[dataset]") {
  const Folder folder;
  for (const char* stem : {"a", "b", "c"}) folder.add(stem);
  const auto listed = [&](const std::string& text) { return Dataset(folder.folders, atr(), folder.list(text)); };
  CHECK(stems(listed("c\r\n\n\na")) == std::vector<std::string>{"c", "a"});
  CHECK(stems(listed("\xEF\xBB\xBF"
                     "b\n")) == std::vector<std::string>{"b"});
  CHECK_THROWS_WITH(listed("\n\n"), Contains("the list is empty"));
  CHECK_THROWS_WITH(listed("a\na\n"), Contains("'a' occurs twice"));
  CHECK_THROWS_WITH(listed("../a\n"), Contains("'../a' is not a stem: it leaves the folder"));
  CHECK_THROWS_WITH(listed("..\n"), Contains("leaves the folder"));
  CHECK_THROWS_WITH(listed("d\n"), Contains("'d' has no picture in"));
  CHECK_THROWS_WITH(listed("a.png\n"), Contains("'a.png' has no picture in") && Contains("without their extension"));
  CHECK_THROWS_WITH(Dataset(folder.folders, atr(), folder.root / "none.txt"), Contains("none.txt"));
}

TEST_CASE("what is wrong with a folder is said", "[dataset]") {
  const Folder folder;
  CHECK_THROWS_WITH(Dataset(folder.folders, atr()), Contains("no pictures"));
  folder.add("a");
  CHECK_THROWS_WITH(Dataset({folder.root / "missing", "", ""}, atr()), Contains("missing: no such folder"));
  CHECK_THROWS_WITH(Dataset({folder.root, "photos", ""}, atr()), Contains("photos: no such folder"));
  fs::remove(folder.root / "SegmentationClassAug" / "a.png");
  CHECK_THROWS_WITH(Dataset(folder.folders, atr()), Contains("a.png: has no mask"));
  fs::remove_all(folder.root / "SegmentationClassAug");
  CHECK_THROWS_WITH(Dataset(folder.folders, atr()),
                    Contains("expected a folder SegmentationClassAug/ or SegmentationClass/ with the masks"));

  fs::create_directories(folder.root / "SegmentationClassAug");
  folder.add("a", 4, 5);
  CHECK_THROWS_WITH(Dataset(folder.folders, atr()).load(0),
                    Contains("the mask is 5 x 3, its picture") && Contains("is 4 x 3"));
  save_png(folder.root / "SegmentationClassAug" / "a.png", Image(3, 4, 1));
  CHECK_THROWS_WITH(Dataset(folder.folders, atr()).load(0), Contains("is 4 x 3; they lie crosswise"));
  folder.add("a", 73);
  CHECK_THROWS_WITH(Dataset(folder.folders, atr()).load(0), Contains("a.png: id 73 is not in label map 'atr'"));
  write_file(folder.root / "JPEGImages" / "a.jpg", "x");
  CHECK_THROWS_WITH(Dataset(folder.folders, atr()), Contains("has the same stem"));
}

TEST_CASE("masks are found by suffix and ending, and in any case", "[dataset]") {
  const Folder folder;
  const fs::path pictures = folder.root / "JPEGImages", masks = folder.root / "SegmentationClassAug";
  save_png(pictures / "IMG_1.PNG", Image(4, 3, 3));
  save_png(masks / "img_1_Mask.Png", Image(4, 3, 1, 4));
  const DatasetFolders folders{folder.root, "", "", {.suffix = "_mask"}};
  CHECK(Dataset(folders, atr()).load(0).ids == Image(4, 3, 1, 4));
  CHECK(stems(Dataset(folders, atr(), folder.list("img_1\n"))) == std::vector<std::string>{"img_1"});
  CHECK_THROWS_WITH(Dataset(folder.folders, atr()), Contains("IMG_1.PNG: has no mask") && Contains("/IMG_1.png"));

  // To the letter comes first; where only the case tells two apart, neither is taken.
  save_png(masks / "IMG_1_mask.png", Image(4, 3, 1, 5));
  CHECK(Dataset(folders, atr()).load(0).ids == Image(4, 3, 1, 5));
  fs::rename(masks / "IMG_1_mask.png", masks / "IMG_1_MASK.png");
  CHECK_THROWS_WITH(Dataset(folders, atr()), Contains("could be 'IMG_1_MASK.png' or 'img_1_Mask.Png'"));

  fs::remove(masks / "IMG_1_MASK.png");
  fs::rename(masks / "img_1_Mask.Png", masks / "IMG_1_mask.bmp");
  CHECK(Dataset(folders, atr()).files(0).mask == masks / "IMG_1_mask.bmp");  // what picture there is
  CHECK_THROWS_WITH(Dataset({folder.root, "", "", {.suffix = "_mask", .extension = "png"}}, atr()),
                    Contains("has no mask") && Contains("IMG_1_mask.png"));
  CHECK(Dataset({folder.root, "", "", {.suffix = "_mask", .extension = "bmp"}}, atr()).size() == 1);
}

TEST_CASE("pictures and masks may share a folder", "[dataset]") {
  const Folder folder;
  const fs::path both = folder.root / "all";
  fs::create_directories(both);
  for (const char* stem : {"a", "b"}) {
    save_png(both / fmt::format("{}.png", stem), Image(4, 3, 3));
    save_png(both / fmt::format("{}_mask.png", stem), Image(4, 3, 1, 4));
  }
  CHECK(stems(Dataset({folder.root, "all", "all", {.suffix = "_mask"}}, atr())) == std::vector<std::string>{"a", "b"});

  const fs::path photos = folder.root / "photos";
  fs::create_directories(photos);
  write_file(photos / "a.jpg", "a photograph");
  save_png(photos / "a.png", Image(4, 3, 1, 4));
  const Dataset data({folder.root, "photos", "photos"}, atr());
  REQUIRE(data.size() == 1);
  CHECK(data.files(0).picture == photos / "a.jpg");
  CHECK(data.files(0).mask == photos / "a.png");
}

TEST_CASE("what other programs leave in folders is passed over", "[dataset]") {
  const Folder folder;
  folder.add("a");
  write_file(folder.root / "JPEGImages" / "._a.png", "a Mac's notes");
  write_file(folder.root / "JPEGImages" / ".DS_Store", "more of them");
  fs::create_directories(folder.root / "JPEGImages" / "old.jpg");
  fs::create_symlink("nowhere.png", folder.root / "JPEGImages" / "broken.png");
  CHECK(stems(Dataset(folder.folders, atr())) == std::vector<std::string>{"a"});
}

TEST_CASE("all pictures that can't be used are named at once", "[dataset]") {
  const Folder folder;
  for (const char* stem : {"a", "b", "c"}) folder.add(stem);
  for (const char* stem : {"a", "c"}) fs::remove(folder.root / "SegmentationClassAug" / fmt::format("{}.png", stem));
  write_file(folder.root / "JPEGImages" / "b.jpg", "x");
  std::vector<std::string> problems;
  CHECK(stems(Dataset(folder.folders, atr(), &problems)) == std::vector<std::string>{"b"});
  REQUIRE(problems.size() == 3);
  CHECK_THAT(problems[0], Contains("b.png: b.jpg has the same stem"));
  CHECK_THAT(problems[1], Contains("a.png: has no mask"));
  CHECK_THAT(problems[2], Contains("c.png: has no mask"));
  try {
    Dataset(folder.folders, atr(), folder.list("a\nb\nd\n"));
    FAIL("accepted");
  } catch (const ListedError& error) {
    REQUIRE(error.lines().size() == 3);
    CHECK_THAT(error.lines()[2], Contains("'d' has no picture in"));
    CHECK_THAT(error.summary(), Contains("list.txt: 3 pictures can't be used"));
  }
}

TEST_CASE("a split holds out exactly its share, and others hardly move when a picture comes", "[dataset]") {
  const Folder folder;
  for (int i = 0; i < 40; ++i) folder.add(fmt::format("p{:02}", i));
  const auto split = [&](double fraction, std::uint64_t seed) {
    return Dataset(folder.folders, atr()).split(fraction, seed);
  };
  CHECK(split(0.25, 1).validation.size() == 10);
  CHECK(split(0.25, 1).train.size() == 30);
  CHECK(split(0.1, 7).validation.size() == 4);
  CHECK(split(0.11, 7).validation.size() == 4);
  CHECK(split(0.12, 7).validation.size() == 5);
  CHECK(split(0.99, 7).train.size() == 1);
  auto before = stems(split(0.25, 1).validation);
  CHECK(stems(split(0.25, 2).validation) != before);
  for (int i = 40; i < 60; ++i) {
    folder.add(fmt::format("p{:02}", i));
    const auto after = stems(split(0.25, 1).validation);
    std::vector<std::string> gone;
    for (const std::string& name : before) {
      if (std::find(after.begin(), after.end(), name) == after.end()) gone.push_back(name);
    }
    CHECK(gone.size() <= 1);
    CHECK(after.size() <= before.size() + 1);
    before = after;
  }
  CHECK(before.size() == 15);
  CHECK(split(0, 1).validation.size() == 0);
  CHECK(split(1e-9, 1).validation.size() == 1);
  CHECK_THROWS_WITH(split(1, 1), Contains("below 1, got 1"));
}

TEST_CASE("a data set's pictures are of any format that weft reads", "[dataset]") {
  const Folder folder;
  const fs::path images = folder.root / "JPEGImages";
  const Image picture(4, 3, 3, 100);
  for (const char* stem : {"a", "b", "c", "d"}) folder.add(stem);
  for (const char* stem : {"b", "c", "d"}) fs::remove(images / (std::string(stem) + ".png"));
  write_file(images / "b.WebP", encode_picture(picture, OutputFormat::webp));
  write_file(images / "c.jfif", encode_picture(picture, OutputFormat::jpeg));
  write_file(images / "d.ppm", "P6 4 3 255\n" + std::string(36, 'd'));
  write_file(images / "e.tif", "another program's");
  const Dataset data(folder.folders, atr());
  CHECK(stems(data) == std::vector<std::string>{"a", "b", "c", "d"});
  for (std::size_t i = 0; i < data.size(); ++i) CHECK(data.load(i).picture.width == 4);
  CHECK(*data.load(3).picture.at(0, 0) == 'd');
}
