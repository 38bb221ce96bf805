#pragma once
// The entropy-coded part of a JPEG, walked without computing a pixel (ITU-T T.81, annexes F and G).
//
// Huffman codes are read and their coefficients skipped, so at the end it is known that every block of
// the picture is there and that no code, run or value leaves its range. That costs a fraction of decoding
// and answers two questions that no header can: is the picture whole, and does the decoder stay in bounds.

#include <array>
#include <cstdint>
#include <string_view>
#include <vector>

#include "data/byte_reader.h"

namespace weft {

/// A Huffman table: codes of 1 to 16 bits, numbered in increasing order within and across lengths.
class HuffmanTable {
 public:
  /// `counts[i]` codes have i + 1 bits. False where the counts leave the code space (more codes of a
  /// length than bit patterns are left) or name more than 256 symbols; there must be one symbol a code.
  bool build(std::span<const std::uint8_t, 16> counts, Bytes symbols);
  bool is_defined() const { return is_defined_; }

  struct Code {
    int bits = 0;  // 0: no code starts with these bits
    int symbol = 0;
  };
  /// The code at the head of the next 16 bits of the stream.
  Code match(std::uint32_t next16) const {
    const Short entry = short_[next16 >> (16 - short_bits)];
    return entry.bits ? Code{entry.bits, entry.symbol} : match_long(next16);
  }

 private:
  Code match_long(std::uint32_t next16) const;

  static constexpr int short_bits = 9;  // codes of up to 9 bits are found by one look-up
  struct Short {
    std::uint8_t bits = 0, symbol = 0;
  };
  bool is_defined_ = false;
  std::array<Short, 1 << short_bits> short_{};
  std::array<std::uint32_t, 17> end_{};   // codes of length l are below end_[l], left-aligned in 16 bits
  std::array<int, 17> first_symbol_{};    // index of the symbol that length l would have for code 0
  std::array<std::uint8_t, 256> symbols_{};
};

struct JpegComponent {
  int id = 0;
  int h = 1, v = 1;                        // sampling factors
  int quantisation = 0;
  int blocks_x = 0, blocks_y = 0;          // blocks that hold pixels: what a scan of this component alone sends
  int stored_x = 0, stored_y = 0;          // blocks in whole MCUs: what an interleaved scan sends
  std::array<std::int8_t, 64> precision{}; // per coefficient: lowest bit sent so far; -1: nothing yet
  std::vector<std::uint64_t> nonzero;      // progressive: per block, which coefficients are not zero
};

struct JpegFrame {
  int width = 0, height = 0;
  int h_max = 1, v_max = 1;
  bool progressive = false;
  std::vector<JpegComponent> components;
};

struct JpegScan {
  struct Part {
    int component = 0;
    const HuffmanTable* dc = nullptr;  // null where the scan does not use one
    const HuffmanTable* ac = nullptr;
  };
  std::vector<Part> parts;
  int first = 0, last = 63;  // coefficients in zigzag order
  int high = 0, low = 0;     // successive approximation: bit position sent before (0: none), and now
  int restart_interval = 0;  // MCUs between restart markers; 0: none
};

/// Walks the entropy-coded data that starts at `offset` and returns the offset of the marker after it.
/// Throws Error starting with `name`: truncated (with the row reached) or corrupt (with the reason).
std::size_t walk_scan(Bytes file, std::size_t offset, JpegFrame& frame, const JpegScan& scan, std::string_view name);

}  // namespace weft
