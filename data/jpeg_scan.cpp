#include "data/jpeg_scan.h"

#include <algorithm>
#include <cstdlib>
#include <map>

#include "core/check.h"
#include "data/jpeg_bits.h"

namespace weft {

bool HuffmanTable::build(std::span<const std::uint8_t, 16> counts, Bytes symbols) {
  if (symbols.size() > symbols_.size()) return false;
  is_defined_ = false;
  short_.fill({});
  std::copy(symbols.begin(), symbols.end(), symbols_.begin());

  std::uint32_t code = 0;
  std::size_t index = 0;
  for (int bits = 1; bits <= 16; ++bits) {
    const std::size_t count = counts[static_cast<std::size_t>(bits - 1)];
    const std::uint32_t code_end = code + static_cast<std::uint32_t>(count);
    if (code_end > (1u << bits) || index + count > symbols.size()) return false;
    first_symbol_[static_cast<std::size_t>(bits)] = static_cast<int>(index) - static_cast<int>(code);
    for (; code < code_end; ++code, ++index) {
      if (bits > short_bits) continue;
      const auto first = short_.begin() + static_cast<std::ptrdiff_t>(code << (short_bits - bits));
      std::fill_n(first, 1 << (short_bits - bits), Short{static_cast<std::uint8_t>(bits), symbols[index]});
    }
    end_[static_cast<std::size_t>(bits)] = code << (16 - bits);
    code <<= 1;
  }
  return is_defined_ = index == symbols.size();
}

HuffmanTable::Code HuffmanTable::match_long(std::uint32_t next16) const {
  for (int bits = short_bits + 1; bits <= 16; ++bits) {
    const auto l = static_cast<std::size_t>(bits);
    if (next16 >= end_[l]) continue;
    const int index = static_cast<int>(next16 >> (16 - bits)) + first_symbol_[l];
    return {bits, symbols_[static_cast<std::size_t>(index)]};
  }
  return {};
}

namespace {

/// Steps through a sequential block's AC data. A step is all codes, with the values they announce, that the next bits
/// of the stream show from start to end: two or three in a photograph, and one look-up finds them.
class BlockSteps {
 public:
  static constexpr int window = 10;              // bits that are looked at
  static constexpr int most_bits = window + 15;  // of a step: its last value isn't asked for and may reach further

  struct Step {
    std::uint8_t bits = 0;          // 0: the next code is longer than the window, or there is none
    std::uint8_t coefficients = 0;  // that it passes, less than a block
    bool ends_block = false;        // by the code that says so; a block that is full to its end has none
  };

  explicit BlockSteps(const HuffmanTable& table) {
    for (std::uint32_t bits = 0; bits < steps_.size(); ++bits) steps_[bits] = step(table, bits << (16 - window));
  }
  Step at(std::uint64_t next) const { return steps_[next]; }

 private:
  static Step step(const HuffmanTable& table, std::uint32_t next16) {
    Step step;
    while (step.bits < window && !step.ends_block) {
      const HuffmanTable::Code code = table.match(next16 << step.bits & 0xFFFF);
      if (code.bits == 0 || step.bits + code.bits > window) break;
      const int run = code.symbol >> 4, size = code.symbol & 15;
      const bool is_end = size == 0 && run != 15;
      const int coefficients = step.coefficients + (is_end ? 0 : run + 1);
      if (coefficients > 63) break;
      step = {static_cast<std::uint8_t>(step.bits + code.bits + size), static_cast<std::uint8_t>(coefficients), is_end};
    }
    return step;
  }

  std::array<Step, 1 << window> steps_;
};

class ScanWalker {
 public:
  ScanWalker(Bytes file, std::size_t offset, JpegFrame& frame, const JpegScan& scan, std::string_view name)
      : bits_(file, offset), file_(file), frame_(frame), scan_(scan), name_(name) {
    if (frame.progressive) return;
    for (const JpegScan::Part& part : scan.parts) {
      const auto [steps, is_new] = steps_of_table_.try_emplace(part.ac, *part.ac);
      steps_[static_cast<std::size_t>(part.component)] = &steps->second;
    }
  }

  std::size_t walk() {
    if (scan_.parts.size() == 1) {
      walk_blocks();
    } else {
      walk_mcus();
    }
    return end_of_scan();
  }

