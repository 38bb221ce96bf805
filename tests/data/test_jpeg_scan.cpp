#include "data/jpeg_scan.h"

#include "core/check.h"
#include "tests/catch.h"

using namespace weft;

namespace {

HuffmanTable table_of(std::array<std::uint8_t, 16> counts, const std::vector<std::uint8_t>& symbols,
                      bool expected = true) {
  HuffmanTable table;
  CHECK(table.build(counts, symbols) == expected);
  CHECK(table.is_defined() == expected);
  return table;
}

}  // namespace

TEST_CASE("Huffman codes count upwards", "[jpeg]") {
  // Two codes of 2 bits (00, 01), one of 3 (100), one of 12 (1010 0000 0000).
  const HuffmanTable table = table_of({0, 2, 1, 0, 0, 0, 0, 0, 0, 0, 0, 1}, {7, 8, 9, 200});
  const auto match = [&](std::uint32_t bits) { return table.match(bits); };
  CHECK(match(0x0000).symbol == 7);
  CHECK(match(0x3FFF).bits == 2);
  CHECK(match(0x4000).symbol == 8);
  CHECK(match(0x8000).symbol == 9);
  CHECK(match(0x9FFF).bits == 3);
  CHECK(match(0xA000).symbol == 200);
  CHECK(match(0xA00F).bits == 12);
  CHECK(match(0xA010).bits == 0);
  CHECK(match(0xFFFF).bits == 0);
}

TEST_CASE("a table that overfills the code space is refused", "[jpeg]") {
  table_of({2}, {1, 2});
  table_of({3}, {1, 2, 3}, false);
  table_of({2, 1}, {1, 2, 3}, false);
  table_of({0, 3, 2}, {1, 2, 3, 4, 5});
  table_of({0, 3, 3}, {1, 2, 3, 4, 5, 6}, false);
  table_of({1, 1}, {1}, false);  // fewer symbols than codes
  std::array<std::uint8_t, 16> many{};
  many[8] = many[9] = 255;
  table_of(many, std::vector<std::uint8_t>(510), false);
}

TEST_CASE("a sequential block is walked to its last bit", "[jpeg]") {
  // DC: code 0 -> no difference. AC: code 0 -> end of block, code 10 -> one value of 2 bits, run 0.
  const HuffmanTable dc = table_of({1}, {0});
  const HuffmanTable ac = table_of({1, 1}, {0x00, 0x02});
  JpegFrame frame;
  frame.width = frame.height = 8;
  frame.components.resize(1);
  frame.components[0].blocks_x = frame.components[0].blocks_y = 1;
  JpegScan scan;
  scan.parts = {{0, &dc, &ac}};

  const std::vector<std::uint8_t> empty_block{0b00111111, 0xFF, 0xD9};
  CHECK(walk_scan(empty_block, 0, frame, scan, "x") == 1);
  const std::vector<std::uint8_t> two_values{0b01011100, 0b10111111, 0xFF, 0xD9};  // 0 | 10 11 | 10 01 | 0
  CHECK(walk_scan(two_values, 0, frame, scan, "x") == 2);

  const std::vector<std::uint8_t> unended{0b01011101, 0xFF, 0xD9};
  CHECK_THROWS_WITH(walk_scan(unended, 0, frame, scan, "x"),
                    Contains("x: truncated JPEG: the picture ends after 0 of 8 rows"));
  const std::vector<std::uint8_t> unknown_code{0b01111111, 0xFF, 0x00, 0xFF, 0x00, 0xFF, 0xD9};
  CHECK_THROWS_WITH(walk_scan(unknown_code, 0, frame, scan, "x"), Contains("a code that is in no Huffman table"));
}

// Blocks of the lengths at which the walk goes from many codes at a time to one by one.
TEST_CASE("a sequential block ends at its end-of-block or at its last coefficient", "[jpeg]") {
  // AC codes: 0 end of block, 10 a value of 1 bit, 110 sixteen zeros, 1110 fifteen zeros and a value of 1 bit.
  const HuffmanTable dc = table_of({1}, {0});
  const HuffmanTable ac = table_of({1, 1, 1, 1}, {0x00, 0x01, 0xF0, 0xF1});
  JpegFrame frame;
  frame.width = 8;
  frame.height = 16;
  frame.components.resize(1);
  frame.components[0].blocks_x = 1;
  frame.components[0].blocks_y = 2;
  JpegScan scan;
  scan.parts = {{0, &dc, &ac}};
  // The second block is "00", then there are 8 bytes of ones: data nobody asks for, which end at the marker.
  const auto walk = [&](const std::string& first_block) {
    std::string bits = first_block + "00";
    while (bits.size() % 8 != 0) bits += '1';
    std::vector<std::uint8_t> file;
    for (std::size_t i = 0; i < bits.size(); i += 8)
      file.push_back(static_cast<std::uint8_t>(std::stoi(bits.substr(i, 8), nullptr, 2)));
    file.insert(file.end(), 8, 0x7F);
    file.insert(file.end(), {0xFF, 0xD9});
    return file.size() - walk_scan(file, 0, frame, scan, "x");
  };
  const auto times = [](int count, const std::string& bits) {
    std::string all;
    for (int i = 0; i < count; ++i) all += bits;
    return all;
  };

  for (int values = 0; values < 63; ++values) CHECK(walk("0" + times(values, "100") + "0") == 2);
  CHECK(walk("0" + times(63, "101")) == 2);  // full: no end of block is sent
  CHECK(walk("0" + times(47, "100") + "11100") == 2);
  CHECK(walk("0" + times(3, "110") + times(15, "100")) == 2);
  CHECK(walk("0" + times(4, "110")) == 2);  // zeros may leave the block: no value is written there
  for (const int values : {48, 55, 62}) {
    CHECK_THROWS_WITH(walk("0" + times(values, "100") + "11100"), Contains("a run of zeros leaves its block"));
  }
}
