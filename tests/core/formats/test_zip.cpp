#include <zlib.h>

#include "core/check.h"
#include "core/formats/zip.h"
#include "tests/catch.h"
#include "tests/core/formats/pickle_bytes.h"

using namespace weft;
using namespace weft::test;

namespace {

/// Opens the archive and reads every entry: "accepted", or the message of the error.
std::string verdict(const std::string& bytes) {
  try {
    const ZipFile file(FileBytes::hold("a.zip", bytes));
    std::vector<std::byte> buffer;
    for (const ZipEntry& entry : file.entries()) file.read(entry, buffer);
  } catch (const Error& error) {
    return error.what();
  }
  return "accepted";
}

std::string deflated(const std::string& content) {
  z_stream stream = {};
  deflateInit2(&stream, 9, Z_DEFLATED, -MAX_WBITS, 8, Z_DEFAULT_STRATEGY);
  std::string out(content.size() + 100, '\0');
  stream.next_in = reinterpret_cast<Bytef*>(const_cast<char*>(content.data()));
  stream.avail_in = static_cast<uInt>(content.size());
  stream.next_out = reinterpret_cast<Bytef*>(out.data());
  stream.avail_out = static_cast<uInt>(out.size());
  deflate(&stream, Z_FINISH);
  out.resize(stream.total_out);
  deflateEnd(&stream);
  return out;
}

ZipPart deflated_part(const std::string& name, const std::string& content) {
  ZipPart part{name, deflated(content)};
  part.method = 8;
  part.crc = crc32(content);
  part.size = static_cast<std::uint32_t>(content.size());
  return part;
}

}  // namespace

TEST_CASE("stored and deflated zip entries are read", "[formats]") {
  const std::string zeros(100000, '\0');
  const ZipFile file(
      FileBytes::hold("a.zip", zip({{"a/x", "hello"}, deflated_part("a/zeros", zeros), {"a/", ""}, {"a/empty", ""}})));
  CHECK(file.entries().size() == 4);
  CHECK(file.find("a/y") == nullptr);
  std::vector<std::byte> buffer;
  const auto content = [&](const char* name) {
    const auto bytes = file.read(*file.find(name), buffer);
    return std::string(reinterpret_cast<const char*>(bytes.data()), bytes.size());
  };
  CHECK(content("a/x") == "hello");
  CHECK(buffer.empty());  // a stored entry is not copied
  CHECK(content("a/zeros") == zeros);
  CHECK(content("a/empty").empty());
  CHECK(verdict(zip({})) == "accepted");
}