 private:
  // A scan of one component sends its blocks row by row; each block is an MCU.
  void walk_blocks() {
    const JpegScan::Part& part = scan_.parts[0];
    const JpegComponent& c = frame_.components[static_cast<std::size_t>(part.component)];
    for (int y = 0; y < c.blocks_y; ++y) {
      rows_ = y * 8 * frame_.v_max / c.v;
      for (int x = 0; x < c.blocks_x; ++x) {
        begin_mcu();
        walk_block(part, x, y);
      }
    }
  }

  // A scan of several sends h x v blocks of each component in turn.
  void walk_mcus() {
    const JpegComponent& any = frame_.components[0];
    const int mcus_x = any.stored_x / any.h, mcus_y = any.stored_y / any.v;
    for (int mcu_y = 0; mcu_y < mcus_y; ++mcu_y) {
      rows_ = mcu_y * 8 * frame_.v_max;
      for (int mcu_x = 0; mcu_x < mcus_x; ++mcu_x) {
        begin_mcu();
        for (const JpegScan::Part& part : scan_.parts) {
          const JpegComponent& c = frame_.components[static_cast<std::size_t>(part.component)];
          for (int y = 0; y < c.v; ++y) {
            for (int x = 0; x < c.h; ++x) walk_block(part, mcu_x * c.h + x, mcu_y * c.v + y);
          }
        }
      }
    }
  }

  void begin_mcu() {
    if (scan_.restart_interval && mcus_in_interval_ == scan_.restart_interval) restart();
    ++mcus_in_interval_;
  }

  void restart() {
    if (!bits_.align()) corrupt("data is left over before a restart marker");
    const int marker = bits_.marker(), expected = 0xD0 + next_restart_;
    if (marker == 0 || marker == 0xD9) truncated();
    if (marker != expected) corrupt("expected restart marker {}, found marker {:#04x}", next_restart_, marker);
    bits_.take_marker();
    next_restart_ = (next_restart_ + 1) % 8;
    mcus_in_interval_ = 0;
    end_of_band_run_ = 0;
    predictor_.fill(0);
  }

  // Bytes between the last block and the marker are passed over, as decoders do.
  std::size_t end_of_scan() {
    bits_.align();
    std::size_t at = bits_.offset();
    while (at < file_.size() && file_[at] != 0xFF) ++at;
    bits_.skip_to(at);
    const int marker = bits_.marker();
    if (marker >= 0xD0 && marker <= 0xD7 && mcus_in_interval_ == scan_.restart_interval) bits_.take_marker();
    return bits_.offset();
  }

  void walk_block(const JpegScan::Part& part, int x, int y) {
    if (!frame_.progressive) {
      dc_first(part);
      ac_sequential(*part.ac, *steps_[static_cast<std::size_t>(part.component)]);
    } else if (scan_.first == 0) {
      scan_.high == 0 ? dc_first(part) : dc_refine();
    } else {
      JpegComponent& c = frame_.components[static_cast<std::size_t>(part.component)];
      std::uint64_t& nonzero =
          c.nonzero[static_cast<std::size_t>(y) * static_cast<std::size_t>(c.stored_x) + static_cast<std::size_t>(x)];
      scan_.high == 0 ? ac_first(*part.ac, nonzero) : ac_refine(*part.ac, nonzero);
    }
  }

  void dc_first(const JpegScan::Part& part) {
    const int size = symbol(*part.dc);
    if (size > 15) corrupt("a DC difference of {} bits", size);
    const int bits = static_cast<int>(take(size)), values = 1 << size;
    // T.81 figure F.12: values whose first bit is 0 stand for the negative half.
    const int difference = bits < values / 2 ? bits - values + 1 : bits;
    int& predictor = predictor_[static_cast<std::size_t>(part.component)];
    predictor += difference;
    if (std::abs(predictor) > (32767 >> scan_.low)) corrupt("a DC value leaves its range");
  }

  void dc_refine() { take(1); }

  // By steps, as long as all their bits are there and they stay in the block; else code by code, with all checks.
  void ac_sequential(const HuffmanTable& table, const BlockSteps& steps) {
    JpegBits bits = bits_;  // a copy can live in registers
    for (int k = 1; k < 64;) {
      const BlockSteps::Step step =
          bits.has(BlockSteps::most_bits) ? steps.at(bits.peek(BlockSteps::window)) : BlockSteps::Step{};
      if (step.bits == 0 || k + step.coefficients > 63) {
        bits_ = bits;
        k = ac_single(table, k);
        bits = bits_;
        continue;
      }
      bits.skip(step.bits);
      if (step.ends_block) break;
      k += step.coefficients;
    }
    bits_ = bits;
  }

