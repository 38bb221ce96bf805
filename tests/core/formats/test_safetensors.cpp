#include <fmt/format.h>

#include <cmath>
#include <limits>

#include "core/check.h"
#include "core/formats/safetensors.h"
#include "core/formats/weights_file.h"
#include "tests/catch.h"
#include "tests/core/formats/bytes.h"
#include "tests/temporary_folder.h"

using namespace weft;
using namespace weft::test;

namespace {

SafetensorsFile parse(const std::string& bytes) { return SafetensorsFile(FileBytes::hold("m.safetensors", bytes)); }

/// What parsing says: "accepted", or the message of the error.
std::string verdict(const std::string& bytes) {
  try {
    parse(bytes);
  } catch (const Error& error) {
    return error.what();
  }
  return "accepted";
}

std::string tensor(const std::string& name, const std::string& shape, int begin, int end,
                   const std::string& type = "F32") {
  return fmt::format("\"{}\":{{\"dtype\":\"{}\",\"shape\":{},\"data_offsets\":[{},{}]}}", name, type, shape, begin,
                     end);
}

}  // namespace

TEST_CASE("a safetensors file made by hand is read", "[formats]") {
  const std::string header = "{\"__metadata__\":{\"format\":\"pt\"}," + tensor("b", "[]", 8, 12) + "," +
                             tensor("a.weight", "[2,1]", 0, 8) + "," + tensor("empty", "[0,3]", 8, 8) + "," +
                             tensor("n", "[1]", 12, 20, "I64") + "," + tensor("h", "[2]", 20, 24, "F16") + "}   ";
  const SafetensorsFile file =
      parse(safetensors(header, floats({1, NAN, 3}) + raw(std::int64_t{-5}) + std::string("\x00\x3C\x00\xBC", 4)));

  CHECK(file.path() == "m.safetensors");
  CHECK(file.metadata() == std::map<std::string, std::string>{{"format", "pt"}});
  std::vector<std::string> names;
  for (const SafetensorsEntry& entry : file.tensors()) names.push_back(entry.name);
  CHECK(names == std::vector<std::string>{"a.weight", "empty", "b", "n", "h"});

  CHECK(file.find("c") == nullptr);
  CHECK_THROWS_WITH(file.at("c"), "m.safetensors: holds no tensor 'c'");
  CHECK(file.at("a.weight").shape == std::vector<std::int64_t>{2, 1});
  CHECK(std::isnan(file.read_f32(file.at("a.weight"))[1]));
  CHECK(file.read_f32(file.at("b")) == std::vector<float>{3});
  CHECK(file.read_f32(file.at("empty")).empty());
  CHECK(file.read_f32(file.at("h")) == std::vector<float>{1, -1});
  CHECK(file.read_i64(file.at("n")) == std::vector<std::int64_t>{-5});
  CHECK_THROWS_WITH(file.read_i64(file.at("b")),
                    "m.safetensors: tensor 'b': expected integers, got numbers of type F32");
  CHECK_FALSE(file.has_checksum());
  CHECK_THROWS_WITH(file.verify_checksum(), Contains("m.safetensors: holds no checksum"));
  CHECK(verdict(safetensors("{}")) == "accepted");
  CHECK(verdict(safetensors("{" + tensor("x", "[1]", 0, 1, "F8_E4M3") + "}", "x")) == "accepted");
}

TEST_CASE("hostile lengths of a safetensors header are refused", "[formats]") {
  const auto with_length = [](std::uint64_t length) { return verdict(raw(length) + "{}"); };
  CHECK_THAT(with_length(0), Contains("does not begin with '{'"));
  CHECK_THAT(with_length(7), Contains("m.safetensors: the header says it has 7 bytes, but only 2 follow"));
  CHECK_THAT(with_length(std::uint64_t{1} << 63), Contains("the limit is 100000000"));
  CHECK_THAT(with_length(UINT64_MAX), Contains("the limit is 100000000"));
  CHECK_THAT(with_length(UINT64_MAX - 7), Contains("the limit"));
  CHECK_THAT(with_length(1), Contains("json: line 1, column 2"));
  CHECK_THAT(verdict(""), Contains("m.safetensors: not a safetensors file: it has 0 bytes"));
  CHECK_THAT(verdict("1234567"), Contains("it has 7 bytes"));
}

