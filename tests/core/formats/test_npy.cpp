#include "core/formats/npy.h"
#include "tests/catch.h"
#include "tests/core/formats/bytes.h"

using namespace weft;
using namespace weft::test;

namespace {

std::string npy(const std::string& header, const std::string& data = {}) {
  return "\x93NUMPY" + std::string("\x01\x00", 2) + raw(static_cast<std::uint16_t>(header.size())) + header + data;
}

NpyFile parse(const std::string& bytes) { return NpyFile(FileBytes::hold("a.npy", bytes)); }

}  // namespace

TEST_CASE("an array that was saved is read back, and its bytes are numpy's", "[formats]") {
  const TemporaryFolder folder;
  const std::vector<float> values{0, -1.5f, 3, 4, 5, 1e-40f};
  const std::vector<std::int64_t> shape{2, 1, 3};
  save_npy(folder / "a.npy", shape, values);

  const NpyFile file(folder / "a.npy");
  CHECK(file.type() == ElementType::F32);
  CHECK(file.shape() == shape);
  CHECK(file.read_f32() == values);

  // numpy.save of the same array writes exactly this.
  const std::string header = "{'descr': '<f4', 'fortran_order': False, 'shape': (2, 1, 3), }";
  const std::string expected =
      npy(header + std::string(118 - 1 - header.size(), ' ') + "\n", floats({0, -1.5f, 3, 4, 5, 1e-40f}));
  CHECK(read_file(folder / "a.npy") == expected);

  for (const std::vector<std::int64_t>& other : {std::vector<std::int64_t>{}, {1}, {1, 1, 1, 1}}) {
    save_npy(folder / "b.npy", other, std::span(values).first(1));
    CHECK(NpyFile(folder / "b.npy").shape() == other);
    CHECK(read_file(folder / "b.npy").size() % 64 == 4);
  }
  CHECK_THROWS_WITH(save_npy(folder / "c.npy", shape, std::span(values).first(5)),
                    Contains("cannot save 5 numbers in shape [2, 1, 3]"));
}

TEST_CASE("npy reads the types that numpy writes", "[formats]") {
  CHECK(parse(npy("{'descr': '<f8', 'fortran_order': False, 'shape': (1,), }\n", raw(0.1))).read_f64() ==
        std::vector<double>{0.1});
  CHECK(parse(npy("{'descr':'<i8','fortran_order':False,'shape':(1,)}", raw(std::int64_t{-3}))).read_f32() ==
        std::vector<float>{-3});
  CHECK(parse(npy("{\"shape\": (2, 1), \"fortran_order\": False, \"descr\": \"|u1\"}", "\x01\xFF")).read_f32() ==
        std::vector<float>{1, 255});
  CHECK(parse(npy("{'descr': '<f4', 'fortran_order': True, 'shape': (2,), }\n", floats({1, 2}))).read_f32() ==
        std::vector<float>{1, 2});
  const std::string header = "{'descr': '|b1', 'fortran_order': False, 'shape': (), }\n";
  const std::string version2 =
      "\x93NUMPY" + std::string("\x02\x00", 2) + raw(static_cast<std::uint32_t>(header.size())) + header + "\x01";
  CHECK(parse(version2).read_f32() == std::vector<float>{1});
}

TEST_CASE("hostile npy files are refused", "[formats]") {
  const auto message = [](const std::string& bytes) -> std::string {
    try {
      parse(bytes);
    } catch (const std::exception& error) {
      return error.what();
    }
    return "accepted";
  };
  const auto with = [&](const std::string& descr, const std::string& order, const std::string& shape,
                        const std::string& data) {
    return message(npy("{'descr': " + descr + ", 'fortran_order': " + order + ", 'shape': " + shape + ", }\n", data));
  };
  CHECK(with("'<f4'", "False", "(1,)", floats({1})) == "accepted");
  CHECK_THAT(with("'|O'", "False", "(1,)", ""), Contains("a.npy: refused: an array of Python objects"));
  CHECK_THAT(with("'>f4'", "False", "(1,)", floats({1})), Contains("cannot read numbers of type '>f4'"));
  CHECK_THAT(with("[('a', '<f4')]", "False", "(1,)", floats({1})), Contains("records"));
  CHECK_THAT(with("'<f4'", "True", "(1, 1)", floats({1})), Contains("Fortran order"));
  CHECK_THAT(with("'<f4'", "Maybe", "(1,)", floats({1})), Contains("neither True nor False"));
  CHECK_THAT(with("'<f4'", "False", "(-1,)", ""), Contains("natural numbers"));
  CHECK_THAT(with("'<f4'", "False", "(99999999999999999999,)", ""), Contains("natural numbers"));
  CHECK_THAT(with("'<f4'", "False", "(4294967296, 4294967296)", ""), Contains("no valid size"));
  CHECK_THAT(with("'<f4'", "False", "(2,)", floats({1})), Contains("shape [2] takes 8 bytes, the file holds 4"));
  CHECK_THAT(with("'<f4'", "False", "(1,)", floats({1, 2})), Contains("takes 4 bytes, the file holds 8"));
  CHECK_THAT(with("'<f4'", "False", "(1 2)", ""), Contains("expected ',' or ')'"));
  CHECK_THAT(with("'<f4", "False", "(1,)", ""), Contains("a.npy: npy header"));
  CHECK_THAT(message(npy("{'descr': '<f4', 'descr': '<f4'}")), Contains("appears twice"));
  CHECK_THAT(message(npy("{'descr': '<f4'}")), Contains("does not give"));
  CHECK_THAT(message(npy("{'x': '<f4'}")), Contains("unknown key"));
  CHECK_THAT(message(npy("")), Contains("expected '{'"));
  CHECK_THAT(message("\x93NUMPY"), Contains("not an npy file"));
  CHECK_THAT(message("\x93NUMPY" + std::string("\x01\x00\xFF\x00", 4)), Contains("truncated"));
  CHECK_THAT(message("\x93NUMPY" + std::string("\x02\x00\xFF\xFF\xFF\xFF", 6)), Contains("the limit is 10000"));
  CHECK_THAT(message("\x93NUMPY" + std::string("\x02\x00\xFF\x00", 4)), Contains("truncated"));
  CHECK_THAT(message("\x93NUMPY" + std::string("\x07\x00\xFF\xFF", 4)), Contains("npy version 7.0"));
}
