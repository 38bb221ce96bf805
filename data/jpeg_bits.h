#pragma once
// The bits that a JPEG's Huffman codes are made of. data/jpeg_scan.cpp reads them.

#include <cstdint>

#include "data/byte_reader.h"

namespace weft {

/// Bits of entropy-coded data, most significant first. A zero after 0xFF is stuffing; anything else
/// after 0xFF is a marker, and the data ends before it.
class JpegBits {
 public:
  JpegBits(Bytes file, std::size_t offset) : file_(file), next_(offset) {}

  /// True where at least `count` (0..56) bits are left.
  bool has(int count) {
    if (bits_ < count) fill();
    return bits_ >= count;
  }
  /// The next `count` bits, and stepping over `count` bits, where has(count).
  std::uint64_t peek(int count) const { return buffer_ >> (64 - count); }
  void skip(int count) {
    buffer_ <<= count;
    bits_ -= count;
  }
  /// The next 16 bits, zeros past the end of the data.
  std::uint32_t peek16() {
    if (bits_ < 16) fill();
    return static_cast<std::uint32_t>(buffer_ >> 48);
  }
  /// Takes `count` (0..16) bits; false where the data ends before them.
  bool take(int count, std::uint32_t* value = nullptr) {
    if (bits_ < count) fill();
    if (bits_ < count) return false;
    if (value) *value = count ? static_cast<std::uint32_t>(buffer_ >> (64 - count)) : 0;
    buffer_ <<= count;
    bits_ -= count;
    return true;
  }
  /// Drops the bits that pad the last byte. False where whole bytes are left: data nobody asked for.
  bool align() {
    fill();
    const bool nothing_left = bits_ < 8;
    bits_ = 0;
    buffer_ = 0;
    return nothing_left;
  }
  /// After align(): the marker that ended the data (0: the file ended). take_marker() steps over it.
  int marker() const {
    std::size_t at = next_;
    while (at < file_.size() && file_[at] == 0xFF) ++at;
    return at > next_ && at < file_.size() ? file_[at] : 0;
  }
  void take_marker() {
    while (file_[next_] == 0xFF) ++next_;
    ++next_;
  }
  std::size_t offset() const { return next_; }
  void skip_to(std::size_t offset) { next_ = offset; }

 private:
  void fill() {
    if (bits_ > 56 || fill_at_once()) return;
    while (bits_ <= 56 && next_ < file_.size()) {
      const std::uint8_t byte = file_[next_];
      std::size_t after = next_ + 1;
      if (byte == 0xFF) {
        while (after < file_.size() && file_[after] == 0xFF) ++after;
        if (after >= file_.size() || file_[after] != 0) return;
        ++after;
      }
      next_ = after;
      buffer_ |= static_cast<std::uint64_t>(byte) << (56 - bits_);
      bits_ += 8;
    }
  }

  /// All that fits at once, where none of the next 8 bytes is 0xFF: then neither stuffing nor a marker is among them.
  bool fill_at_once() {
    if (file_.size() - next_ < 8) return false;
    const std::uint64_t word = big_endian_64(file_.data() + next_);
    // Where a byte of word is 0xFF, that of ~word is 0, and taking 1 from it borrows a high bit that word has too.
    if ((~word - 0x0101010101010101u) & word & 0x8080808080808080u) return false;
    const int bytes = (64 - bits_) / 8;
    buffer_ |= (word & ~std::uint64_t{0} << (64 - 8 * bytes)) >> bits_;
    bits_ += 8 * bytes;
    next_ += static_cast<std::size_t>(bytes);
    return true;
  }

  Bytes file_;
  std::size_t next_;
  std::uint64_t buffer_ = 0;
  int bits_ = 0;
};

}  // namespace weft