  /// One code and its value, wherever the data end; the coefficient to go on with.
  int ac_single(const HuffmanTable& table, int k) {
    const int run_size = symbol(table), run = run_size >> 4, size = run_size & 15;
    if (size == 0) return run == 15 ? k + 16 : 64;
    k += run + 1;
    if (k > 64) corrupt("a run of zeros leaves its block");
    take(size);
    return k;
  }

  void ac_first(const HuffmanTable& table, std::uint64_t& nonzero) {
    if (end_of_band_run_ > 0) {
      --end_of_band_run_;
      return;
    }
    for (int k = scan_.first; k <= scan_.last;) {
      const int run_size = symbol(table), run = run_size >> 4, size = run_size & 15;
      if (size == 0) {
        if (run != 15) {
          end_of_band_run_ = (1 << run) + static_cast<int>(take(run)) - 1;
          return;
        }
        k += 16;
        continue;
      }
      k += run;
      if (k > scan_.last) corrupt("a run of zeros leaves its band");
      if (size + scan_.low > 15) corrupt("an AC value leaves its range");
      take(size);
      nonzero |= std::uint64_t{1} << k++;
    }
  }

  // T.81 figures G.7 to G.9: a run counts the zeros that stay zero; each coefficient passed that is not
  // zero sends one bit of correction.
  void ac_refine(const HuffmanTable& table, std::uint64_t& nonzero) {
    int k = scan_.first;
    while (end_of_band_run_ == 0 && k <= scan_.last) {
      const int run_size = symbol(table), run = run_size >> 4, size = run_size & 15;
      if (size > 1) corrupt("a refinement adds more than one bit");
      if (size == 0 && run != 15) {
        end_of_band_run_ = (1 << run) + static_cast<int>(take(run));
        break;
      }
      take(size);  // the sign of the coefficient that becomes non-zero
      int zeros_left = run;
      while (k <= scan_.last) {
        const std::uint64_t bit = std::uint64_t{1} << k++;
        if (nonzero & bit) {
          take(1);
        } else if (zeros_left-- == 0) {
          if (size) nonzero |= bit;
          break;
        }
      }
    }
    if (end_of_band_run_ > 0) {
      for (; k <= scan_.last; ++k) {
        if (nonzero >> k & 1) take(1);
      }
      --end_of_band_run_;
    }
  }

  int symbol(const HuffmanTable& table) {
    const HuffmanTable::Code code = table.match(bits_.peek16());
    if (code.bits == 0 && bits_.take(16)) corrupt("a code that is in no Huffman table");
    if (code.bits == 0 || !bits_.take(code.bits)) truncated();
    return code.symbol;
  }

  std::uint32_t take(int count) {
    std::uint32_t value = 0;
    if (!bits_.take(count, &value)) truncated();
    return value;
  }

  [[noreturn]] void truncated() const {
    fail("{}: truncated JPEG: the picture ends after {} of {} rows", name_, std::min(rows_, frame_.height),
         frame_.height);
  }
  template <class... Args>
  [[noreturn]] void corrupt(fmt::format_string<Args...> format, Args&&... args) const {
    fail("{}: corrupt JPEG: after {} of {} rows: {}", name_, std::min(rows_, frame_.height), frame_.height,
         fmt::format(format, std::forward<Args>(args)...));
  }

  JpegBits bits_;
  Bytes file_;
  JpegFrame& frame_;
  const JpegScan& scan_;
  std::string_view name_;
  std::map<const HuffmanTable*, BlockSteps> steps_of_table_;
  std::array<const BlockSteps*, 4> steps_{};  // of each component, in a sequential scan
  std::array<int, 4> predictor_{};
  int mcus_in_interval_ = 0;
  int next_restart_ = 0;
  int end_of_band_run_ = 0;  // blocks left whose band is all zeros, or unchanged
  int rows_ = 0;
};

}  // namespace

std::size_t walk_scan(Bytes file, std::size_t offset, JpegFrame& frame, const JpegScan& scan, std::string_view name) {
  return ScanWalker(file, offset, frame, scan, name).walk();
}

}  // namespace weft