TEST_CASE("hostile zip archives are refused by name", "[formats]") {
  const auto one = [](ZipPart part) { return verdict(zip({part})); };
  ZipPart part{"a/x", "hello"};
  CHECK(one(part) == "accepted");

  CHECK_THAT(verdict(zip({{"a/x", "1"}, {"a/x", "2"}})), Contains("a.zip: refused: zip entry 'a/x' appears twice"));
  CHECK_THAT(one({"../x", ""}), Contains("refused: zip entry '../x': its name leaves the archive's folder"));
  CHECK_THAT(one({"a/../../x", ""}), Contains("leaves the archive's folder"));
  CHECK_THAT(one({"a/..", ""}), Contains("leaves the archive's folder"));
  CHECK(one({"a/..x/x..", ""}) == "accepted");
  CHECK_THAT(one({"/etc/passwd", ""}), Contains("absolute path"));
  CHECK_THAT(one({"a\\x", ""}), Contains("backslash"));
  CHECK_THAT(one({std::string("a\0x", 3), ""}), Contains("zip entry 'a\\x00x': its name holds control characters"));
  CHECK_THAT(one({"\xFF", ""}), Contains("not UTF-8"));
  CHECK_THAT(one({"", ""}), Contains("no name"));

  part.crc = 7;
  CHECK_THAT(one(part), Contains("a.zip: damaged zip: entry 'a/x' has CRC 00000007, its bytes give 3610a686"));
  part = {"a/x", "hello"};
  part.flags = 1;
  CHECK_THAT(one(part), Contains("'a/x' is encrypted"));
  part = {"a/x", "hello"};
  part.method = 14;
  CHECK_THAT(one(part), Contains("compressed by method 14"));
  part = {"a/x", "/etc/passwd"};
  part.mode = 0120777;
  CHECK_THAT(one(part), Contains("'a/x' is a symbolic link"));
  part = {"a/x", "hello"};
  part.local_name = "a/y";
  CHECK_THAT(one(part), Contains("entry 'a/x' calls itself 'a/y'"));
  part = {"a/x", "hello"};
  part.size = 6;
  CHECK_THAT(one(part), Contains("is stored, but has two sizes, 6 and 5"));

  // The second entry's offset points at the first one, or into its data.
  CHECK_THAT(verdict(zip({{"a/x", "hello"}, {"a/x", "hello"}}, -38)), Contains("zip entries 'a/x' and 'a/x' overlap"));
  const std::string inner = zip({{"b", "x"}});
  const std::string nested = zip({{"a", inner.substr(0, 32)}, {"b", "x"}}, -32);
  CHECK_THAT(verdict(nested), Contains("zip entries 'a' and 'b' overlap"));
  CHECK_THAT(verdict(zip({{"a/x", "hello"}}, 1)), Contains("has no header where the directory says"));
  CHECK_THAT(verdict(zip({{"a/x", "hello"}}, 1 << 30)), Contains("outside the file"));
}

TEST_CASE("deflated entries inflate to exactly what they claim", "[formats]") {
  const std::string content(5000, 'a');
  const auto one = [](const ZipPart& part) { return verdict(zip({part})); };
  ZipPart part = deflated_part("a", content);
  CHECK(one(part) == "accepted");
  part.size = 4999;
  CHECK_THAT(one(part), Contains("does not inflate to its 4999 bytes"));
  part.size = 5001;
  CHECK_THAT(one(part), Contains("does not inflate to its 5001 bytes"));
  part.size = 0xFFFFFFF0;
  CHECK_THAT(one(part), Contains("claims to inflate from"));  // refused before any allocation
  CHECK(one(deflated_part("a", "")) == "accepted");
  part = deflated_part("a", content);
  part.content += "x";
  CHECK_THAT(one(part), Contains("does not inflate"));
  part = deflated_part("a", content);
  part.content.pop_back();
  CHECK_THAT(one(part), Contains("does not inflate"));
  part = deflated_part("a", content);
  part.content[0] = '\x07';
  CHECK_THAT(one(part), Contains("does not inflate"));
}

TEST_CASE("no damage to a zip archive goes unnoticed where its entries' bytes are concerned", "[formats]") {
  const std::string intact = read_file(WEFT_SOURCE_DIR "/tests/core/formats/fixtures/new.pth");
  REQUIRE(verdict(intact) == "accepted");
  for (std::size_t length = 0; length < intact.size(); length += 7)
    CHECK(verdict(intact.substr(0, length)) != "accepted");
  CHECK_THAT(verdict(intact + "x"), Contains("no end record at its end"));
  CHECK_THAT(verdict("x" + intact), Contains("damaged zip"));
  CHECK_THAT(verdict(""), Contains("not a zip file"));

  // A flipped bit in padding, times or versions is harmless; in any entry's content it is found by the CRC.
  const ZipFile file(FileBytes::hold("a.zip", intact));
  for (const ZipEntry& entry : file.entries()) {
    if (entry.size == 0) continue;
    std::string damaged = intact;
    damaged[entry.data_offset] = static_cast<char>(damaged[entry.data_offset] ^ 1);
    CHECK_THAT(verdict(damaged), Contains("'" + entry.name + "' has CRC"));
  }
}