TEST_CASE("hostile safetensors headers are refused", "[formats]") {
  CHECK_THAT(verdict(safetensors(" {}")), Contains("does not begin with '{'"));
  CHECK_THAT(verdict(safetensors("\xEF\xBB\xBF{}")), Contains("does not begin with '{'"));
  CHECK_THAT(verdict(safetensors("[]")), Contains("does not begin with '{'"));
  CHECK_THAT(verdict(safetensors("{\"\xC3\x28\":1}")), Contains("the header is not UTF-8"));
  CHECK_THAT(verdict(safetensors("{}\xFF")), Contains("the header is not UTF-8"));
  CHECK_THAT(verdict(safetensors("{}x")), Contains("header: json: line 1, column 3"));
  CHECK_THAT(verdict(safetensors("{\"a\":" + std::string(100000, '['))), Contains("nested more than 4 deep"));
  CHECK_THAT(
      verdict(safetensors("{" + tensor("a", "[1]", 0, 4) + "," + tensor("a", "[1]", 4, 8) + "}", floats({1, 2}))),
      Contains("'a' appears twice"));
  CHECK_THAT(verdict(safetensors("{\"__metadata__\":{},\"__metadata__\":{}}")),
             Contains("'__metadata__' appears twice"));
  CHECK_THAT(verdict(safetensors("{\"__metadata__\":[]}")), Contains("__metadata__ is not an object"));
  CHECK_THAT(verdict(safetensors("{\"__metadata__\":{\"epoch\":3}}")),
             Contains("__metadata__ 'epoch' is not a string"));
  CHECK_THAT(verdict(safetensors("{\"a\":3}")), Contains("tensor 'a': the header describes it by something else"));
  CHECK_THAT(verdict(safetensors("{\"a\":{}}")), Contains("the header gives no dtype"));
  CHECK_THAT(verdict(safetensors("{\"a\\n\":{\"dtype\":3}}")), Contains("tensor 'a\\x0a': dtype is not a string"));
  CHECK_THAT(verdict(safetensors("{" + tensor("a", "[1]", 0, 4, "f32") + "}", floats({1}))),
             Contains("unknown dtype 'f32'"));
  CHECK_THAT(verdict(safetensors("{" + tensor("a", "{}", 0, 4) + "}", floats({1}))), Contains("shape is not a list"));
  for (const char* size : {"-1", "1.0", "1e0", "\"1\"", "null", "true", "[1]", "99999999999999999999"}) {
    CHECK_THAT(verdict(safetensors("{" + tensor("a", fmt::format("[{}]", size), 0, 4) + "}", floats({1}))),
               Contains("shape: expected a natural number"));
  }
  CHECK_THAT(verdict(safetensors("{" + tensor("a", "[9223372036854775808]", 0, 4) + "}", floats({1}))),
             Contains("is too large"));
}

TEST_CASE("safetensors whose tensors do not tile the data are refused", "[formats]") {
  const std::string data = floats({1, 2});
  const auto both = [&](const std::string& a, const std::string& b) {
    return verdict(safetensors("{" + a + "," + b + "}", data));
  };
  const auto one = [&](const char* shape, const char* offsets) {
    return verdict(safetensors(
        fmt::format("{{\"a\":{{\"dtype\":\"F32\",\"shape\":{},\"data_offsets\":{}}}}}", shape, offsets), data));
  };
  CHECK(both(tensor("a", "[1]", 0, 4), tensor("b", "[1]", 4, 8)) == "accepted");
  CHECK(one("[2]", "[0,8]") == "accepted");
  CHECK_THAT(both(tensor("a", "[2]", 0, 8), tensor("b", "[1]", 4, 8)),
             Contains("tensor 'b' begins at offset 4, inside the one before it, which ends at 8"));
  CHECK_THAT(both(tensor("a", "[2]", 0, 8), tensor("b", "[2]", 0, 8)), Contains("inside the one before"));
  CHECK_THAT(one("[1]", "[4,8]"), Contains("4 bytes before tensor 'a' belong to no tensor"));
  CHECK_THAT(one("[1]", "[0,4]"), Contains("the last 4 bytes belong to no tensor"));
  CHECK_THAT(verdict(safetensors("{}", "x")), Contains("the last 1 bytes belong to no tensor"));
  CHECK_THAT(one("[2]", "[-8,0]"), Contains("data_offsets: expected a natural number, got -8"));
  CHECK_THAT(one("[2]", "[8,0]"), Contains("data_offsets [8, 0] leave the 8 bytes of data"));
  CHECK_THAT(one("[3]", "[0,12]"), Contains("leave the 8 bytes of data"));
  CHECK_THAT(one("[2]", "[18446744073709551608,18446744073709551615]"), Contains("is too large"));
  CHECK_THAT(one("[2]", "[0]"), Contains("not a list of two numbers"));
  CHECK_THAT(one("[2]", "[0,8,8]"), Contains("not a list of two numbers"));
  CHECK_THAT(one("[3]", "[0,8]"), Contains("F32 of shape [3] takes 12 bytes, data_offsets [0, 8] give it 8"));
  CHECK_THAT(one("[4294967296,4294967296]", "[0,8]"), Contains("has no valid size"));
  CHECK_THAT(one("[4294967296,1073741824,4]", "[0,0]"), Contains("has no valid size"));  // 2^64 numbers would wrap to 0
  CHECK_THAT(one("[0,4294967296,4294967296]", "[0,8]"), Contains("takes 0 bytes"));
  CHECK_THAT(verdict(safetensors("{" + tensor("a", "[3]", 0, 2, "F4") + "}", "xy")), Contains("has no valid size"));
}

