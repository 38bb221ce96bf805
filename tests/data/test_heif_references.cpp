#include "data/heif_references.h"

#include <string>
#include <vector>

#include "tests/catch.h"

using namespace weft;

namespace {

std::string number(std::uint64_t value, int bytes) {
  std::string text;
  for (int i = bytes - 1; i >= 0; --i) text += static_cast<char>(value >> (8 * i));
  return text;
}

std::string box(const std::string& name, const std::string& content) {
  return number(8 + content.size(), 4) + name + content;
}

struct Reference {
  const char* kind;
  std::uint32_t from;
  std::vector<std::uint32_t> to;
};

/// A file of these references alone, as far as check_heif_references reads one.
std::string file_of(const std::vector<Reference>& references, int id_bytes = 2) {
  std::string boxes = number(id_bytes == 2 ? 0 : 1, 1) + number(0, 3);
  for (const Reference& r : references) {
    std::string content = number(r.from, id_bytes) + number(r.to.size(), 2);
    for (std::uint32_t id : r.to) content += number(id, id_bytes);
    boxes += box(r.kind, content);
  }
  return box("ftyp", "heic") + box("meta", number(0, 4) + box("hdlr", "") + box("iref", boxes)) + box("mdat", "x");
}

void look_at(const std::string& file) {
  check_heif_references({reinterpret_cast<const std::uint8_t*>(file.data()), file.size()}, "x.heic");
}

void refused(const std::vector<Reference>& references, const char* why) {
  for (int id_bytes : {2, 4}) CHECK_THROWS_WITH(look_at(file_of(references, id_bytes)), Contains(why));
}

void passes(const std::vector<Reference>& references) {
  for (int id_bytes : {2, 4}) CHECK_NOTHROW(look_at(file_of(references, id_bytes)));
}

}  // namespace

TEST_CASE("items of a HEIC that lead to one another in a circle are refused", "[heif]") {
  refused({{"dimg", 1, {1}}}, "x.heic: corrupt HEIC or AVIF: its parts refer to one another in a circle");
  refused({{"dimg", 1, {2}}, {"dimg", 2, {3, 1}}}, "circle");
  // The finding: the alpha of a grid is a grid of that grid.
  refused({{"dimg", 2, {1}}, {"dimg", 4, {2}}, {"auxl", 4, {2}}}, "circle");
  std::vector<Reference> chain;
  for (std::uint32_t i = 1; i <= 17; ++i) chain.push_back({"dimg", i, {i + 1}});
  refused(chain, "circle");
  chain.pop_back();
  passes(chain);
}

TEST_CASE("a HEIC of more pictures than anybody has is refused", "[heif]") {
  passes({{"dimg", 1, std::vector<std::uint32_t>(9'999, 2)}});
  refused({{"dimg", 1, std::vector<std::uint32_t>(10'000, 2)}}, "more than 10000 pictures");
  // Each doubles the one below it.
  std::vector<Reference> doubling;
  for (std::uint32_t i = 1; i <= 14; ++i) doubling.push_back({"dimg", i, {i + 1, i + 1}});
  refused(doubling, "more than 10000 pictures");
}

TEST_CASE("grids, alphas and thumbnails of a HEIC pass", "[heif]") {
  passes({{"dimg", 10, {1, 2, 3, 4}}, {"dimg", 11, {5, 6, 7, 8}}, {"auxl", 11, {10}}, {"thmb", 10, {10}}, {"cdsc", 12, {12}}});
  passes({});
}

TEST_CASE("references of a HEIC are found where libheif finds them, whatever their boxes' sizes say", "[heif]") {
  // Also a finding: the second box says that it is longer than all that follows.
  std::string file = file_of({{"dimg", 2, {1}}, {"dimg", 4, {2}}, {"auxl", 4, {2}}});
  file[file.find("dimg", file.find("dimg") + 1) - 3] = 1;
  CHECK_THROWS_WITH(look_at(file), Contains("circle"));
}

TEST_CASE("boxes of a HEIC that are cut short are passed over", "[heif]") {
  const std::string file = file_of({{"dimg", 1, {2, 3}}, {"auxl", 4, {1}}});
  for (std::size_t bytes = 0; bytes <= file.size(); ++bytes) CHECK_NOTHROW(look_at(file.substr(0, bytes)));
  CHECK_NOTHROW(look_at(number(0, 4) + "meta"));
  CHECK_NOTHROW(look_at(number(1, 4) + "meta" + number(~std::uint64_t{0}, 8)));
  CHECK_NOTHROW(look_at(number(4, 4) + "meta"));
}