TEST_CASE("what is saved as safetensors is read back", "[formats]") {
  const TemporaryFolder folder;
  const std::vector<float> weight{1, 2, 3, 4, 5, 6.1f}, bias{7};
  const std::vector<double> moment{0.1};
  const std::int64_t steps = 12;
  const std::vector<TensorToSave> tensors{{"z.steps", ElementType::I64, {}, &steps},
                                          {"a.bias", ElementType::F32, {1}, bias.data()},
                                          {"B.weight", ElementType::F32, {2, 3}, weight.data()},
                                          {"none", ElementType::F32, {0}, nullptr},
                                          {"m", ElementType::F64, {1}, moment.data()}};
  const std::map<std::string, std::string> metadata{{"weft.arch", "resnet18"}, {"quote \" \\ \n", "\xC3\xA4"}};
  save_safetensors(folder / "m.safetensors", metadata, tensors);

  const SafetensorsFile file(folder / "m.safetensors");
  CHECK(file.metadata().size() == 3);
  CHECK(file.metadata().at("quote \" \\ \n") == "\xC3\xA4");
  std::vector<std::string> names;
  for (const SafetensorsEntry& entry : file.tensors()) names.push_back(entry.name);
  CHECK(names == std::vector<std::string>{"m", "z.steps", "B.weight", "a.bias", "none"});
  CHECK(file.read_f32(file.at("B.weight")) == weight);
  CHECK(file.read_i64(file.at("z.steps")) == std::vector<std::int64_t>{12});
  file.verify_checksum();

  // The same input in another order gives the same bytes.
  save_safetensors(folder / "n.safetensors", file.metadata(), {tensors.rbegin(), tensors.rend()});
  const std::string bytes = read_file(folder / "m.safetensors");
  CHECK(read_file(folder / "n.safetensors") == bytes);
  std::uint64_t header_bytes = 0;
  std::memcpy(&header_bytes, bytes.data(), 8);
  CHECK(header_bytes % 8 == 0);

  CHECK_THROWS_WITH(save_safetensors(folder / "x", {}, {tensors[1], tensors[0], tensors[1]}),
                    Contains("cannot save two tensors called 'a.bias'"));
  CHECK_THROWS_WITH(save_safetensors(folder / "x", {}, {{"\xFF", ElementType::F32, {0}, nullptr}}),
                    Contains("not UTF-8"));
  CHECK_THROWS_WITH(save_safetensors(folder / "x", {{"k", "\xFF"}}, {}), Contains("not UTF-8"));
  CHECK_THROWS_WITH(save_safetensors(folder / "x", {}, {{"a", ElementType::F32, {-1}, nullptr}}),
                    Contains("shape [-1] has no valid size"));
  CHECK_FALSE(std::filesystem::exists(folder / "x"));
}

TEST_CASE("float16 storage halves matrices and leaves vectors", "[formats]") {
  const TemporaryFolder folder;
  const std::vector<float> weight{1, 0.1f, -65504, INFINITY}, variance{1e9f};
  save_safetensors(folder / "h", {},
                   {{"w", ElementType::F32, {2, 2}, weight.data()}, {"v", ElementType::F32, {1}, variance.data()}},
                   FloatStorage::f16);
  const SafetensorsFile file(folder / "h");
  file.verify_checksum();
  CHECK(file.at("w").type == ElementType::F16);
  CHECK(file.read_f32(file.at("w")) == std::vector<float>{1, 0.0999755859375f, -65504, INFINITY});
  CHECK(file.read_f32(file.at("v")) == variance);

  const float large = -65520;
  CHECK_THROWS_WITH(save_safetensors(folder / "x", {}, {{"w", ElementType::F32, {1, 1}, &large}}, FloatStorage::f16),
                    Contains("cannot save tensor 'w' as float16: it holds -65520, the largest is 65504"));
}

TEST_CASE("every flipped bit of a checkpoint is noticed", "[formats]") {
  const TemporaryFolder folder;
  const std::vector<float> numbers{0, -0.0f, 1};
  const std::int64_t step = 3;
  save_safetensors(folder / "c", {{"epoch", "3"}, {"lr", "0.001"}},
                   {{"w", ElementType::F32, {3, 1}, numbers.data()}, {"step", ElementType::I64, {}, &step}});
  const std::string intact = read_file(folder / "c");
  parse(intact).verify_checksum();
  int unnoticed = 0;
  for (std::size_t bit = 0; bit < 8 * intact.size(); ++bit) {
    std::string damaged = intact;
    damaged[bit / 8] = static_cast<char>(damaged[bit / 8] ^ (1 << bit % 8));
    try {
      parse(damaged).verify_checksum();
      ++unnoticed;
    } catch (const Error&) {
    }
  }
  CHECK(unnoticed == 0);
  for (std::size_t length = 0; length < intact.size(); ++length) CHECK(verdict(intact.substr(0, length)) != "accepted");
}

TEST_CASE("files that cannot be read are named with the reason", "[formats]") {
  const TemporaryFolder folder;
  CHECK_THROWS_WITH(SafetensorsFile(folder / "none"), Contains("none: cannot open: No such file"));
  CHECK_THROWS_WITH(SafetensorsFile(folder / "."), Contains("it is a folder"));
  CHECK_THROWS_WITH(SafetensorsFile("/dev/null"), Contains("/dev/null: cannot read: it is not a regular file"));
}

TEST_CASE("the example of docs/formats.md has the bytes that it shows", "[formats][docs]") {
  const TemporaryFolder folder;
  const float w[2] = {1.0f, -2.0f};
  save_safetensors(folder / "ex.safetensors", {{"arch", "none"}}, {{"w", ElementType::F32, {2}, w}});
  const std::string header =
      R"({"__metadata__":{"arch":"none","weft.crc32":"fff8ce5d"},"w":{"dtype":"F32","shape":[2],"data_offsets":[0,8]}}   )";
  CHECK(read_file(folder / "ex.safetensors") == std::string("\x70\0\0\0\0\0\0\0", 8) + header + floats({1, -2}));

  // Exercise 1: the checksum is not part of the format, so only who asks for it notices.
  std::string changed = read_file(folder / "ex.safetensors");
  changed.replace(changed.find("fff8"), 4, "0ff8");
  const SafetensorsFile file = parse(changed);
  CHECK_THROWS_WITH(file.verify_checksum(), Contains("its checksum is 0ff8ce5d, its bytes give fff8ce5d"));
}

TEST_CASE("bytes behind the last tensor are refused without being read", "[formats]") {
  const TemporaryFolder folder;
  const auto path = folder.write("m.safetensors", safetensors("{" + tensor("a", "[1]", 0, 4) + "}", floats({1})));
  std::filesystem::resize_file(path, std::uintmax_t{1} << 40);  // sparse: a terabyte that no memory holds
  CHECK_THROWS_WITH(SafetensorsFile(path),
                    Contains("m.safetensors: the last ") && Contains("bytes belong to no tensor"));
  CHECK_THROWS_WITH(open_weights(path), Contains("bytes belong to no tensor"));
}

TEST_CASE("a header of a million tensors, or of a shape of millions, is refused before it is parsed", "[formats]") {
  std::string header = "{";
  for (int i = 0; i < 1'000'000; ++i) header += (i > 0 ? "," : "") + tensor(std::to_string(i), "[1]", i, i + 1, "U8");
  CHECK_THAT(verdict(safetensors(header + "}", std::string(1'000'000, 'x'))),
             Contains("refused: its header describes 1000000 tensors, the limit is 100000"));
  std::string shape = "[1";
  for (int i = 0; i < 2'000'000; ++i) shape += ",1";
  CHECK_THAT(verdict(safetensors("{" + tensor("a", shape + "]", 0, 4) + "}", floats({1}))),
             Contains("refused: its header holds"));
}

TEST_CASE("zeros behind the header's json are refused", "[formats]") {
  const std::string json = "{" + tensor("a", "[1]", 0, 4) + "}";
  CHECK_THAT(verdict(safetensors(json + std::string(7, '\0'), floats({1}))),
             Contains("json: byte") && Contains("is a zero"));
  CHECK(verdict(safetensors(json + "       ", floats({1}))) == "accepted");
}
